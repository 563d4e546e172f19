package import ServingDomain

/// What co-runners cost batches of one class on one kind of device, learned on line.
///
/// The lost part of a run is linear in the features of contention, averaged over the run (the
/// rate of progress is 1 - weights . features, so work done makes lost time linear in the
/// integrals, whatever came and went meanwhile). The weights follow by recursive least squares
/// with forgetting; errors beyond 0.3 count as 0.3, and a bound on the trace keeps the gain from
/// winding up while nothing new is to be learned.
///
/// Source: notes on Strait (arXiv 2604.28175), section 2(b), which is our own design. Cost: 110
/// multiplications and additions per update, no allocation.
package struct LossLearner: Sendable {
    /// The weights now, and those that it began with.
    package private(set) var weights: Features
    /// The weights that it began with: a fit made off line, or the prior.
    package private(set) var initial: Features
    /// Runs that it learned from.
    package private(set) var samples: Int64 = 0
    /// The mean squared error of the loss, of some hundred runs.
    package private(set) var variance = 0.0025
    private var covariance: InlineArray<100, Double>

    private static let forgetting = 0.998
    private static let confidence = 20.0
    private static let largestTrace = 500.0
    private static let largestError = 0.3
    /// Before that many runs co-runners never cost more than taking turns would.
    private static let novice: Int64 = 50

    /// Creates a learner that begins with `weights`.
    package init(weights: Features) {
        self.weights = weights
        initial = weights
        covariance = InlineArray(repeating: 0)
        for place in 0..<10 { covariance[place * 11] = Self.confidence }
    }

    /// A learner that begins with what is known of a kind of device.
    ///
    /// A model of another form than ours is sampled on a grid of pairs; a table of pairs gives
    /// its mean loss per co-runner.
    package init(_ model: ContentionModel) {
        switch model {
        case .none: self.init(weights: Features(repeating: 0))
        case .loss(let loss):
            var weights = Features(repeating: 0)
            for place in 0..<10 { weights[place] = loss.weights[place] }
            self.init(weights: weights)
        case .table(let table):
            var weights = Features(repeating: 0)
            let losses = table.pairs.map { 1 - 1 / $0.slowdown }
            let mean = losses.reduce(0, +) / Double(max(1, losses.count))
            weights[9] = losses.isEmpty ? 1 - 1 / table.unknown : mean
            self.init(weights: weights)
        case .linear(let linear):
            var learner = LossLearner(weights: Features(repeating: 0))
            learner.sample(linear)
            self.init(weights: learner.weights)
        }
    }

    /// The prior: each co-runner costs 35 % of the progress.
    package static var prior: LossLearner { LossLearner(.loss(.prior)) }

    /// The lost part of the progress, by the weights now.
    package func loss(_ features: borrowing Features) -> Double { weights.dot(features) }

    /// The least rate of progress beside `count` others.
    package func floor(beside count: Double) -> Double {
        samples < Self.novice
            ? max(LossContention.slowest, 1 / (count + 1)) : LossContention.slowest
    }

    /// How unsure the loss is for a mix like this: one standard deviation.
    package func deviation(_ features: borrowing Features) -> Double {
        var sum = 0.0
        for row in 0..<10 {
            var product = 0.0
            for column in 0..<10 { product += covariance[row * 10 + column] * features[column] }
            sum += product * features[row]
        }
        return (variance * max(0, sum)).squareRoot()
    }

    /// Takes note that a run with these mean features lost the part `loss` of its progress.
    ///
    /// Nothing is learned from a run without co-runners.
    package mutating func learn(_ features: borrowing Features, loss: Double) {
        guard loss.isFinite, features.magnitude >= 1e-3 else { return }
        var gain = Features(repeating: 0)
        var scale = Self.forgetting
        for row in 0..<10 {
            var sum = 0.0
            for column in 0..<10 { sum += covariance[row * 10 + column] * features[column] }
            gain[row] = sum
            scale += features[row] * sum
        }
        let raw = loss - weights.dot(features)
        let error = min(Self.largestError, max(-Self.largestError, raw))
        var trace = 0.0
        for row in 0..<10 {
            let step = gain[row] / scale
            weights[row] += step * error
            for column in 0..<10 {
                let place = row * 10 + column
                covariance[place] = (covariance[place] - step * gain[column]) / Self.forgetting
            }
            trace += covariance[row * 11]
        }
        if trace > Self.largestTrace {
            for place in 0..<100 { covariance[place] *= Self.largestTrace / trace }
        }
        variance += (error * error - variance) / 128
        samples += 1
    }

    private mutating func sample(_ linear: LinearContention) {
        let steps = [0.1, 0.35, 0.6, 0.85]
        for own in steps {
            for theirs in steps {
                for other in steps {
                    let victim = Pressure(sm: own, l2: own, dram: other)
                    let rival = Pressure(sm: theirs, l2: theirs, dram: own)
                    let slowdown = max(
                        1,
                        linear.l2Self * victim.l2 + linear.dramSelf * victim.dram
                            + linear.l2Other * rival.l2 + linear.dramOther * rival.dram
                            + linear.constant
                    )
                    learn(victim.features(beside: rival, count: 1), loss: 1 - 1 / slowdown)
                }
            }
        }
    }
}
