public import ServingDomain

/// Fits contention models to co-runs, and says how wrong they are.
public enum ContentionFit {
    /// gpu-lets' linear model with the coefficients of least squares (its paper, section 4.4;
    /// notes, section 3): latency over latency alone, linear in both sides' L2 and memory
    /// throughput, each scaled by its side's part of the device.
    ///
    /// Only pairs are used: the model speaks of nothing else. Where they can't tell two
    /// coefficients apart (on CPUs without counters L2 traffic is taken to follow memory traffic),
    /// a little weight decay divides the effect between them; predictions for such pairs are the
    /// same.
    /// - Returns: nil for fewer than five pairs.
    public static func linear(_ runs: [CoRun]) -> LinearContention? {
        let pairs = runs.filter { $0.others.count == 1 }
        let rows = pairs.map { run in
            let (own, other) = (run.victim, run.others[0])
            return [
                own.l2 * own.fraction, other.l2 * other.fraction,
                own.dram * own.fraction, other.dram * other.fraction, 1,
            ]
        }
        let targets = pairs.map(\.slowdown)
        guard rows.count >= 5 else { return nil }
        let decay = (0..<5).map { index in (0..<5).map { $0 == index ? 0.01 : 0 } }
        guard
            let weights = LeastSquares.weights(rows: rows, targets: targets)
                ?? LeastSquares.weights(
                    rows: rows + decay,
                    targets: targets + [0, 0, 0, 0, 0.01]
                )
        else { return nil }
        return LinearContention(
            l2Self: weights[0],
            l2Other: weights[1],
            dramSelf: weights[2],
            dramOther: weights[3],
            constant: weights[4]
        )
    }

    /// Lost progress linear in ten features of any number of co-runners (Strait's notes, section
    /// 2(b)), with the weights of least squares.
    ///
    /// A little weight decay decides where features say the same, or never occurred.
    /// - Returns: nil for fewer than ten co-runs.
    public static func loss(_ runs: [CoRun]) -> LossContention? {
        let count = LossContention.featureCount
        var rows: [[Double]] = []
        var targets: [Double] = []
        for run in runs where run.slowdown > 0 && !run.others.isEmpty {
            rows.append(features(of: run))
            targets.append(1 - 1 / run.slowdown)
        }
        guard rows.count >= count else { return nil }
        for index in 0..<count {
            let decay = 0.05
            rows.append((0..<count).map { $0 == index ? decay : 0 })
            targets.append(0)
        }
        return LeastSquares.weights(rows: rows, targets: targets)
            .map { LossContention(weights: $0) }
    }

    /// How far the predictions are off, as parts of what was measured.
    public static func score(_ model: ContentionModel, on runs: [CoRun]) -> ContentionScore? {
        guard !runs.isEmpty else { return nil }
        var errors: [Double] = []
        var bias = 0.0
        for run in runs {
            let guess = model.slowdown(of: run.victim, beside: run.others)
            let error = (guess - run.slowdown) / run.slowdown
            errors.append(abs(error))
            bias += error
        }
        return ContentionScore(errors: errors.sorted(), bias: bias / Double(runs.count))
    }

    private static func features(of run: CoRun) -> [Double] {
        var sum = (sm: 0.0, l2: 0.0, dram: 0.0)
        for other in run.others {
            sum.sm += other.sm * other.fraction
            sum.l2 += other.l2 * other.fraction
            sum.dram += other.dram * other.fraction
        }
        let part = run.victim.fraction
        let own = (
            sm: run.victim.sm * part, l2: run.victim.l2 * part, dram: run.victim.dram * part
        )
        return (0..<LossContention.featureCount).map { index in
            LossContention.feature(
                index,
                of: own,
                beside: sum,
                count: Double(run.others.count)
            )
        }
    }
}

/// How far a contention model is off.
public struct ContentionScore: Hashable, Sendable {
    /// Relative errors of all co-runs, ascending; at least one.
    public let errors: [Double]
    /// The mean of the signed errors; positive = the model expects too much.
    public let bias: Double

    fileprivate init(errors: [Double], bias: Double) {
        self.errors = errors
        self.bias = bias
    }

    /// The error that `percent` of the co-runs do not exceed (nearest rank).
    public func percentile(_ percent: Double) -> Double {
        let rank = (percent / 100 * Double(errors.count)).rounded(.up)
        return errors[min(errors.count - 1, max(0, Int(rank) - 1))]
    }

    /// The mean error.
    public var mean: Double { errors.reduce(0, +) / Double(errors.count) }
}
