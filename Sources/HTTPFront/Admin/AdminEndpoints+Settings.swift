import OpenInference
import ServerRuntime

extension AdminEndpoints {
    // MARK: Trace

    /// The trace settings, after the changes that a body asks for.
    func trace(_ model: String?, _ body: [UInt8]?) throws(WireError) -> HTTPReply {
        if let model { _ = try servable(model, nil) }
        if let body {
            var changes: [String: [String]?] = [:]
            for entry in try JSONBody.object(body).entries {
                let name = entry.name
                switch entry.value {
                case .null: changes[name] = .some(nil)
                case .text(let text): changes[name] = [text]
                case .texts(let texts): changes[name] = texts
                case .number(let number):
                    changes[name] = [Int64(exactly: number).map { String($0) } ?? "\(number)"]
                case .flag, .object:
                    throw WireError(.invalidArgument, "trace setting '\(name)' must be text")
                }
            }
            do throws(SettingsError) {
                try runtime.traceSettings.update(model: model, changes)
            } catch {
                throw WireError(.invalidArgument, error.message)
            }
        }
        return .json { writer in
            writer.beginObject()
            for (name, values) in runtime.traceSettings.snapshot(model: model) {
                writer.key(text: name)
                if name == "trace_level" {
                    writer.beginArray()
                    for value in values { writer.string(value) }
                    writer.endArray()
                } else {
                    writer.string(values.first ?? "")
                }
            }
            writer.endObject()
        }
    }

    // MARK: Logging

    /// The log settings, after the changes that a body asks for.
    func logging(_ body: [UInt8]?) throws(WireError) -> HTTPReply {
        if let body {
            var changes: [String: SettingValue] = [:]
            for entry in try JSONBody.object(body).entries {
                let name = entry.name
                switch entry.value {
                case .flag(let flag): changes[name] = .flag(flag)
                case .text(let text): changes[name] = .text(text)
                case .number(let number):
                    guard let level = UInt32(exactly: number) else {
                        throw WireError(
                            .invalidArgument,
                            "log setting '\(name)' takes a whole number from 0"
                        )
                    }
                    changes[name] = .number(level)
                case .null, .texts, .object:
                    throw WireError(
                        .invalidArgument,
                        "log setting '\(name)' must be text, a number, true or false"
                    )
                }
            }
            do throws(SettingsError) {
                try runtime.logSettings.update(changes)
            } catch {
                throw WireError(.invalidArgument, error.message)
            }
        }
        return .json { writer in
            writer.beginObject()
            for (name, value) in runtime.logSettings.snapshot() {
                writer.key(text: name)
                switch value {
                case .flag(let flag): writer.flag(flag)
                case .number(let number): writer.number(number)
                case .text(let text): writer.string(text)
                }
            }
            writer.endObject()
        }
    }
}
