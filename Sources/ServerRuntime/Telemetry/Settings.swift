/// The value of one log setting on the wire.
public enum SettingValue: Hashable, Sendable {
    /// `log_info` and its like.
    case flag(Bool)
    /// `log_verbose_level`.
    case number(UInt32)
    /// `log_file`, `log_format`.
    case text(String)
}

/// A setting that was asked for and can't be had: one line for the client.
public struct SettingsError: Error, Hashable, Sendable {
    /// What, the limit, the next step.
    public let message: String

    /// Creates an error from its one line.
    public init(_ message: String) { self.message = message }
}
