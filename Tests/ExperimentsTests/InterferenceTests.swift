import Planning
import ServingDomain
import Testing

@testable import Experiments

/// Interference: prediction against the synthetic truth.
@Suite struct InterferenceTests {
    @Test("A linear model is wrong about the truth, but not hopeless; the same seed, the same rows")
    func error() throws {
        let (rows, checks) = try InterferenceExperiment.synthetic(seed: 1)
        for row in rows {
            print(row.labels.map(\.value).joined(separator: ", "), row.measured ?? .nan)
        }
        let fitted = try #require(rows.first?.measured)
        #expect(fitted > 1 && fitted < 20)
        #expect(checks.count == 2 && rows.first?.published == 10.26)
        #expect(try InterferenceExperiment.synthetic(seed: 1).rows == rows)
        #expect(try InterferenceExperiment.synthetic(seed: 2).rows != rows)
    }

    @Test("The truth's slowdowns spread as the released coefficients say: the calibration")
    func spread() throws {
        var truths: [Double] = []
        var published: [Double] = []
        for seed in UInt64(1)...5 {
            let study = try CoRunStudy(seed: seed)
            for run in study.pairs() {
                truths.append(run.slowdown)
                published.append(
                    LinearContention.rtx2080ti.slowdown(of: run.victim, beside: run.others)
                )
            }
        }
        truths.sort()
        published.sort()
        let marks = [0.5, 0.9, 0.99].map { Int($0 * Double(truths.count)) }
        print("truth", marks.map { truths[$0] }, "released", marks.map { published[$0] })
        #expect(abs(truths[marks[0]] - published[marks[0]]) < 0.012)
        #expect(abs(truths[marks[1]] - published[marks[1]]) < 0.02)
    }

    @Test("With contention turned off nothing is slower, and predicting nothing is exact")
    func off() throws {
        let study = try CoRunStudy(knobs: PresetKnobs(contention: 0), seed: 3)
        #expect(study.pairs(50).allSatisfy { $0.slowdown == 1 })
    }

    @Test("Seven of ten points train, and no point is on both sides")
    func split() throws {
        let runs = try CoRunStudy(seed: 1).pairs(50)
        let (training, checking) = InterferenceExperiment.split(runs)
        #expect(training.count == 70 && checking.count == 30)
    }

    @Test("Too few co-runs are a claim that fails with a reason, not a crash")
    func few() throws {
        let runs = Array(try CoRunStudy(seed: 1).pairs(2))
        let (rows, checks) = InterferenceExperiment.scores(of: runs, basis: .measured)
        #expect(rows.isEmpty && checks.count == 1 && !checks[0].holds)
    }
}
