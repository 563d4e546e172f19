/// Why a live experiment could not be run, in one line: what happened, the limit, the next step.
public struct LiveError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The line.
    public let description: String

    /// Creates an error from its line.
    public init(_ description: String) { self.description = description }
}
