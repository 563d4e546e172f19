import ServingTestKit
import Testing

@testable import LiveExperiments

/// The search for the highest load that passes.
@Suite struct SearchTests {
    /// Searches against a server that passes up to `edge`.
    static func search(edge: Double, start: Double, limit: Int) -> RateSearch {
        var search = RateSearch(start: start, limit: limit)
        while let load = search.next {
            search.note(
                .init(
                    load: load,
                    violationPercent: load <= edge ? 0 : 5,
                    worst: 0,
                    goodput: load,
                    passes: load <= edge
                )
            )
        }
        return search
    }

    @Test("With probes enough, what passes and what fails enclose the edge within the precision")
    func finds() throws {
        for seed in 1...200 as ClosedRange<UInt64> {
            var dice = SeededGenerator(seed: seed)
            let edge = Double(dice.number(in: 1...1_000)) / 100
            let start = Double(dice.number(in: 1...1_000)) / 100
            let search = Self.search(edge: edge, start: start, limit: 40)
            let best = try #require(search.best, "seed \(seed)")
            let bound = try #require(search.bound, "seed \(seed)")
            #expect(best.load <= edge && edge < bound.load, "seed \(seed)")
            #expect(bound.load <= best.load * 1.05, "seed \(seed)")
            #expect(search.probes.count < 25, "seed \(seed)")
        }
    }

    @Test("No more probes than allowed, and each lies between the best and the bound before it")
    func bounded() {
        for seed in 1...200 as ClosedRange<UInt64> {
            var dice = SeededGenerator(seed: seed)
            var search = RateSearch(start: 1, limit: 6)
            while let load = search.next {
                // A server that passes and fails by dice.
                if let best = search.best { #expect(load > best.load, "seed \(seed)") }
                if let bound = search.bound { #expect(load < bound.load, "seed \(seed)") }
                search.note(
                    .init(
                        load: load,
                        violationPercent: 0,
                        worst: 0,
                        goodput: 0,
                        passes: dice.chance(50)
                    )
                )
            }
            #expect(search.probes.count <= 6, "seed \(seed)")
        }
    }

    @Test("Below the least load nothing is looked for: it ends there, and says what failed")
    func least() {
        var search = RateSearch(start: 0.01, limit: 9, least: 0.05)
        #expect(search.start == 0.05)
        search = RateSearch(start: 0.2, limit: 9, least: 0.05)
        var loads: [Double] = []
        while let load = search.next {
            loads.append(load)
            search.note(
                .init(load: load, violationPercent: 20, worst: 20, goodput: 0, passes: false)
            )
        }
        #expect(loads.count == 3 && loads[0] == 0.2 && loads[2] == 0.05)
        #expect(search.best == nil && search.reached == 0.05)
    }

    @Test("Where nothing passes there is no best, where everything passes no bound")
    func ends() {
        let nothing = Self.search(edge: 0, start: 1, limit: 4)
        #expect(nothing.best == nil)
        #expect(nothing.probes.map(\.load) == [1, 1 / 1.6, 1 / 1.6 / 1.6, 1 / 1.6 / 1.6 / 1.6])
        var far = RateSearch(start: 1, limit: 4)
        far.note(.init(load: 1, violationPercent: 11, worst: 0, goodput: 0, passes: false))
        #expect(far.next == 1 / (1.6 * 1.6))
        let all = Self.search(edge: 1e9, start: 1, limit: 4)
        #expect(all.bound == nil)
        #expect(all.best?.load == 1 * 1.6 * 1.6 * 1.6)
    }

    @Test("A share far from its limit is decided at once, one at the limit hardly ever")
    func sequential() {
        let test = SequentialTest(limitPercent: 1)
        #expect(test.verdict(violated: 0, of: 144) == .open)
        #expect(test.verdict(violated: 0, of: 145) == .below)
        #expect(test.verdict(violated: 2, of: 20) == .above)
        #expect(test.verdict(violated: 2, of: 100) == .open)
        // What comes three at a time has to come three times as often.
        let clumped = SequentialTest(limitPercent: 1, clump: 3)
        #expect(clumped.verdict(violated: 0, of: 432) == .open)
        #expect(clumped.verdict(violated: 0, of: 435) == .below)
        #expect(clumped.verdict(violated: 4, of: 20) == .open)
        #expect(clumped.verdict(violated: 6, of: 60) == .above)
        // Of a hundred servers that miss 0.5 or 2 % each, at most some ten are misjudged.
        for (share, wrong) in [(0.005, SequentialTest.Verdict.above), (0.02, .below)] {
            var mistakes = 0
            for seed in 1...100 as ClosedRange<UInt64> {
                var dice = SeededGenerator(seed: seed)
                var (violated, judged) = (0, 0)
                while test.verdict(violated: violated, of: judged) == .open {
                    judged += 1
                    if Double(dice.number(in: 1...100_000)) <= share * 100_000 { violated += 1 }
                }
                if test.verdict(violated: violated, of: judged) == wrong { mistakes += 1 }
            }
            #expect(mistakes <= 18, "\(share)")
        }
    }

    @Test("Letters name parts, in any order; others are refused with the known ones")
    func parts() throws {
        #expect(try LivePart.list(nil) == LivePart.allCases)
        #expect(try LivePart.list("c,a") == [.rates, .protection])
        #expect(throws: LiveError.self) { try LivePart.list("a,z") }
        #expect(throws: LiveError.self) { try LivePart.list("") }
    }

    @Test("All parts together fit into the time that a run may take")
    func pace() {
        for pace in [LivePace.whole, .quick] {
            let sum = LivePart.allCases.reduce(0) { $0 + pace.estimate(of: $1) }
            // Models are measured alone once, beside what the parts estimate.
            #expect(sum + 36 * pace.point + 5 <= pace.limit)
        }
        // A probe of a search may be measured once more, and what finds the load for ten minutes
        // of coming and going, but nothing of those.
        let whole = LivePace.whole
        let again = whole.repeats(of: .churn)
        #expect(again > ChurnPart.trial && again < whole.quiet)
        #expect(whole.repeats(of: .rates) > whole.probe)
        #expect(LivePace.whole.networks(within: .infinity) == 6)
        #expect(LivePace.whole.networks(within: 0) == 1)
        #expect(LivePace.whole.limit == 25 * 60)
        #expect(LivePace.whole.churn == 10 * 60)
    }
}
