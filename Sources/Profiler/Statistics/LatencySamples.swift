public import ServingDomain

/// Measured latencies of one point: median, 99th percentile, and how sure the median is.
public struct LatencySamples: Hashable, Sendable {
    /// In nanoseconds, ascending.
    private(set) var sorted: [Int64] = []

    /// Creates a collection without samples.
    public init() {}

    /// How many there are.
    public var count: Int { sorted.count }

    /// Adds samples. Cost: O(n log n).
    public mutating func add(_ spans: [TimeSpan]) {
        sorted += spans.map(\.nanoseconds)
        sorted.sort()
    }

    /// The median; the mean of the two in the middle where their number is even. nil without any.
    public var median: TimeSpan? {
        guard let last = sorted.last else { return nil }
        guard sorted.count > 1 else { return TimeSpan(nanoseconds: last) }
        let middle = sorted.count / 2
        guard sorted.count % 2 == 0 else { return TimeSpan(nanoseconds: sorted[middle]) }
        let gap = sorted[middle] - sorted[middle - 1]
        return TimeSpan(nanoseconds: sorted[middle - 1] + gap / 2)
    }

    /// The latency that 99 of 100 samples do not exceed; see `percentile`.
    public var p99: TimeSpan? { percentile(99) }

    /// The latency that `percent` of 100 samples do not exceed (nearest rank); the largest where
    /// there are few. nil without any.
    public func percentile(_ percent: Int) -> TimeSpan? {
        precondition((1...100).contains(percent))
        guard !sorted.isEmpty else { return nil }
        let rank = (sorted.count * percent + 99) / 100
        return TimeSpan(nanoseconds: sorted[rank - 1])
    }

    /// Half the width of the median's 95 % confidence interval, as a part of the median.
    ///
    /// By order statistics, whatever the distribution (Conover, Practical Nonparametric
    /// Statistics, section 3.2): the ranks n / 2 -+ 0.98 sqrt n. Infinite for fewer than six, for
    /// which no such interval exists.
    public var uncertainty: Double {
        guard sorted.count >= 6, let median, median > .zero else { return .infinity }
        let middle = Double(sorted.count) / 2
        let reach = 0.98 * Double(sorted.count).squareRoot()
        let low = max(0, Int((middle - reach).rounded(.down)) - 1)
        let high = min(sorted.count - 1, Int((middle + reach).rounded(.up)))
        return Double(sorted[high] - sorted[low]) / 2 / Double(median.nanoseconds)
    }
}
