/// Why the costs of a network could not be counted.
public struct CostError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One line: which operation, what is wrong with it, the next step.
    public let description: String

    init(_ description: String) { self.description = description }
}
