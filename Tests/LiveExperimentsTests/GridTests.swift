import ServingTestKit
import Testing

@testable import LiveExperiments

/// Grids of batch size and instances, and scalers' choices held against them.
@Suite struct GridTests {
    static func cell(
        _ batch: Int32,
        _ instances: Int32,
        _ p95: Double,
        _ rate: Double
    ) -> CellGrid.Cell {
        .init(.init(batch: batch, instances: instances), p95Ms: p95, rate: rate)
    }

    @Test("The best is the highest rate within the objective; of equals, what costs less")
    func best() {
        var grid = CellGrid()
        for cell in [
            Self.cell(1, 1, 5, 200), Self.cell(8, 1, 30, 300), Self.cell(4, 2, 30, 300),
            Self.cell(32, 4, 200, 900),
        ] {
            grid.add(cell)
        }
        #expect(grid.best(within: 50)?.setting == .init(batch: 8, instances: 1))
        #expect(grid.best(within: 10)?.setting == .init(batch: 1, instances: 1))
        #expect(grid.best(within: 500)?.setting == .init(batch: 32, instances: 4))
        // None keeps it: the lowest latency.
        #expect(grid.best(within: 1)?.setting == .init(batch: 1, instances: 1))
        #expect(CellGrid().best(within: 1) == nil)
    }

    @Test("The best agrees with a plain search over random grids")
    func agrees() {
        for seed in 1...100 as ClosedRange<UInt64> {
            var dice = SeededGenerator(seed: seed)
            var grid = CellGrid()
            for instances in CellGrid.instances {
                for batch in CellGrid.batches {
                    let (p95, rate) = (dice.number(in: 1...50), dice.number(in: 1...20))
                    grid.add(Self.cell(batch, instances, Double(p95), Double(rate)))
                }
            }
            let highest = grid.cells.filter { $0.p95Ms <= 25 }.map(\.rate).max()
            let found = grid.best(within: 25)
            #expect(highest == nil || found?.rate == highest, "seed \(seed)")
            #expect(highest == nil || found?.p95Ms ?? 99 <= 25, "seed \(seed)")
        }
    }

    @Test("Statistics show batch and instances: the size of most items, engine time by time")
    func setting() throws {
        var before = ModelCounts()
        before.sizes = [.init(items: 8, batches: 100, seconds: 10)]
        var after = before
        after.sizes = [
            .init(items: 1, batches: 20, seconds: 0.6),
            .init(items: 8, batches: 140, seconds: 13),
        ]
        let seen = try #require(LiveSetting(after.since(before), seconds: 2))
        #expect(seen.batch == 8 && abs(seen.instances - 1.8) < 1e-9)
        #expect(CellGrid.nearest(batch: seen.batch, instances: seen.instances).instances == 2)
        #expect(CellGrid.nearest(batch: 27, instances: 0.2) == .init(batch: 16, instances: 1))
        #expect(CellGrid.nearest(batch: 64, instances: 9) == .init(batch: 32, instances: 4))
        #expect(LiveSetting(before.since(before), seconds: 2) == nil)
    }

    @Test("A choice is judged by its ratio in each round and by its latency")
    func study() throws {
        var study = ScalerStudy(network: "m", sloMs: 50)
        for cell in [Self.cell(1, 1, 5, 200), Self.cell(8, 1, 30, 300)] { study.grid.add(cell) }
        let seen = try #require(
            LiveSetting(Self.counts(batch: 1, computing: 1), seconds: 1)
        )
        var choice = ScalerStudy.Choice(scaler: "confluence")
        choice.note(seen, at: 2)
        choice.note(seen, at: 3)
        #expect(choice.since == 2)
        study.choices = [choice]
        // The machine halves its speed in the second round; the ratio stays.
        study.rounds = [
            [Self.cell(8, 1, 30, 300), Self.cell(1, 1, 5, 297)],
            [Self.cell(8, 1, 60, 150), Self.cell(1, 1, 10, 148.5)],
        ]
        let found = try #require(study.comparison(of: .init(batch: 1, instances: 1)))
        #expect(abs(found.ratio - 0.99) < 1e-9 && found.p95Ms == 7.5)
        #expect(study.comparison(of: .init(batch: 2, instances: 1)) == nil)
        let result = ScalerStudy.result([study])
        #expect(result.check("g: confluence")?.holds == true)
        // Nobody saw the others choose.
        #expect(result.check("g: clipper")?.holds == false)
        study.rounds[0][1] = Self.cell(1, 1, 90, 297)
        study.rounds[1][1] = Self.cell(1, 1, 90, 148.5)
        #expect(ScalerStudy.result([study]).check("g: confluence")?.holds == false)
    }

    static func counts(batch: Int, computing: Double) -> ModelCounts {
        var counts = ModelCounts()
        counts.sizes = [.init(items: batch, batches: 10, seconds: computing)]
        return counts
    }
}
