/// A measurement of what running beside others cost: the points that contention models are
/// fitted to.
public struct CoRun: Hashable, Sendable {
    /// Who was slowed down.
    public var victim: ContentionLoad
    /// Who ran beside it all the time.
    public var others: [ContentionLoad]
    /// Latency beside them over latency alone, with the same batch and units.
    public var slowdown: Double

    /// Creates a measurement.
    public init(victim: ContentionLoad, others: [ContentionLoad], slowdown: Double) {
        self.victim = victim
        self.others = others
        self.slowdown = slowdown
    }
}
