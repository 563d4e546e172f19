public import ServingDomain

/// When a point has been measured well enough, or for long enough.
public struct Patience: Hashable, Sendable {
    /// The median's confidence interval may be this wide: +- 2 % is 0.02.
    public var precision = 0.02
    /// The fewest samples of a point.
    public var leastSamples = 20
    /// The most samples of a point and round.
    public var mostSamples = 500
    /// The longest time that goes into a point in one round; one run is always made.
    public var roundTime = TimeSpan.seconds(1)
    /// All points are measured in at least this many rounds, one after the other, so that a slow
    /// moment of the machine does not fall on one point alone.
    public var leastRounds = 2
    /// Points that are still unsure are measured in at most this many rounds.
    public var mostRounds = 5

    /// Creates the usual patience.
    public init() {}

    /// Whether a point needs no more rounds after the first `rounds`.
    public func isContent(_ samples: LatencySamples, after rounds: Int) -> Bool {
        if rounds < leastRounds { return false }
        if rounds >= mostRounds { return true }
        return samples.count >= leastSamples && samples.uncertainty <= precision
    }
}
