/// How far the latencies of a lane lie apart, over all settings that were measured on it: what a
/// mean says of a percentile, and how well few samples know their mean.
struct LatencySpread: Hashable, Sendable {
    /// The wanted percentile over the mean.
    private(set) var tailRatio = 1.25
    private var tailWeight = 0.0
    /// The variance of latencies over the squared mean.
    private var spread = 0.02, spreadWeight = 20.0

    /// Takes note of a setting's latencies.
    ///
    /// - Parameters:
    ///   - tail: Their wanted percentile in nanoseconds; nil where too few ran to their end.
    ///   - mean: Their mean in nanoseconds, above zero.
    /// - Returns: The standard error of the mean, as a part of it.
    mutating func note(_ window: borrowing LatencyWindow, tail: Double?, mean: Double) -> Double {
        if let tail {
            let weight = Double(window.count)
            tailRatio = (tailRatio * tailWeight + tail / mean * weight) / (tailWeight + weight)
            tailWeight = min(tailWeight + weight, 2_000)
        }
        // Few samples know little of their own spread.
        let count = Double(max(1, window.count))
        let own = window.relativeError * window.relativeError * count
        spread = (spread * spreadWeight + own * count) / (spreadWeight + count)
        spreadWeight = min(spreadWeight + count, 500)
        return max(0.004, ((own * count + 30 * spread) / (count + 30) / count).squareRoot())
    }
}
