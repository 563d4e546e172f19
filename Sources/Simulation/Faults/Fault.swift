public import ServingDomain

/// Something that goes wrong in a simulation, and when.
public struct Fault: Hashable, Sendable {
    /// What goes wrong.
    public enum Kind: Hashable, Sendable {
        /// A device does not answer; what runs on it is lost.
        case deviceLost(DeviceID)
        /// A device takes longer, by this many thousandths of the usual time.
        case slowDevice(DeviceID, milli: Int32)
        /// Instances of a model can't be loaded.
        case failedLoad(ModelID)
        /// Batches of a model that start meanwhile never end by themselves.
        case hangingEngine(ModelID)
        /// The same, and the engine does not end them when it is told to: they come back, without
        /// results, when all is well again.
        case deafEngine(ModelID)
    }

    /// What goes wrong.
    public var kind: Kind
    /// When it begins.
    public var at: Instant
    /// How long it lasts; nil = for good.
    public var duration: TimeSpan?

    /// Creates a fault.
    public init(_ kind: Kind, at: Instant, duration: TimeSpan? = nil) {
        self.kind = kind
        self.at = at
        self.duration = duration
    }

    /// When all is well again; `distantFuture` = never.
    public var end: Instant { duration.map { at + $0 } ?? .distantFuture }
}
