public import ServingDomain

/// How many requests ended in which way.
public struct OutcomeCounts: Hashable, Sendable {
    /// Handed in.
    public var submitted: Int64 = 0
    /// By outcome.
    public var served: Int64 = 0, late: Int64 = 0, dropped: Int64 = 0
    /// By outcome.
    public var refused: Int64 = 0, failed: Int64 = 0, cancelled: Int64 = 0
    /// Violations and ends (cancelled ones left out) of requests that have a deadline.
    public var violated: Int64 = 0, judged: Int64 = 0

    /// Creates counts of nothing.
    public init() {}

    /// All that have ended.
    public var ended: Int64 { served + late + dropped + refused + failed + cancelled }

    /// Violation % as the design defines it; 0 without ends.
    public var violationPercent: Double {
        judged == 0 ? 0 : 100 * Double(violated) / Double(judged)
    }

    /// Counts one end.
    public mutating func add(_ outcome: Outcome, hasDeadline: Bool) {
        switch outcome {
        case .served: served += 1
        case .late: late += 1
        case .dropped: dropped += 1
        case .refused: refused += 1
        case .failed: failed += 1
        case .cancelled:
            cancelled += 1
            return
        }
        guard hasDeadline else { return }
        judged += 1
        if outcome.isViolation { violated += 1 }
    }

    /// Adds other counts.
    public mutating func add(_ other: OutcomeCounts) {
        submitted += other.submitted
        served += other.served
        late += other.late
        dropped += other.dropped
        refused += other.refused
        failed += other.failed
        cancelled += other.cancelled
        violated += other.violated
        judged += other.judged
    }
}
