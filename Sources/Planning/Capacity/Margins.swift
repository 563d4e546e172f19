import RealModule

/// What a planner adds to be on the safe side (gpu-lets' released code; its notes, 1.1 to 1.4).
///
/// Off for every planner but where `margins=released` or one of the three is asked for by name.
public struct Margins: Hashable, Sendable {
    /// Whether demand is raised to about the 99th percentile of what comes in a second.
    public var inflatesDemand: Bool
    /// Every latency counts this many thousandths of itself, at least 1,000.
    public var latencyMilli: Int64
    /// What is left of a model counts as served up to this many thousandths of a request per
    /// second.
    public var slackMilliRate: Int64

    /// No margin at all.
    public static let none = Margins()
    /// Those of the released code: inflation, 1.1, 15 requests per second.
    public static let released = Margins(
        inflatesDemand: true,
        latencyMilli: 1_100,
        slackMilliRate: 15_000
    )

    /// Creates margins; the defaults are none.
    public init(
        inflatesDemand: Bool = false,
        latencyMilli: Int64 = 1_000,
        slackMilliRate: Int64 = 0
    ) {
        self.inflatesDemand = inflatesDemand
        self.latencyMilli = max(1_000, latencyMilli)
        self.slackMilliRate = max(0, slackMilliRate)
    }

    /// What is planned for where `milliRate` is wanted.
    ///
    /// Raised: 1 + the smallest k with P(Poisson(rate) <= k) >= 0.99, above 550 requests per
    /// second a tenth more; a fraction of a request counts whole, since the code reads integers.
    public func demand(_ milliRate: Int64) -> Int64 {
        guard inflatesDemand, milliRate > 0 else { return milliRate }
        let rate = milliRate / 1_000 + (milliRate % 1_000 == 0 ? 0 : 1)
        if rate > 550 { return (rate + rate / 10) * 1_000 }
        var term = Double.exp(-Double(rate))
        var sum = term
        var count: Int64 = 0
        while sum < 0.99, count < 2_000 {
            count += 1
            term *= Double(rate) / Double(count)
            sum += term
        }
        return (count + 1) * 1_000
    }

    /// A latency with its margin, in nanoseconds.
    func latency(_ nanoseconds: Int64) -> Int64 {
        guard latencyMilli > 1_000, nanoseconds < ModelLatencies.unplannable else {
            return nanoseconds
        }
        return nanoseconds / 1_000 * latencyMilli + nanoseconds % 1_000 * latencyMilli / 1_000
    }
}
