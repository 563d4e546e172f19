/// A quantile of relative errors, tracked one error at a time.
///
/// It rises by `step` x target when an error lies above it and falls by `step` x (1 - target)
/// when not, so that in the long run the target's part of all errors lies at or below it
/// (Robbins and Monro, 1951). How often that really was so is counted.
package struct QuantileMargin: Sendable {
    /// The margin now, 0...0.8: what to add to a forecast, as a part of it.
    package private(set) var value: Double
    /// The part of all errors that is to lie at or below it.
    package var target: Double
    /// Errors seen, and those that lay at or below the margin of their time.
    package private(set) var seen: Int64 = 0, covered: Int64 = 0
    /// The sum of the targets at those times.
    package private(set) var aimed = 0.0

    private static let step = 0.01
    private static let largest = 0.8

    /// Creates a margin that begins at `value`.
    package init(target: Double, value: Double) {
        self.target = target
        self.value = value
    }

    /// Takes note of (actual - predicted) / predicted.
    package mutating func learn(_ error: Double) {
        guard error.isFinite else { return }
        let isCovered = error <= value
        seen += 1
        aimed += target
        if isCovered { covered += 1 }
        let next = value + Self.step * (target - (isCovered ? 1 : 0))
        value = min(Self.largest, max(0, next))
    }
}
