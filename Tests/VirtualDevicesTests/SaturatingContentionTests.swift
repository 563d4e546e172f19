import ServingDomain
import Testing

@testable import VirtualDevices

/// The truth about running side by side that no linear model can learn.
@Suite struct SaturatingContentionTests {
    static func load(
        _ model: Int32,
        sm: Double = 0.4,
        l2: Double = 0.25,
        dram: Double = 0.6,
        fraction: Double = 0.5
    ) -> ContentionLoad {
        ContentionLoad(
            model: ModelID(model),
            batch: 8,
            utilization: Utilization(batch: 8, sm: sm, l2: l2, dram: dram),
            fraction: fraction
        )
    }

    static func truth(strength: Double = 1, quirk: Double = 0) -> SaturatingContention {
        var constants = SaturatingContention.Constants()
        constants.quirk = quirk
        return SaturatingContention(
            models: ["a", "b", "c", "d"],
            seed: 5,
            strength: strength,
            constants: constants
        )
    }

    @Test("Alone nothing is slow; with strength 0 nobody is; strength 2 doubles what it costs")
    func strength() {
        let (one, other) = (Self.load(0), Self.load(1))
        #expect(Self.truth().slowdown(of: one, beside: []) == 1)
        #expect(Self.truth(strength: 0).slowdown(of: one, beside: [other]) == 1)
        let single = Self.truth().slowdown(of: one, beside: [other]) - 1
        let double = Self.truth(strength: 2).slowdown(of: one, beside: [other]) - 1
        #expect(single > 0 && abs(double - 2 * single) < 1e-12)
    }

    @Test("It is not linear: the memory costs little until it is full, then much")
    func saturation() {
        let truth = Self.truth()
        let victim = Self.load(0, dram: 0.5)
        let slow = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7].map {
            truth.slowdown(of: victim, beside: [Self.load(1, dram: $0)])
        }
        for (less, more) in zip(slow, slow.dropFirst()) { #expect(more >= less) }
        #expect(slow[6] - slow[5] > 3 * (slow[1] - slow[0]))
    }

    @Test("Two that fill the same processors take turns; on processors of their own they don't")
    func sharedProcessors() {
        let truth = Self.truth()
        let busy = Self.load(0, sm: 0.7, dram: 0.1, fraction: 1)
        let shared = truth.slowdown(
            of: busy,
            beside: [Self.load(1, sm: 0.7, dram: 0.1, fraction: 1)]
        )
        #expect(shared > 1.9 && shared <= 2.001)
        let apart = truth.slowdown(
            of: Self.load(0, sm: 0.7, dram: 0.1),
            beside: [Self.load(1, sm: 0.7, dram: 0.1)]
        )
        #expect(apart < 1.1)
    }

    @Test("A pair's quirk depends on names and seed, not on who else is there")
    func quirks() {
        let one = SaturatingContention(models: ["a", "b"], seed: 5)
        let two = SaturatingContention(models: ["x", "b", "a"], seed: 5)
        let three = SaturatingContention(models: ["a", "b"], seed: 6)
        let pair = one.slowdown(of: Self.load(0), beside: [Self.load(1)])
        #expect(two.slowdown(of: Self.load(2), beside: [Self.load(1)]) == pair)
        #expect(three.slowdown(of: Self.load(0), beside: [Self.load(1)]) != pair)
        #expect(one.slowdown(of: Self.load(1), beside: [Self.load(0)]) != pair)
    }

    @Test("More co-runners cost more, and a fifth of the progress is always left")
    func many() {
        let truth = Self.truth(strength: 2)
        var last = 1.0
        for count in 1...20 {
            let others = (0..<count).map { Self.load(Int32($0 % 4), fraction: 1) }
            let slowdown = truth.slowdown(of: Self.load(0, fraction: 1), beside: others)
            #expect(slowdown >= last && slowdown <= 5)
            last = slowdown
        }
        #expect(last == 5)
    }

    @Test("Rates are one over the slowdown; batches whose profile knows them do not count twice")
    func rates() {
        let truth = Self.truth()
        let stages = [
            RunningStage(load: Self.load(0), lane: 0), RunningStage(load: Self.load(1), lane: 1),
        ]
        var rates = [0.0, 0.0]
        truth.progress(of: stages, copies: 0, into: &rates)
        #expect(rates[0] == 1 / truth.slowdown(of: stages[0].load, beside: [stages[1].load]))
        let siblings = [0, 0].map {
            RunningStage(load: Self.load($0), lane: 0, knowsSiblings: true)
        }
        truth.progress(of: siblings, copies: 0, into: &rates)
        #expect(rates == [1, 1])
        let strangers = [0, 0].map { RunningStage(load: Self.load($0), lane: 0) }
        truth.progress(of: strangers, copies: 0, into: &rates)
        #expect(rates[0] < 0.6 && rates[0] == rates[1])
    }
}
