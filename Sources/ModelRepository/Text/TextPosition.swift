/// A place in a configuration text.
public struct TextPosition: Hashable, Sendable {
    /// The line, from 1.
    public var line: Int
    /// The byte in the line, from 1.
    public var column: Int

    /// Creates a place.
    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

/// Why a configuration text could not be read: where, what, the next step.
public struct TextError: Error, Hashable, Sendable {
    /// Where it happened.
    public var position: TextPosition
    /// One line: what, the limit, the next step.
    public var message: String

    /// Creates an error.
    public init(_ position: TextPosition, _ message: String) {
        self.position = position
        self.message = OneLine.of(message)
    }
}
