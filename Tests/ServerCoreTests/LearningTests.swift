import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// What co-runners cost, learned on line, and how sure that is.
@Suite struct LearningTests {
    private func normal(_ dice: inout SeededGenerator) -> Double {
        // The sum of twelve uniform numbers has a variance of one.
        (0..<12).reduce(-6.0) { sum, _ in sum + Double(dice.number(in: 0...1_000_000)) / 1e6 }
    }

    private func sample(_ dice: inout SeededGenerator, count: Double) -> Features {
        func part() -> Double { Double(dice.number(in: 5...95)) / 100 }
        let victim = Pressure(sm: part(), l2: part(), dram: part())
        let others = Pressure(sm: part(), l2: part(), dram: part())
        return victim.features(beside: others * count, count: count)
    }

    private func truth(_ features: Features, scale: Double = 1) -> Double {
        scale * (0.1 * features[9] + 0.15 * features[0] + 0.2 * features[5] + 0.1 * features[8])
    }

    @Test(
        "From the prior it learns a truth, and again after the truth has changed",
        arguments: 1...8
    )
    func learns(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        var learner = LossLearner.prior
        func error(_ scale: Double) -> Double {
            var sum = 0.0
            for _ in 0..<200 {
                let features = sample(&dice, count: Double(dice.number(in: 1...3)))
                sum += abs(learner.loss(features) - truth(features, scale: scale))
            }
            return sum / 200
        }
        #expect(error(1) > 0.05, "seed \(seed)")
        for scale in [1.0, 1.6] {
            for _ in 0..<1_500 {
                let features = sample(&dice, count: Double(dice.number(in: 1...3)))
                let noise = 0.02 * normal(&dice)
                learner.learn(features, loss: truth(features, scale: scale) + noise)
            }
            #expect(error(scale) < 0.03, "seed \(seed), scale \(scale)")
        }
        #expect(learner.variance < 0.01)
        #expect(learner.initial[9] == 0.35)
    }

    @Test("Absurd losses, lone runs and a dull diet do no harm")
    func guards() {
        var learner = LossLearner.prior
        let features = Pressure(sm: 0.5, l2: 0.5, dram: 0.5)
            .features(beside: Pressure(sm: 0.5, l2: 0.5, dram: 0.5), count: 1)
        for loss in [Double.nan, .infinity, -.infinity] { learner.learn(features, loss: loss) }
        learner.learn(Features(repeating: 0), loss: 0.5)
        #expect(learner.samples == 0 && learner.weights[9] == 0.35)
        for _ in 0..<100_000 { learner.learn(features, loss: 0.3) }
        #expect(abs(learner.loss(features) - 0.3) < 1e-6)
        // One outlier counts as 0.3 at most.
        learner.learn(features, loss: -1e9)
        #expect(learner.loss(features) > -0.05)
        for place in 0..<10 { #expect(learner.weights[place].isFinite) }
        #expect(learner.deviation(features).isFinite)
    }

    @Test("It begins with what is known of a kind: a fit, a table, gpu-lets' form, nothing")
    func coldStart() {
        let load = Pressure(sm: 0.6, l2: 0.6, dram: 0.6)
        let features = load.features(beside: load, count: 1)
        #expect(abs(LossLearner.prior.loss(features) - 0.35) < 1e-12)
        #expect(LossLearner(.none).loss(features) == 0)
        let pairs = [
            PairContention.Pair(victim: ModelID(0), other: ModelID(1), slowdown: 2),
            PairContention.Pair(victim: ModelID(1), other: ModelID(0), slowdown: 1),
        ]
        #expect(abs(LossLearner(.table(PairContention(pairs))).loss(features) - 0.25) < 1e-12)
        let linear = LinearContention(
            l2Self: 0.1,
            l2Other: 0.3,
            dramSelf: 0.1,
            dramOther: 0.3,
            constant: 0.9
        )
        let slowdown = 0.8 * 0.6 + 0.9
        #expect(abs(LossLearner(.linear(linear)).loss(features) - (1 - 1 / slowdown)) < 0.05)
    }

    @Test("A tracked quantile covers what it is to cover, within two points", arguments: 1...5)
    func coverage(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        for target in [0.6, 0.9, 0.95] {
            var margin = QuantileMargin(target: target, value: 0.1)
            for step in 0..<20_000 {
                // The spread doubles half-way.
                margin.learn(0.05 + normal(&dice) * (step < 10_000 ? 0.05 : 0.1))
            }
            let covered = Double(margin.covered) / Double(margin.seen)
            #expect(abs(covered - target) < 0.02, "seed \(seed), target \(target): \(covered)")
        }
        var margin = QuantileMargin(target: 0.95, value: 0.1)
        margin.learn(.nan)
        #expect(margin.seen == 0)
        for _ in 0..<1_000 { margin.learn(1e18) }
        #expect(margin.value == 0.8)
        for _ in 0..<10_000 { margin.learn(-1) }
        #expect(margin.value == 0)
    }

    @Test("High priority runs alone while a fifth of its forecasts is too short")
    func safeMode() {
        var watch = UnderPrediction()
        for place in 0..<64 { watch.note(isShort: place % 6 == 0) }
        #expect(!watch.isSafeMode)
        for place in 0..<64 { watch.note(isShort: place % 3 == 0) }
        #expect(watch.isSafeMode && watch.alarms == 1)
        for place in 0..<64 { watch.note(isShort: place % 8 == 0) }
        #expect(watch.isSafeMode, "an eighth is still too many")
        for place in 0..<64 { watch.note(isShort: place % 16 == 0) }
        #expect(!watch.isSafeMode && watch.alarms == 1)
    }

    @Test("The worst of the last ten is what clockwork takes")
    func recent() {
        var times = RecentTimes(largest: 8)
        #expect(times.worst(items: 4) == nil)
        times.note(items: 4, span: .milliseconds(50))
        for span in 1...9 { times.note(items: 4, span: .milliseconds(Int64(span))) }
        #expect(times.worst(items: 4) == .milliseconds(50))
        times.note(items: 4, span: .milliseconds(2))
        #expect(times.worst(items: 4) == .milliseconds(9))
        #expect(times.worst(items: 3) == nil)
    }
}
