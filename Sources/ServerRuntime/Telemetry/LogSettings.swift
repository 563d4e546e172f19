import Synchronization

/// The log settings that clients may read and change (`/v2/logging`).
public final class LogSettings: Sendable {
    /// The settings by their wire names, in the wire's order.
    public func snapshot() -> [(name: String, value: SettingValue)] { [] }

    /// Changes the named settings, or none of them when one is wrong.
    public func update(_ changes: [String: SettingValue]) throws(SettingsError) {}

    init() {}
}
