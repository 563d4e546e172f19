import ServingDomain

/// A count and the time that it took, as the wire reports them.
public struct CountAndTime: Hashable, Sendable {
    /// How many.
    public var count: UInt64 = 0
    /// How long in all, in nanoseconds.
    public var nanoseconds: UInt64 = 0

    /// Nothing counted yet.
    public init() {}

    mutating func add(_ span: TimeSpan) {
        count += 1
        nanoseconds += UInt64(max(0, span.nanoseconds))
    }
}

/// The counters of a model at one moment.
public struct StatisticsSnapshot: Hashable, Sendable {
    /// One row of `batch_stats`.
    public struct Batch: Hashable, Sendable {
        /// Items in the batch.
        public var size: UInt64
        /// Gather, run and scatter.
        public var input = CountAndTime(), infer = CountAndTime(), output = CountAndTime()
    }

    /// How the requests of one priority class ended.
    public struct Class: Hashable, Sendable {
        /// By `Outcome.rawValue`.
        public var outcomes = [UInt64](repeating: 0, count: Outcome.allCases.count)
        /// Requests with a deadline that made it, and that did not.
        public var deadlinesMet: UInt64 = 0, deadlinesMissed: UInt64 = 0
        /// Latency of those that got a result, from arrival to reply.
        public var latency = LatencyHistogram()

        mutating func count(_ outcome: Outcome, hasDeadline: Bool) {
            outcomes[Int(outcome.rawValue)] += 1
            guard hasDeadline else { return }
            if outcome == .served { deadlinesMet += 1 }
            if outcome.isViolation { deadlinesMissed += 1 }
        }
    }

    /// Milliseconds since 1970 of the last batch; 0 = none yet.
    public var lastInference: UInt64 = 0
    /// Items inferred, and executions.
    public var inferences: UInt64 = 0, executions: UInt64 = 0
    /// Requests that wait for a batch.
    public var pending = 0
    /// Requests that a front turned away as malformed.
    public var invalid: UInt64 = 0
    /// Requests that got a result, and that did not.
    public var success = CountAndTime(), fail = CountAndTime()
    /// From arrival to the start of the batch.
    public var queue = CountAndTime()
    /// Gather, run and scatter.
    public var computeInput = CountAndTime(), computeInfer = CountAndTime()
    /// Gather, run and scatter.
    public var computeOutput = CountAndTime()
    /// The response cache, which there is not: always zero.
    public var cacheHit = CountAndTime(), cacheMiss = CountAndTime()
    /// By batch size, ascending.
    public var batches: [Batch] = []
    /// By `PriorityClass.rawValue`.
    public var classes = PriorityClass.allCases.map { _ in Class() }

    /// Nothing counted yet.
    public init() {}
}

/// Latencies in fixed buckets, as Prometheus wants them.
public struct LatencyHistogram: Hashable, Sendable {
    /// The upper bounds in microseconds; one more bucket holds what is beyond.
    public static let boundsMicroseconds: [Int64] = [
        100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000,
        1_000_000, 2_000_000, 5_000_000, 10_000_000,
    ]

    /// How many fell into each bucket (not cumulative).
    public var counts = [UInt64](repeating: 0, count: boundsMicroseconds.count + 1)
    /// The sum of all, in nanoseconds.
    public var sum: UInt64 = 0

    /// Nothing counted yet.
    public init() {}

    mutating func add(_ span: TimeSpan) {
        let microseconds = span.nanoseconds / 1_000
        let bounds = Self.boundsMicroseconds
        counts[bounds.firstIndex { microseconds <= $0 } ?? bounds.count] += 1
        sum += UInt64(max(0, span.nanoseconds))
    }
}
