/// The trace settings, for all models and by model (`/v2/trace/setting`).
public final class TraceSettings: Sendable {
    /// The settings that hold for a model (nil = for all), by their wire names, in order.
    public func snapshot(model: String?) -> [(name: String, values: [String])] { [] }

    /// Changes settings; nil as a value clears a model's own. All or none.
    public func update(model: String?, _ changes: [String: [String]?]) throws(SettingsError) {}

    init() {}
}
