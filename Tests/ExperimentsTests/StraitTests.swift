import Experiments
import ServerCore
import ServingDomain
import Testing

/// The pieces of `reproduce strait`: statistics, the plan of runs, and short runs of it.
@Suite struct StraitTests {
    @Test("A paired difference has its mean inside its interval, and the interval covers a truth")
    func bootstrap() {
        let same = PairedDifference(Array(repeating: 1.5, count: 10), seed: 1)
        #expect(same.mean == 1.5 && same.low == 1.5 && same.high == 1.5)
        let spread = PairedDifference((0..<40).map { Double($0 % 5) - 2 }, seed: 7)
        #expect(spread.mean == 0 && spread.low < 0 && spread.high > 0)
        #expect(spread.high - spread.low < 1.5)
        #expect(spread == PairedDifference((0..<40).map { Double($0 % 5) - 2 }, seed: 7))
        #expect(PairedDifference([], seed: 1).count == 0)
    }

    @Test("Every axis differs from the base cell in one thing, and no cell comes twice")
    func cells() {
        let cells = StraitCell.axes + StraitCell.workloads + StraitCell.inputs + StraitCell.drifts
        #expect(Set(cells.map(\.name)).count == cells.count)
        #expect(StraitCell.axes.count == 18)
        #expect(StraitCell.drifts.count == 7)
        for effort in [StraitReproduction.Effort.quick, .standard, .full] {
            let jobs = StraitReproduction.jobs(effort, seed: 3)
            #expect(Set(jobs).count == jobs.count, "a run is planned twice")
        }
    }

    @Test("A run says what came of every request, and the same seed says the same again")
    func run() throws {
        var job = StraitJob(.base, .strait, seed: 5, seconds: 2, warmUp: 1)
        job.isAudited = true
        let first = try job.run()
        let second = try job.run()
        #expect(first.complaints == [])
        #expect(first == second)
        #expect(first.high.judged > 500 && first.low.judged > 500)
        #expect(first.high.byModel.count == 6 && first.low.byModel.count == 6)
        #expect(first.forecast.learned > 100)
        #expect((0...1).contains(first.high.jain) && first.high.percent < 20)
        job.seed = 6
        #expect(try job.run().digest != first.digest)
    }

    @Test(
        "Every policy gets through every kind of cell",
        arguments: StraitPolicyCase.main + StraitPolicyCase.additions
    )
    func policies(policy: StraitPolicyCase) throws {
        var shared = StraitCell(axis: "test", value: "shared link")
        shared.devices = 2
        shared.sharesLink = true
        shared.slots = 3
        shared.inputBytes = 4_915_200
        shared.load = 1.2
        for cell in [shared, StraitCell.workloads[3], StraitCell.drifts[4]] {
            var job = StraitJob(cell, policy, seed: 1, seconds: 1, warmUp: 0)
            job.isAudited = true
            let sample = try job.run()
            #expect(sample.complaints == [], "\(cell.name)")
            #expect(sample.high.judged > 0)
        }
    }
}
