/// How values are spread, such as latencies, for percentiles and curves.
public struct Distribution: Hashable, Sendable {
    /// The finite values, ascending.
    private let values: [Double]
    /// Values that never came, such as the latency of a request without an answer; they count as
    /// larger than all others.
    private let missing: Int

    /// Creates a distribution; what is not finite counts as missing. Cost: O(n log n).
    public init(_ samples: [Double], missing: Int = 0) {
        precondition(missing >= 0)
        values = samples.filter(\.isFinite).sorted()
        self.missing = missing + samples.count - values.count
    }

    /// How many values there are, missing ones included.
    public var count: Int { values.count + missing }

    /// The value that `percent` per cent of all do not exceed (nearest rank); nil where there is
    /// none, or it is a missing one.
    public func percentile(_ percent: Double) -> Double? {
        precondition((0...100).contains(percent))
        guard count > 0 else { return nil }
        let rank = Int((percent / 100 * Double(count)).rounded(.up))
        let place = max(0, rank - 1)
        return place < values.count ? values[place] : nil
    }

    /// The share of values up to each value, as steps; it ends below 1 where some are missing.
    ///
    /// At most some 500 points, closer together the nearer to the tail.
    public func curve(_ name: String, colour: Colour? = nil) -> Series {
        var points: [Series.Point] = []
        var last = -1
        for place in places() where place > last {
            points.append(
                Series.Point(values[place], Double(place + 1) / Double(count))
            )
            last = place
        }
        if let first = values.first { points.insert(Series.Point(first, 0), at: 0) }
        return Series(name, points, style: .step, colour: colour)
    }

    /// Positions in `values` worth drawing, ascending: even ones, then ever closer to the end.
    private func places() -> [Int] {
        guard values.count > 400 else { return Array(values.indices) }
        let even = (0...240).map { (values.count - 1) * $0 / 240 }
        var tail: [Int] = []
        var left = Double(values.count)
        while left >= 1 {
            tail.append(values.count - Int(left.rounded()))
            left *= 0.94
        }
        return (even + tail).sorted()
    }
}
