import Planning
import ServingDomain
import Testing

@testable import Experiments

/// The parts of gpu-lets' reproduction, each small enough for a debug build.
@Suite struct GpuLetsTests {
    @Test("The public code's answers come out without anybody's data")
    func goldenVectors() throws {
        #expect(try GoldenVectors.misses() == [])
    }

    @Test("The grids have the papers' 1,023 and 19,682 scenarios, all different, none empty")
    func grids() throws {
        let five = try Schedulability.Grid.fiveModels()
        let nine = try Schedulability.Grid.nineModels()
        #expect(five.count == 1_023 && nine.count == 19_682)
        let all = Set((0..<five.count).map { five.demand($0) })
        #expect(all.count == 1_023)
        #expect(all.allSatisfy { $0.contains { $0 > 0 } })
        #expect(five.demand(0) == [100, 0, 0, 0, 0])
        #expect(five.demand(1_022) == [400, 400, 400, 400, 400])
        #expect(Set(Schedulability.margins.map(\.name)).count == 8)
    }

    @Test("Scores add up over shards, and every plan is audited")
    func shards() throws {
        let grid = try Schedulability.Grid.fiveModels()
        let planner = ElasticPlanner()
        let whole = try Schedulability.score(planner, on: grid, stride: 40)
        let even = try Schedulability.score(planner, on: grid, stride: 80)
        let odd = try Schedulability.score(planner, on: grid, from: 40, stride: 80)
        #expect(whole.tried == 26 && even.tried + odd.tried == 26)
        #expect(whole.scheduled == even.scheduled + odd.scheduled)
        #expect(whole.invalid == 0)
        #expect(whole.outcomes.filter { $0 }.count == whole.scheduled)
    }

    @Test("Every mix of the issue is there, with graphs for the two applications")
    func mixes() throws {
        #expect(
            GpuLetsMix.all.map(\.name) == [
                "equal", "long-only", "short-skew", "scen3", "scen4", "scen5", "game", "traffic",
            ]
        )
        let game = try #require(GpuLetsMix.all.first { $0.name == "game" })
        #expect(game.members.count == 7 && game.rate(at: 10) == 10)
        #expect(game.graph?.slo == .milliseconds(108))
        let traffic = try #require(GpuLetsMix.all.last?.graph)
        #expect(traffic.stages.map(\.after) == [[], [0], [0]])
        #expect(GpuLetsMix.all[2].rate(at: 10) == 80)
        for mix in GpuLetsMix.all {
            let world = try GpuLetsWorld(mix: mix)
            #expect(world.models.allSatisfy { !$0.profiles.isEmpty && $0.slo != nil })
        }
    }

    @Test("A peak is at most what was planned, and comes out the same twice")
    func peaks() throws {
        let effort = PeakSearch.Effort(seeds: 1, duration: .seconds(2), steps: 3)
        for mix in [GpuLetsMix.all[3], GpuLetsMix.all[7]] {
            let search = try PeakSearch(mix, seed: 3)
            let planner = try PlannerCatalogue.planner(named: "temporal:margins=released")
            let peak = try search.peak(of: planner, effort: effort)
            #expect(peak.planned > 10 && peak.confirmed <= peak.planned, "\(mix.name)")
            #expect(peak.violation == nil && peak.complaint == nil, "\(mix.name)")
            let again = try search.peak(of: planner, effort: effort)
            #expect(again.confirmed == peak.confirmed)
            #expect(again.violationsAtPlanned == peak.violationsAtPlanned)
        }
    }

    @Test("Without contention in the truth and with margins, what is planned is confirmed")
    func margins() throws {
        let effort = PeakSearch.Effort(seeds: 1, duration: .seconds(3), steps: 2)
        let search = try PeakSearch(
            GpuLetsMix.all[3],
            knobs: PresetKnobs(contention: 0),
            seed: 5
        )
        let planner = try PlannerCatalogue.planner(named: "elastic:margins=released")
        let peak = try search.peak(of: planner, effort: effort)
        #expect(peak.confirmed == peak.planned)
    }

    @Test("The fluctuation's rates follow their formula, and a short run follows them")
    func fluctuation() throws {
        #expect(abs(FluctuationRun.rate(of: 0, at: 225) - 216) < 1e-9)
        #expect(abs(FluctuationRun.rate(of: 0, at: 675) - 24) < 1e-9)
        let run = try FluctuationRun()
        let outcome = try run.run(planner: "elastic:ratio=1.1", seed: 1, duration: .seconds(45))
        #expect(outcome.plans >= 2)
        #expect(outcome.devices > 0 && outcome.gpulets >= outcome.devices)
        #expect(outcome.complaint == nil)
    }
}
