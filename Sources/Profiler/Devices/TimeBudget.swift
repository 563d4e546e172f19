public import ServingDomain

/// How long measuring may take in all. What would not fit any more is left for the next run.
public struct TimeBudget: Sendable {
    private let end: Instant
    private let stopwatch: Stopwatch

    /// A budget that begins now.
    public init(_ span: TimeSpan, stopwatch: Stopwatch = .system) {
        self.stopwatch = stopwatch
        end = stopwatch.now() + span
    }

    /// Whether something that takes so long still fits.
    public func fits(_ span: TimeSpan) -> Bool { stopwatch.now() + span <= end }
}
