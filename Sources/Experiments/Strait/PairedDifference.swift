import Workloads

/// The mean of differences between paired runs, with a bootstrap interval.
public struct PairedDifference: Hashable, Sendable {
    /// The mean; zero without pairs.
    public let mean: Double
    /// Between these lie 95 % of the means of resamples.
    public let low: Double, high: Double
    /// How many pairs there are.
    public let count: Int

    private static let resamples = 2_000

    /// Takes the differences of runs with equal seeds. Cost: 2,000 x count.
    public init(_ differences: [Double], seed: UInt64) {
        count = differences.count
        guard !differences.isEmpty else {
            (mean, low, high) = (0, 0, 0)
            return
        }
        mean = differences.reduce(0, +) / Double(differences.count)
        var dice = SeededGenerator(seed: seed)
        var means: [Double] = []
        means.reserveCapacity(Self.resamples)
        for _ in 0..<Self.resamples {
            var sum = 0.0
            for _ in differences.indices {
                sum += differences[Int(dice.next() % UInt64(differences.count))]
            }
            means.append(sum / Double(differences.count))
        }
        means.sort()
        low = means[Self.resamples / 40]
        high = means[Self.resamples - 1 - Self.resamples / 40]
    }
}
