import Synchronization

/// The log settings that clients may read and change (`/v2/logging`).
public final class LogSettings: Sendable {
    struct Values: Sendable {
        var info = true
        var warning = true
        var error = true
        var verbose: UInt32 = 0
        var isISO8601 = false
    }

    private let state: Mutex<Values>

    /// Creates the settings that a server starts with.
    ///
    /// - Parameters:
    ///   - verbose: 1 adds debug lines, 2 and more add trace lines.
    ///   - iso8601: Times as ISO 8601 instead of Triton's short form.
    public init(
        info: Bool = true,
        warning: Bool = true,
        error: Bool = true,
        verbose: UInt32 = 0,
        iso8601: Bool = false
    ) {
        state = Mutex(
            Values(
                info: info,
                warning: warning,
                error: error,
                verbose: verbose,
                isISO8601: iso8601
            )
        )
    }

    var values: Values { state.withLock { $0 } }

    /// The settings by their wire names, in the wire's order.
    public func snapshot() -> [(name: String, value: SettingValue)] {
        let values = self.values
        return [
            ("log_file", .text("")),
            ("log_info", .flag(values.info)),
            ("log_warning", .flag(values.warning)),
            ("log_error", .flag(values.error)),
            ("log_verbose_level", .number(values.verbose)),
            ("log_format", .text(values.isISO8601 ? "ISO8601" : "default")),
        ]
    }

    /// Changes the named settings, or none of them when one is wrong.
    public func update(_ changes: [String: SettingValue]) throws(SettingsError) {
        var values = self.values
        for (name, value) in changes.sorted(by: { $0.key < $1.key }) {
            switch (name, value) {
            case ("log_info", .flag(let on)): values.info = on
            case ("log_warning", .flag(let on)): values.warning = on
            case ("log_error", .flag(let on)): values.error = on
            case ("log_verbose_level", .number(let level)): values.verbose = level
            case ("log_format", .text("default")): values.isISO8601 = false
            case ("log_format", .text("ISO8601")): values.isISO8601 = true
            case ("log_file", _):
                throw SettingsError("log_file can't be changed while the server runs")
            case ("log_format", .text(let word)):
                throw SettingsError("log_format '\(word)' is not known; use default or ISO8601")
            case ("log_info", _), ("log_warning", _), ("log_error", _):
                throw SettingsError("\(name) takes true or false")
            case ("log_verbose_level", _):
                throw SettingsError("log_verbose_level takes a whole number from 0")
            default:
                throw SettingsError(
                    "there is no log setting '\(name)'; there are log_info, log_warning, "
                        + "log_error, log_verbose_level and log_format"
                )
            }
        }
        state.withLock { $0 = values }
    }
}
