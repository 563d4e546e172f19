/// A straight line over batch sizes, fitted to measured latencies by least relative errors, that
/// knows how sure it is of itself.
///
/// Where the points leave the slope open (one batch size, or several close to each other), a weak
/// prior says which share of the latency grows with the batch. Intercept and slope are at least 0.
struct RidgeLine: Sendable {
    /// One measured place.
    struct Point: Sendable {
        var batch: Double
        /// Nanoseconds.
        var latency: Double
        /// The standard error of the latency, as a part of it.
        var error: Double
    }

    private(set) var intercept = 0.0, slope = 0.0
    /// The inverse of the normal equations: variances of intercept and slope, and their covariance.
    private var interceptVariance = 0.0, slopeVariance = 0.0, covariance = 0.0
    /// The number of different batch sizes that it rests on, counted up to 2.
    private(set) var places = 0
    /// How far the slope is from what was thought of it, in squared standard errors.
    private(set) var surprise = 0.0

    /// The line of nothing: 0 everywhere.
    init() {}

    /// The line through `points`.
    ///
    /// - Parameters:
    ///   - slopeShare: The part of the latency at the points' middle that is thought to grow with
    ///     the batch.
    ///   - spread: The standard error of that thought.
    /// Cost: O(points), twice.
    init(_ points: [Point], slopeShare: Double, spread: Double = 0.25) {
        var (weight, middle, level) = (0.0, 0.0, 0.0)
        var first: Double?
        for point in points {
            let share = 1 / (point.error * point.error)
            weight += share
            middle += share * point.batch
            level += share * point.latency
            places = first == nil ? 1 : first == point.batch ? places : 2
            first = first ?? point.batch
        }
        guard weight > 0 else { return }
        middle /= weight
        level /= weight
        var (a, b, c, u, v) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for point in points {
            let share = 1 / (point.error * point.error)
            let (one, each) = (1 / point.latency, point.batch / point.latency)
            a += share * one * one
            b += share * one * each
            c += share * each * each
            u += share * one
            v += share * each
        }
        let prior = 1 / (spread * spread)
        c += prior * middle * middle / (level * level)
        v += prior * slopeShare * middle / level
        solve(a, b, c, u, v)
        let off = (slope * middle / level - slopeShare) / spread
        surprise = off * off
    }

    /// Solves [a b; b c] [intercept; slope] = [u; v].
    private mutating func solve(_ a: Double, _ b: Double, _ c: Double, _ u: Double, _ v: Double) {
        let determinant = a * c - b * b
        guard determinant > 0 else {
            intercept = u / max(a, .leastNormalMagnitude)
            return
        }
        (interceptVariance, slopeVariance) = (c / determinant, a / determinant)
        covariance = -b / determinant
        intercept = (c * u - b * v) / determinant
        slope = (a * v - b * u) / determinant
        if intercept < 0 { (intercept, slope) = (0, v / c) }
        if slope < 0 { (intercept, slope) = (u / a, 0) }
    }

    /// The latency at a batch size.
    func at(_ batch: Double) -> Double { intercept + slope * batch }

    /// The standard error there, as a part of the latency; 1 where nothing is known.
    func error(at batch: Double) -> Double {
        let value = at(batch)
        guard value > 0 else { return 1 }
        let variance =
            interceptVariance + 2 * batch * covariance + batch * batch * slopeVariance
        return min(1, max(0, variance).squareRoot() / value)
    }
}
