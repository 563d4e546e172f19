/// Why a load could not be run, in one line: what happened, the limit, the next step.
public struct LoadError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line.
    public var message: String

    /// Creates an error.
    public init(_ message: String) { self.message = message }

    /// The line.
    public var description: String { message }
}
