public import ServingDomain

/// Decides how devices are split and which models sit where.
///
/// A planner is a pure function: the same inputs give the same plan, byte by byte.
public protocol Planner: Sendable {
    /// The name under which it is asked for, options included.
    var name: String { get }

    /// Makes a plan. Demand that finds no place stands in `Plan.unserved`; that is no error.
    ///
    /// - Throws: `PlanError` where the inputs make no sense.
    func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan
}

/// Why there is no plan, or no such planner.
public struct PlanError: Error, Hashable, Sendable {
    /// One line: what, the limit, the next step.
    public let message: String

    /// Creates an error from its one line.
    public init(_ message: String) { self.message = message }
}
