import ServingDomain
import ServingTestKit
import Testing

@testable import Planning

/// Least squares, and what is fitted with it.
@Suite struct ContentionFitTests {
    @Test("Exact equations give their weights back; more equations than weights are no trouble")
    func exact() throws {
        let wanted = [2.0, -1, 0.5]
        let rows = [[1.0, 2, 3], [4, 5, 6], [7, 8, 10], [1, 0, 1], [0.5, 3, 2]]
        let targets = rows.map { zip($0, wanted).reduce(0) { $0 + $1.0 * $1.1 } }
        let found = try #require(LeastSquares.weights(rows: rows, targets: targets))
        for (one, other) in zip(found, wanted) { #expect(abs(one - other) < 1e-12) }
    }

    @Test("The mean is the least-squares answer of a constant")
    func mean() throws {
        let found = LeastSquares.weights(rows: [[1], [1], [1], [1]], targets: [1, 2, 3, 6])
        #expect(abs(try #require(found)[0] - 3) < 1e-12)
    }

    @Test("Dependent columns, too few rows and numbers without end have no answer")
    func impossible() {
        #expect(LeastSquares.weights(rows: [], targets: []) == nil)
        #expect(LeastSquares.weights(rows: [[1, 2]], targets: [1]) == nil)
        #expect(
            LeastSquares.weights(rows: [[1, 2], [2, 4], [3, 6]], targets: [1, 2, 3]) == nil
        )
        #expect(LeastSquares.weights(rows: [[.nan], [1]], targets: [1, 2]) == nil)
        #expect(LeastSquares.weights(rows: [[0], [0]], targets: [1, 2]) == nil)
    }

    static func runs(_ count: Int, others: Int, seed: UInt64, _ truth: ContentionModel) -> [CoRun] {
        var generator = SeededGenerator(seed: seed)
        func load() -> ContentionLoad {
            ContentionLoad(
                model: ModelID(Int32.random(in: 0...8, using: &generator)),
                batch: 4,
                utilization: Utilization(
                    batch: 4,
                    sm: .random(in: 0...0.6, using: &generator),
                    l2: .random(in: 0...0.4, using: &generator),
                    dram: .random(in: 0...0.7, using: &generator)
                ),
                fraction: .random(in: 0.2...0.5, using: &generator)
            )
        }
        return (0..<count).map { _ in
            let victim = load()
            let beside = (0..<others).map { _ in load() }
            return CoRun(
                victim: victim,
                others: beside,
                slowdown: truth.slowdown(of: victim, beside: beside)
            )
        }
    }

    @Test("Pairs that obey the linear model give its coefficients back")
    func linear() throws {
        // A constant above 1, so that the bound at 1 never bends anything.
        var truth = LinearContention.rtx2080ti
        truth.constant = 1.2
        let runs = Self.runs(200, others: 1, seed: 7, .linear(truth))
        let found = try #require(ContentionFit.linear(runs))
        #expect(abs(found.l2Other - truth.l2Other) < 1e-9)
        #expect(abs(found.constant - truth.constant) < 1e-9)
        let score = try #require(ContentionFit.score(.linear(found), on: runs))
        #expect(score.percentile(100) < 1e-9 && abs(score.bias) < 1e-9)
    }

    @Test("Lost progress of three co-runners is learnt by the loss model, not by the linear one")
    func loss() throws {
        let truth = LossContention(weights: [0.1, 0.2, 0.15, 0, 0.2, 0.3, 0, 0, 0, 0.02])
        let training = Self.runs(400, others: 3, seed: 11, .loss(truth))
        let checking = Self.runs(200, others: 3, seed: 12, .loss(truth))
        let found = try #require(ContentionFit.loss(training))
        let score = try #require(ContentionFit.score(.loss(found), on: checking))
        #expect(score.percentile(95) < 0.02, "\(score.percentile(95))")
        #expect(ContentionFit.linear(training) == nil)
    }

    @Test("Where L2 traffic only follows memory traffic, the linear fit still predicts its pairs")
    func dependent() throws {
        var truth = LinearContention.rtx2080ti
        truth.constant = 1.2
        let runs = Self.runs(200, others: 1, seed: 7, .none).map { run in
            var run = run
            run.victim.l2 = 0.425 * run.victim.dram
            run.others[0].l2 = 0.425 * run.others[0].dram
            run.slowdown = truth.slowdown(of: run.victim, beside: run.others)
            return run
        }
        let found = try #require(ContentionFit.linear(runs))
        let score = try #require(ContentionFit.score(.linear(found), on: runs))
        #expect(score.percentile(100) < 1e-3, "\(score.percentile(100))")
    }

    @Test("Percentiles are those of the nearest rank")
    func percentiles() throws {
        let runs = (1...10).map { number in
            CoRun(
                victim: Self.runs(1, others: 0, seed: 1, .none)[0].victim,
                others: [],
                slowdown: 1 / (1 + Double(number) / 100)
            )
        }
        let score = try #require(ContentionFit.score(.none, on: runs))
        #expect(abs(score.percentile(90) - 0.09) < 1e-12)
        #expect(abs(score.percentile(91) - 0.10) < 1e-12)
        #expect(abs(score.percentile(0) - 0.01) < 1e-12)
        #expect(ContentionFit.score(.none, on: []) == nil)
    }
}
