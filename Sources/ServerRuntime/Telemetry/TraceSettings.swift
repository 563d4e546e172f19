import Synchronization

/// The trace settings, for all models and by model (`/v2/trace/setting`).
public final class TraceSettings: Sendable {
    struct Values: Hashable, Sendable {
        var file = ""
        var timestamps = false
        var tensors = false
        var rate: UInt32 = 1_000
        /// How many more requests to trace; -1 = no end.
        var count: Int64 = -1
        var logFrequency: UInt32 = 0

        var isOn: Bool { timestamps && !file.isEmpty && rate > 0 && count != 0 }
    }

    private struct State {
        var all: Values
        /// Settings that models have of their own, by setting name.
        var models: [String: [String: [String]]] = [:]
    }

    static let names = [
        "trace_file", "trace_level", "trace_rate", "trace_count", "log_frequency", "trace_mode",
    ]

    private let state: Mutex<State>
    private let anyOn = Atomic<Bool>(false)

    init(file: String = "") {
        state = Mutex(State(all: Values(file: file)))
    }

    /// The settings that hold for a model (nil = for all), by their wire names, in order.
    public func snapshot(model: String?) -> [(name: String, values: [String])] {
        let values = self.values(model: model)
        var levels: [String] = []
        if values.timestamps { levels.append("TIMESTAMPS") }
        if values.tensors { levels.append("TENSORS") }
        return [
            ("trace_file", [values.file]),
            ("trace_level", levels.isEmpty ? ["OFF"] : levels),
            ("trace_rate", ["\(values.rate)"]),
            ("trace_count", ["\(values.count)"]),
            ("log_frequency", ["\(values.logFrequency)"]),
            ("trace_mode", ["triton"]),
        ]
    }

    /// Changes settings; nil as a value clears a model's own. All or none.
    public func update(model: String?, _ changes: [String: [String]?]) throws(SettingsError) {
        var all = state.withLock { $0.all }
        var own = state.withLock { state in model.flatMap { state.models[$0] } ?? [:] }
        for (name, values) in changes.sorted(by: { $0.key < $1.key }) {
            if let values {
                var checked = all
                try Self.set(name, values, in: &checked)
                if model == nil { all = checked } else { own[name] = values }
            } else if model != nil {
                own[name] = nil
            } else {
                try Self.clear(name, in: &all)
            }
        }
        state.withLock { state in
            state.all = all
            if let model { state.models[model] = own.isEmpty ? nil : own }
        }
        let isOn = all.isOn || state.withLock { !$0.models.isEmpty }
        anyOn.store(isOn, ordering: .relaxed)
    }

    /// Whether any model may be traced: one atomic look.
    var isAnyOn: Bool { anyOn.load(ordering: .relaxed) }

    /// The values that hold for a model.
    func values(model: String?) -> Values {
        let (all, own) = state.withLock { state in
            (state.all, model.flatMap { state.models[$0] })
        }
        var values = all
        for (name, texts) in (own ?? [:]).sorted(by: { $0.key < $1.key }) {
            try? Self.set(name, texts, in: &values)
        }
        return values
    }

    private static func clear(_ name: String, in values: inout Values) throws(SettingsError) {
        let fresh = Values(file: values.file)
        switch name {
        case "trace_level": (values.timestamps, values.tensors) = (false, false)
        case "trace_rate": values.rate = fresh.rate
        case "trace_count": values.count = fresh.count
        case "log_frequency": values.logFrequency = fresh.logFrequency
        default: throw unknown(name)
        }
    }

    private static func set(
        _ name: String,
        _ texts: [String],
        in values: inout Values
    ) throws(SettingsError) {
        let text = texts.first ?? ""
        switch name {
        case "trace_level":
            (values.timestamps, values.tensors) = (false, false)
            for level in texts {
                switch level {
                case "OFF": break
                case "TIMESTAMPS": values.timestamps = true
                case "TENSORS": values.tensors = true
                default:
                    throw SettingsError(
                        "trace_level '\(level)' is not known; use OFF, TIMESTAMPS or TENSORS"
                    )
                }
            }
        case "trace_rate": values.rate = try number(name, text)
        case "log_frequency": values.logFrequency = try number(name, text)
        case "trace_count":
            guard let count = Int64(text), count >= -1 else {
                throw SettingsError("trace_count takes a whole number from -1, not '\(text)'")
            }
            values.count = count
        case "trace_file", "trace_mode":
            throw SettingsError("\(name) can't be changed while the server runs")
        default: throw unknown(name)
        }
    }

    private static func number(_ name: String, _ text: String) throws(SettingsError) -> UInt32 {
        guard let number = UInt32(text) else {
            throw SettingsError("\(name) takes a whole number from 0, not '\(text)'")
        }
        return number
    }

    private static func unknown(_ name: String) -> SettingsError {
        SettingsError("there is no trace setting '\(name)'; there are \(names)")
    }
}
