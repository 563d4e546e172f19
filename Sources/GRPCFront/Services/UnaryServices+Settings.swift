import ServerRuntime
import SwiftProtobuf
import WireMessages

/// Settings that clients may read and change.
extension UnaryServices {
    /// Changes the trace settings that are named, and answers all.
    func traceSetting(
        _ request: Inference_TraceSettingRequest
    ) throws(Status) -> Inference_TraceSettingResponse {
        let model = request.modelName.isEmpty ? nil : request.modelName
        if let model { _ = try find(model, "") }
        // An entry without values takes the model's own setting back.
        let changes = request.settings.mapValues { $0.value.isEmpty ? nil : $0.value }
        if !changes.isEmpty {
            do throws(SettingsError) {
                try runtime.traceSettings.update(model: model, changes)
            } catch {
                throw Status(.invalidArgument, error.message)
            }
        }
        let settings = runtime.traceSettings.snapshot(model: model)
        return .with {
            for (name, values) in settings { $0.settings[name] = .with { $0.value = values } }
        }
    }

    /// Changes the log settings that are named, and answers all.
    func logSettings(
        _ request: Inference_LogSettingsRequest
    ) throws(Status) -> Inference_LogSettingsResponse {
        var changes: [String: SettingValue] = [:]
        for (name, value) in request.settings {
            switch value.parameterChoice {
            case .boolParam(let flag): changes[name] = .flag(flag)
            case .uint32Param(let number): changes[name] = .number(number)
            case .stringParam(let text): changes[name] = .text(text)
            case nil: throw Status(.invalidArgument, "log setting '\(name)' has no value")
            }
        }
        if !changes.isEmpty {
            do throws(SettingsError) {
                try runtime.logSettings.update(changes)
            } catch {
                throw Status(.invalidArgument, error.message)
            }
        }
        let settings = runtime.logSettings.snapshot()
        return .with {
            for (name, value) in settings { $0.settings[name] = wire(value) }
        }
    }

    private func wire(_ value: SettingValue) -> Inference_LogSettingsResponse.SettingValue {
        .with {
            switch value {
            case .flag(let flag): $0.boolParam = flag
            case .number(let number): $0.uint32Param = number
            case .text(let text): $0.stringParam = text
            }
        }
    }
}
