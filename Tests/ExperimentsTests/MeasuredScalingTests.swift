import ServerCore
import Testing

@testable import Experiments

/// What is made of a grid that was measured on a real device.
@Suite struct MeasuredScalingTests {
    private func cell(_ batch: Int32, _ instances: Int32, _ rate: Double, _ p95: Double)
        -> MeasuredScaling.Cell
    {
        .init(LaneSetting(batch: batch, instances: instances), rate: rate, p95Ms: p95)
    }

    private func run(_ change: (inout MeasuredScaling) -> Void = { _ in }) -> MeasuredScaling {
        var run = MeasuredScaling(
            model: "resnet50",
            sloMs: 100,
            grid: [
                cell(1, 1, 50, 20), cell(8, 1, 80, 98), cell(4, 2, 90, 100), cell(8, 2, 120, 160),
                cell(2, 4, 90, 90),
            ],
            settled: LaneSetting(batch: 8, instances: 1),
            decisions: 7,
            windows: 40,
            missed: 2,
            rounds: [
                .init(scaler: 80, best: 90), .init(scaler: 88, best: 89),
                .init(scaler: 90, best: 91), .init(scaler: 95, best: 90),
                .init(scaler: 87, best: 89),
            ]
        )
        change(&run)
        return run
    }

    @Test("The optimum is the fastest cell within the objective, of equals the quicker one")
    func optimum() {
        #expect(run().optimum?.setting == LaneSetting(batch: 2, instances: 4))
        #expect(run().share.map { ($0 - 80.0 / 90).magnitude < 1e-12 } == true)
        #expect(run { $0.sloMs = 10 }.optimum == nil && run { $0.sloMs = 10 }.share == nil)
        #expect(run { $0.grid = [] }.optimum == nil)
        let odd = run { $0.grid += [cell(3, 3, .nan, 5), cell(3, 2, .infinity, 5)] }
        #expect(odd.optimum?.rate == 90)
        #expect(run { $0.settled = nil }.share == nil)
        #expect(run { $0.settled = LaneSetting(batch: 32, instances: 4) }.share == nil)
    }

    @Test("The ratio is the median of the rounds, so that one disturbed round decides nothing")
    func median() throws {
        let ratio = try #require(run().medianRatio)
        #expect((ratio - 88.0 / 89).magnitude < 1e-3, "\(ratio)")
        #expect(run { $0.rounds = [] }.medianRatio == nil)
        let two = run { $0.rounds = [.init(scaler: 1, best: 2), .init(scaler: 2, best: 2)] }
        #expect(two.medianRatio == 0.75)
        #expect(run { $0.rounds = [.init(scaler: 1, best: 0)] }.medianRatio == nil)
    }

    @Test("Claims hold when they hold, and say which network and why when not")
    func checks() {
        #expect(MeasuredScaling.checks([run(), run()]).allSatisfy { $0.holds })
        #expect(run().rows.allSatisfy { $0.basis == .measured })
        let bad = run {
            $0.model = "vgg16"
            $0.rounds = [.init(scaler: 90, best: 100)]
            $0.missed = 30
            $0.decisions = 11
        }
        let checks = MeasuredScaling.checks([run(), bad])
        #expect(checks.allSatisfy { !$0.holds && $0.kind == .claim })
        #expect(checks[0].note == "vgg16: 90.0 %")
        let none = MeasuredScaling.checks([
            run {
                $0.sloMs = 1; $0.rounds = []; $0.settled = nil
            }
        ])
        #expect(none[0].note.contains("no cell holds 1.0 ms"))
        #expect(none[2].note.contains("still moving: resnet50"))
        #expect(MeasuredScaling.checks([]).allSatisfy { !$0.holds })
    }
}
