package import ServingDomain

/// The last ten times of every batch size of a row, and the largest of each ten.
///
/// Clockwork (OSDI'20) takes the 99th percentile of the last ten as its estimate, which is their
/// largest. Sizes beyond 64 are kept as 64.
package struct RecentTimes: Sendable {
    private static let depth = 10
    private static let sizes = 64

    private var times: [Int64]
    private var counts: [Int32]

    /// Creates an empty memory for batches of up to `largest` items.
    package init(largest: Int) {
        let sizes = min(Self.sizes, max(0, largest)) + 1
        times = Array(repeating: 0, count: sizes * Self.depth)
        counts = Array(repeating: 0, count: sizes)
    }

    /// Takes note that `items` took `span`.
    package mutating func note(items: Int32, span: TimeSpan) {
        let size = min(Int(items), counts.count - 1)
        guard size >= 1 else { return }
        times[size * Self.depth + Int(counts[size]) % Self.depth] = span.nanoseconds
        counts[size] = counts[size] &+ 1 < 0 ? Int32(Self.depth) : counts[size] + 1
    }

    /// The largest of the last ten times of `items`; nil before the first.
    package func worst(items: Int32) -> TimeSpan? {
        let size = min(Int(items), counts.count - 1)
        guard size >= 1, counts[size] > 0 else { return nil }
        var worst: Int64 = 0
        for place in 0..<min(Self.depth, Int(counts[size])) {
            worst = max(worst, times[size * Self.depth + place])
        }
        return TimeSpan(nanoseconds: worst)
    }
}
