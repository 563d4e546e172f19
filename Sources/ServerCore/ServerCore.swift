public import ServingDomain

/// Decides, event by event, which batch starts where, who waits and who is refused.
///
/// Facts go in, orders come out; time is an argument. The core holds no clock, no lock and no
/// tensor, so that a server and a simulator can drive the same code.
public struct ServerCore: ~Copyable {
    /// When the driver is to send `wake`; nil = never. The only timer that a driver keeps.
    public private(set) var nextWake: Instant?

    /// Creates a core for the devices, policy and limits of `configuration`.
    ///
    /// - Throws: `ConfigurationError` naming a policy or scaler that there isn't, and those
    ///   that there are.
    public init(_ configuration: CoreConfiguration) throws(ConfigurationError) {
        nextWake = nil
    }

    /// Takes one fact and appends the orders that follow from it.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - now: When; never earlier than at the call before.
    ///   - actions: Where the orders go; what is in it already stays.
    public mutating func handle(
        _ event: Event,
        at now: Instant,
        into actions: inout ActionBuffer
    ) {
    }
}

/// A configuration that names something that there isn't.
public struct ConfigurationError: Error, Hashable, Sendable {
    /// One line: what, the limit, the next step.
    public let message: String

    /// Creates an error from its one line.
    public init(_ message: String) { self.message = message }
}
