public import ServingDomain

/// Latencies in buckets whose width grows with the value: 128 per doubling, so a quantile is at
/// most 0.8 % too high. Counts, sum and extremes are exact. Cost: a few nanoseconds a value.
public struct LatencyHistogram: Hashable, Sendable {
    /// Values are kept in units of 1.024 us.
    private static let unitBits = 10
    private static let subBits = 7
    private static let doublings = 24

    private var counts: [UInt32] = []
    /// How many values there are.
    public private(set) var count: Int64 = 0
    /// Their sum in nanoseconds.
    public private(set) var sum: Int64 = 0
    /// The smallest and the largest; zero without values.
    public private(set) var least = TimeSpan.zero, most = TimeSpan.zero

    /// Creates an empty histogram.
    public init() {}

    /// Adds a value; a negative one counts as zero.
    public mutating func add(_ span: TimeSpan) {
        if counts.isEmpty { counts = Array(repeating: 0, count: Self.size) }
        let nanoseconds = max(0, span.nanoseconds)
        counts[Self.bucket(nanoseconds)] &+= 1
        if count == 0 || nanoseconds < least.nanoseconds {
            least = TimeSpan(nanoseconds: nanoseconds)
        }
        if nanoseconds > most.nanoseconds { most = TimeSpan(nanoseconds: nanoseconds) }
        count &+= 1
        sum &+= nanoseconds
    }

    /// Adds all values of another histogram.
    public mutating func add(_ other: LatencyHistogram) {
        guard other.count > 0 else { return }
        if counts.isEmpty { counts = Array(repeating: 0, count: Self.size) }
        for place in counts.indices { counts[place] &+= other.counts[place] }
        least = count == 0 ? other.least : min(least, other.least)
        most = max(most, other.most)
        count += other.count
        sum &+= other.sum
    }

    /// The mean; zero without values.
    public var mean: TimeSpan { TimeSpan(nanoseconds: count == 0 ? 0 : sum / count) }

    /// The value that `part` of all (0...1) do not exceed; zero without values.
    public func quantile(_ part: Double) -> TimeSpan {
        guard count > 0 else { return .zero }
        let rank = max(1, Int64((min(1, max(0, part)) * Double(count)).rounded(.up)))
        guard rank < count else { return most }
        var seen: Int64 = 0
        for place in counts.indices {
            seen += Int64(counts[place])
            if seen >= rank {
                return min(most, TimeSpan(nanoseconds: Self.upperEnd(place)))
            }
        }
        return most
    }

    /// The distribution as points (latency, part of all values at or below it), ascending, one
    /// per bucket that holds any.
    public var distribution: [(latency: TimeSpan, part: Double)] {
        var points: [(latency: TimeSpan, part: Double)] = []
        var seen: Int64 = 0
        for place in counts.indices where counts[place] > 0 {
            seen += Int64(counts[place])
            let end = min(most, TimeSpan(nanoseconds: Self.upperEnd(place)))
            points.append((end, Double(seen) / Double(count)))
        }
        return points
    }

    private static var size: Int { (doublings + 1) << subBits }

    private static func bucket(_ nanoseconds: Int64) -> Int {
        let value = UInt64(nanoseconds) >> UInt64(unitBits)
        let top = 63 - max(value, 1).leadingZeroBitCount
        guard top >= subBits else { return Int(value) }
        let shift = UInt64(top - subBits)
        let doubling = top - subBits + 1
        guard doubling <= doublings else { return size - 1 }
        return doubling << subBits + Int((value >> shift) & ((1 << UInt64(subBits)) - 1))
    }

    private static func upperEnd(_ place: Int) -> Int64 {
        let doubling = place >> subBits
        let rest = Int64(place & ((1 << subBits) - 1))
        guard doubling > 0 else { return (rest + 1) << Int64(unitBits) }
        return ((1 << Int64(subBits)) + rest + 1) << Int64(doubling - 1 + unitBits)
    }
}
