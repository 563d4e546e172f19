import ServingDomain
import ServingTestKit
import Testing

/// What co-runners cost, by hand-computed cases.
@Suite struct ContentionTests {
    private func load(_ l2: Double, _ dram: Double, _ part: Double) -> ContentionLoad {
        ContentionLoad(
            model: ModelID(0),
            batch: 8,
            utilization: Utilization(batch: 8, sm: 0.5, l2: l2, dram: dram),
            fraction: part
        )
    }

    @Test("The linear form scales each side by its part and takes the worst pair")
    func linear() {
        let model = ContentionModel.linear(
            LinearContention(
                l2Self: 0.1,
                l2Other: 0.7,
                dramSelf: 0.3,
                dramOther: 0.1,
                constant: 0.9
            )
        )
        let victim = load(0.4, 0.6, 0.5)
        let other = load(0.2, 0.8, 0.5)
        let expected = 0.1 * 0.2 + 0.3 * 0.3 + 0.7 * 0.1 + 0.1 * 0.4 + 0.9
        let idle = load(0, 0, 0.5)
        #expect(abs(model.slowdown(of: victim, beside: [other]) - expected) < 1e-12)
        #expect(abs(model.slowdown(of: victim, beside: [idle, other]) - expected) < 1e-12)
        #expect(model.slowdown(of: victim, beside: []) == 1)
        #expect(model.slowdown(of: idle, beside: [idle]) == 1)
    }

    @Test("Lost progress is bounded, and the prior costs 35 % per co-runner")
    func loss() {
        let model = ContentionModel.loss(.prior)
        let one = load(0, 0, 1)
        #expect(abs(model.slowdown(of: one, beside: [one]) - 1 / 0.65) < 1e-12)
        #expect(model.slowdown(of: one, beside: [one, one, one, one]) == 5)
        #expect(model.slowdown(of: one, beside: []) == 1)
    }

    @Test("A table answers for its pairs, and the first entry of a pair counts")
    func table() {
        let (a, b) = (ModelID(1), ModelID(2))
        let table = PairContention(
            [
                .init(victim: b, other: a, slowdown: 1.5),
                .init(victim: a, other: b, slowdown: 0.5),
                .init(victim: b, other: a, slowdown: 3),
            ],
            unknown: 1.25
        )
        #expect(table.slowdown(of: b, beside: a) == 1.5)
        #expect(table.slowdown(of: a, beside: b) == 1)
        #expect(table.slowdown(of: a, beside: a) == 1.25)
    }

    @Test("Co-runners added one by one cost what a list of them costs, to the last bit")
    func sums() {
        var dice = SeededGenerator(seed: 3)
        let models = [
            ContentionModel.none, .loss(.prior),
            .loss(LossContention(weights: (0..<10).map { Double($0 % 4) * 0.05 })),
            .linear(
                LinearContention(
                    l2Self: 0.1,
                    l2Other: 0.7,
                    dramSelf: 0.3,
                    dramOther: 0.1,
                    constant: 0.9
                )
            ),
            .table(
                PairContention(
                    [.init(victim: ModelID(0), other: ModelID(0), slowdown: 1.4)],
                    unknown: 1.2
                )
            ),
        ]
        for model in models {
            for count in 0..<6 {
                func drawn() -> ContentionLoad {
                    let parts = (0..<3).map { _ in Double.random(in: 0..<1, using: &dice) }
                    return load(parts[0], parts[1], parts[2])
                }
                let victim = drawn()
                let others = (0..<count).map { _ in drawn() }
                var sum = CoRunnerSum(beside: victim)
                for other in others { sum.add(other, by: model) }
                #expect(sum.count == count)
                #expect(sum.slowdown(by: model) == model.slowdown(of: victim, beside: others))
                for other in others.prefix(1) {
                    let list = model.slowdown(of: victim, beside: [other])
                    #expect(model.slowdown(of: victim, beside: other) == list)
                }
            }
        }
    }
}
