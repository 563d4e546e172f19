import Foundation
public import Logging

/// Log lines as `time level message key=value ...` on standard error.
public struct StructuredLog: LogHandler {
    /// What every line of this logger carries.
    public var metadata: Logger.Metadata = [:]
    /// The level is the settings' business; whatever is set here holds besides.
    public var logLevel = Logger.Level.trace
    private let settings: LogSettings

    /// Creates a handler that obeys `settings` as they change.
    public init(settings: LogSettings) {
        self.settings = settings
    }

    /// Reads or sets one key of `metadata`.
    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    /// Writes one line, if the settings let its level through.
    public func log(event: LogEvent) {
        let values = settings.values
        let passes =
            switch event.level {
            case .trace: values.verbose >= 2
            case .debug: values.verbose >= 1
            case .info, .notice: values.info
            case .warning: values.warning
            case .error, .critical: values.error
            }
        guard passes else { return }
        let message = Self.oneLine("\(event.message)")
        var line = Self.time(isISO8601: values.isISO8601) + " \(event.level) \(message)"
        let metadata = self.metadata.merging(event.metadata ?? [:]) { $1 }
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Self.quoted("\(value)"))"
        }
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    /// The message without line ends and other control characters: names that clients send may
    /// stand in it.
    private static func oneLine(_ message: String) -> String {
        guard message.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return message }
        let space: UnicodeScalar = " "
        var line = String.UnicodeScalarView()
        for scalar in message.unicodeScalars {
            line.append(scalar.value < 0x20 || scalar.value == 0x7F ? space : scalar)
        }
        return String(line)
    }

    private static func time(isISO8601: Bool) -> String {
        let now = Date()
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        let text = now.formatted(style)
        return isISO8601 ? text : String(text.dropFirst(11).dropLast())
    }

    /// A value in quotes where a reader would otherwise not see its end.
    private static func quoted(_ value: String) -> String {
        guard value.contains(where: { $0 == " " || $0 == "\"" || $0.isNewline }) else {
            return value
        }
        let escaped = value.replacingOccurrences(of: "\\", with: "\\\\")
            .replacingOccurrences(of: "\"", with: "\\\"")
            .replacingOccurrences(of: "\n", with: "\\n")
        return "\"\(escaped)\""
    }
}
