import Documents
import Experiments
import Foundation
import LoadGenerator
import ServingDomain
import Testing
import Workloads

@testable import LiveExperiments

/// What numbers come to: objectives, violations, promises, ratios.
@Suite struct JudgementTests {
    @Test("Objectives are five times the solo median and at least 20 ms; the lighter half is high")
    func mix() throws {
        let mix = try LiveMix.of(["heavy": 50, "light": 2, "middle": 10, "small": 4])
        #expect(mix.members.map(\.name) == ["light", "small", "middle", "heavy"])
        #expect(mix.members.map(\.sloMs) == [20, 20, 50, 250])
        #expect(mix.members.map(\.priority) == [.high, .high, .low, .low])
        // At load 1 the device is busy for all of the time, each model for a quarter.
        for member in mix.members {
            #expect(abs(mix.rate(of: member, at: 1) * member.soloMs / 1_000 - 0.25) < 1e-9)
        }
        #expect(throws: LiveError.self) {
            try LiveMix([Profile(model: "m", device: "cpu", latency: [])])
        }
    }

    @Test("What could not be sent is a violation; 429 and 504 are answers, 503 and silence a loss")
    func tally() throws {
        let report = try Reports.report([
            .init(
                served: 90,
                late: 2,
                dropped: 1,
                refused: 3,
                failed: 1,
                notSent: 3,
                errors: [("HTTP 504", 1), ("HTTP 429", 2), ("HTTP 503", 1), ("no answer", 1)]
            )
        ])
        let tally = Tally(report.models[0])
        #expect(tally.judged == 100)
        #expect(tally.violationPercent == 10)
        #expect(tally.lost == 2)
        #expect(Tally().violationPercent == 0)
    }

    @Test("Ours must carry twice the baseline's load; a refusal is told and holds nothing")
    func rates() throws {
        let mix = try LiveMix.of(["a": 10, "b": 20])
        func found(_ system: String, _ load: Double) -> RatePart.Found {
            var found = RatePart.Found(system: system)
            var search = RateSearch(start: load, limit: 1)
            search.note(
                .init(load: load, violationPercent: 0.5, worst: 1, goodput: 1, passes: true)
            )
            (found.poisson, found.bursty) = (search, search)
            return found
        }
        let twice = RatePart.result([found("triton", 0.3), found("confluence", 0.6)], mix)
        #expect(twice.check("a: rate of confluence over triton, poisson")?.holds == true)
        let less = RatePart.result([found("triton", 0.3), found("confluence", 0.59)], mix)
        #expect(less.check("a: rate of confluence over triton, bursty")?.holds == false)
        // Ours is first asked for what the claim wants; a step below that with bursts only where
        // nothing is known of the baseline.
        let ours = RatePart.Found(system: "confluence")
        let known = [found("gpulets", 0.1), found("triton", 0.3)]
        #expect(RatePart.start(ours, "poisson", after: known) == 0.6)
        #expect(RatePart.start(ours, "bursty", after: [found("triton", 0.9)]) == RatePart.most)
        #expect(RatePart.start(ours, "poisson", after: []) == 0.5)
        // Where the baseline carries next to nothing, from what ours carried without bursts.
        let weak = [found("triton", 0.01)]
        #expect(RatePart.start(ours, "bursty", after: weak) == 0.02)
        let calm = RatePart.start(found("confluence", 0.4096), "bursty", after: weak)
        #expect(abs(calm - 0.1) < 1e-12)
        #expect(RatePart.start(found("confluence", 0.4096), "bursty", after: known) == 0.6)
        #expect(RatePart.start(found("triton", 0.48), "bursty", after: []) == 0.48 / 1.6)
        #expect(RatePart.start(.init(system: "gpulets"), "poisson", after: known) == 0.15)
        // A baseline that passes nowhere counts with the least load that it failed.
        var nowhere = RatePart.Found(system: "triton")
        var search = RateSearch(start: 0.5, limit: 2)
        for load in [0.5, 0.3] {
            search.note(.init(load: load, violationPercent: 5, worst: 9, goodput: 1, passes: false))
        }
        (nowhere.poisson, nowhere.bursty) = (search, search)
        let beyond = RatePart.result([nowhere, found("confluence", 0.75)], mix)
            .check("a: rate of confluence over triton, poisson")
        #expect(beyond?.value == 2.5 && beyond?.note.contains("nowhere down to load 0.3") == true)
        let refused = RatePart.result(
            [found("triton", 0.3), .init(system: "confluence", refusal: "it does not start")],
            mix
        )
        let check = try #require(refused.check("a: rate of confluence over triton, poisson"))
        #expect(!check.holds && check.value == nil && check.note.contains("does not start"))
        let row = refused.rows.first {
            $0.metric == "a: highest rate within 1 % violations"
                && $0.labels.contains(.init("system", "confluence"))
        }
        #expect(row != nil && row?.measured == nil)
    }

    @Test("A probe passes with at most 1 % violations, never without requests")
    func probe() throws {
        let pass = ProbeCount(try Reports.report([.init(served: 99, late: 1)]), seconds: 1)
        #expect(pass.probe(at: 1).passes && pass.isClose())
        let fail = ProbeCount(try Reports.report([.init(served: 98, late: 2)]), seconds: 1)
        #expect(!fail.probe(at: 1).passes && fail.isClose())
        var both = pass
        both += fail
        #expect(both.judged == 200 && both.probe(at: 1).violationPercent == 1.5)
        let none = ProbeCount(try Reports.report([.init()]), seconds: 1)
        #expect(!none.probe(at: 1).passes)
    }

    @Test("High is promised by a gpulet without low, or by room for the longest low batch")
    func promises() throws {
        let mix = try LiveMix.of(["high": 4, "low": 30])
        func told(_ gpulets: [[(String, Int32)]]) -> PlanTold {
            let parts = gpulets.map { lanes in
                PlanDocument.Gpulet(
                    share: 50,
                    lanes: lanes.map { .init(model: $0.0, batch: $0.1, rate: 1) }
                )
            }
            return PlanTold(
                plan: PlanDocument(planner: "p", devices: [.init(id: "cpu0", gpulets: parts)])
            )
        }
        let high = mix.members[0]
        func isPromised(_ gpulets: [[(String, Int32)]]) -> Bool {
            ProtectionPart.promise(to: high, by: told(gpulets), mix).isPromised
        }
        #expect(isPromised([[("high", 4)], [("low", 8)]]))
        // 4 + 30 > 20 ms.
        #expect(!isPromised([[("high", 4), ("low", 1)]]))
        #expect(!isPromised([[("low", 1)]]))
        let roomy = try LiveMix.of(["high": 4, "low": 15])
        let shared = told([[("high", 4), ("low", 1)]])
        #expect(ProtectionPart.promise(to: roomy.members[0], by: shared, roomy).isPromised)
    }

    @Test("Where low gives way within its runs, the plan's own word on high counts")
    func yielding() throws {
        let mix = try LiveMix.of(["high": 4, "low": 156])
        func isPromised(
            slots: Int32,
            _ violation: Double?,
            preempts: Bool = true,
            isServed: Bool = true
        ) -> Bool {
            var high = PlanDocument.Lane(model: "high", batch: 1, rate: 1)
            high.violation = violation
            var part = PlanDocument.Gpulet(
                share: 100,
                lanes: [high, .init(model: "low", batch: 1, rate: 1)]
            )
            part.slots = slots
            var device = PlanDocument.Device(id: "cpu0", gpulets: [part])
            device.preemptsLow = preempts
            let rest = PlanDocument.Unserved(model: "high", rate: 1)
            let plan = PlanDocument(
                planner: "p",
                devices: [device],
                unserved: isServed ? [] : [rest]
            )
            return ProtectionPart.promise(to: mix.members[0], by: PlanTold(plan: plan), mix)
                .isPromised
        }
        #expect(isPromised(slots: 2, 0.001))
        // No slot is left for high; high itself is too much; nothing is said; low does not yield.
        #expect(!isPromised(slots: 1, 0.001))
        #expect(!isPromised(slots: 2, 0.01))
        #expect(!isPromised(slots: 2, nil))
        #expect(!isPromised(slots: 2, 0.001, preempts: false))
        #expect(!isPromised(slots: 2, 0.001, isServed: false))
    }

    @Test("High that is promised must keep its objective; else the plan must have warned")
    func protection() throws {
        let mix = try LiveMix.of(["high": 4, "low": 30])
        func result(late: Int, beside: Bool, expected: Double?) throws -> PartResult {
            var lane = PlanDocument.Lane(model: "high", batch: 1, rate: 1)
            lane.violation = expected
            let low = PlanDocument.Lane(model: "low", batch: 1, rate: 1)
            let gpulets = beside ? [[lane, low]] : [[lane], [low]]
            let plan = PlanDocument(
                planner: "p",
                devices: [
                    .init(id: "cpu0", gpulets: gpulets.map { .init(share: 50, lanes: $0) })
                ]
            )
            let line = Reports.Line(model: "high", served: 100 - late, late: late)
            let found = ProtectionPart.Found(
                system: "confluence",
                high: try Reports.report([line]),
                told: PlanTold(plan: plan)
            )
            return ProtectionPart.result([found], mix)
        }
        let kept = try result(late: 0, beside: false, expected: nil)
        #expect(kept.checks.map(\.holds) == [true, true])
        let broken = try result(late: 2, beside: false, expected: nil)
        #expect(broken.checks.map(\.holds) == [false, true])
        let silent = try result(late: 2, beside: true, expected: nil)
        #expect(silent.checks.map(\.holds) == [false, false])
        let warned = try result(late: 2, beside: true, expected: 0.02)
        #expect(warned.checks.map(\.holds) == [true, true])
        let refused = ProtectionPart.result([.init(system: "confluence", refusal: "no")], mix)
        #expect(refused.checks.map(\.holds) == [false, false])
    }

    @Test("Live and simulated: the worst model decides, in per cent and in points")
    func parity() {
        func pair(_ live: Double, _ simulated: Double, _ points: Double) -> ParityPart.Pair {
            ParityPart.Pair(
                model: "m",
                live: .init(goodput: live, violations: points),
                simulated: .init(goodput: simulated, violations: 0)
            )
        }
        let good = ParityPart.result([pair(95, 100, 1), pair(109, 100, 2)], lag: 1, isPinned: true)
        #expect(good.check("d: goodput")?.holds == true)
        #expect(good.check("d: violations")?.holds == true)
        let bad = ParityPart.result([pair(100, 100, 0), pair(89, 100, 3)], lag: 1, isPinned: true)
        #expect(bad.check("d: goodput")?.holds == false)
        #expect(bad.check("d: violations")?.holds == false)
        #expect(pair(1, 0, 0).goodputOff == .infinity && pair(0, 0, 0).goodputOff == 0)
    }

    @Test("Batches that took longer than the profile says scale it; none leave it as it is")
    func drift() {
        let profile = Profile(
            model: "m",
            device: "cpu",
            latency: [
                .init(batch: 1, share: 100, ms: 10, p99Ms: 10 * 1.26),
                .init(batch: 4, share: 100, ms: 40),
            ]
        )
        var counts = ModelCounts()
        counts.sizes = [
            .init(items: 1, batches: 10, seconds: 0.12), .init(items: 2, batches: 5, seconds: 0.12),
        ]
        // Told: 10 x 10 ms + 5 x 20 ms.
        #expect(abs(ParityPart.factor(counts, over: profile) - 1.2) < 1e-9)
        #expect(ParityPart.factor(nil, over: profile) == 1)
        #expect(ParityPart.factor(ModelCounts(), over: profile) == 1)
        #expect(abs(ParityPart.spread(nil, over: profile) - 0.0992) < 1e-3)
        #expect(ParityPart.spread(0.3, over: profile) == 0.3)
        #expect(ParityPart.spread(7, over: profile) == ParityPart.mostSpread)
    }

    @Test("How much batches vary is read from the table of a replayed journal")
    func variation() throws {
        let profile = Profile(
            model: "m",
            device: "cpu",
            latency: [
                .init(batch: 1, share: 100, ms: 10), .init(batch: 2, share: 100, ms: 20),
            ]
        )
        let head = "model,level,items,run_ms,run_end_ms,outcome"
        // Each half as long or twice as long as the profile says: log 2 off, up or down.
        let lines = (0..<10).map { number in
            let items = number % 2 + 1
            let ms = Double(items) * (number < 5 ? 5 : 20)
            return "m,1,\(items),100.0,\(100 + ms),finished"
        }
        let others = ["m,1,1,100.0,,failed", "n,1,1,100.0,101.0,finished", "m,1,1,0.0,900.0,ended"]
        let table = ([head] + lines + others).joined(separator: "\n") + "\n"
        let times = try BatchTimes(csv: table)
        let spread = try #require(times.spread(of: profile))
        #expect(abs(spread - log(2) * (10.0 / 9).squareRoot()) < 1e-9)
        #expect(times.batches["n"]?.count == 1)
        let few = try BatchTimes(csv: ([head] + lines.prefix(9)).joined(separator: "\n"))
        #expect(few.spread(of: profile) == nil)
        #expect(throws: LiveError.self) { try BatchTimes(csv: "model,items\nm,1\n") }
        #expect(throws: LiveError.self) { try BatchTimes(csv: "") }
    }

    @Test("One lost request breaks the gate; the slowest model decides, in its median stretch")
    func churn() throws {
        func phase(_ p99: Double, errors: [(String, Int)] = []) throws -> ChurnPart.Phase {
            let line = Reports.Line(served: 100, failed: errors.count, p99: p99, errors: errors)
            return ChurnPart.Phase(
                reports: [try Reports.report([line])],
                busy: 0.8,
                changes: 3
            )
        }
        let quiet = [try phase(10), try phase(12), try phase(100), try phase(60)]
        // 1.27 and 1.25 times, and the machine was slow in the third stretch.
        let stretches = [try phase(14), try phase(70), try phase(800)]
        let good = ChurnPart.result(quiet: quiet, changing: stretches, plans: 3)
        #expect(good.checks.map(\.holds) == [true, true, true])
        #expect(abs(try #require(good.check("e: p99")?.value) - 14 / 11) < 1e-9)
        let slow = ChurnPart.result(quiet: Array(quiet[...1]), changing: [try phase(15)], plans: 3)
        #expect(slow.check("e: p99")?.holds == false)
        let lossy = try phase(10, errors: [("HTTP 503", 1)])
        let lost = ChurnPart.result(
            quiet: Array(quiet[...2]),
            changing: [try phase(10), lossy],
            plans: 3
        )
        #expect(lost.check("e: requests lost")?.holds == false)
        #expect(lost.check("e: every change")?.value == 6)
        // A window in which the host stood still is one of several.
        let windows = try [10, 900, 12].map { try phase($0).reports[0] }
        #expect(ChurnPart.Phase(reports: windows, busy: 0.8).p99(of: "m") == 12)
        #expect(ChurnPart.factor(busy: 0.4) == 2)
        #expect(ChurnPart.factor(busy: 0.01) == 2.5)
        #expect(ChurnPart.factor(busy: 0) == 1)
    }

    @Test("The layers' cost is the median difference of neighbours in time")
    func overhead() {
        func use(_ percent: Double) -> OverheadPart.Use {
            .init(percent: percent, goodput: 5_000, meanBatch: 1)
        }
        // The machine slows down by the third round; the difference stays.
        let rounds = [(use(22), use(20)), (use(23), use(20)), (use(52), use(50))]
        let result = OverheadPart.result(rounds.map { (layers: $0.0, bare: $0.1) })
        #expect(result.check("h: processor time")?.value == 2)
        #expect(result.check("h: processor time")?.holds == true)
        let dear = OverheadPart.result([(layers: use(24), bare: use(20))])
        #expect(dear.check("h: processor time")?.holds == false)
    }

    @Test("The last run decides about emulated devices; a host that is busy all the time is named")
    func emulated() throws {
        func run(_ part: Double, late: Int, busy: Double) throws -> EmulatedPart.Run {
            let line = Reports.Line(served: 1_000 - late, late: late)
            return .init(part: part, report: try Reports.report([line]), busy: busy, own: 0.3)
        }
        let kept = [try run(0.5, late: 900, busy: 0.5), try run(1, late: 10, busy: 0.7)]
        let good = EmulatedPart.result(highest: 400, cold: 500, kept)
        #expect(good.check("f: violations")?.holds == true)
        #expect(good.rows.prefix(2).map(\.measured) == [2_500, 2_000])
        let full = [try run(0.5, late: 0, busy: 0.9), try run(1, late: 11, busy: 0.99)]
        let bad = try #require(
            EmulatedPart.result(highest: 400, cold: nil, full).check("f: violations")
        )
        #expect(!bad.holds && bad.note.contains("the host was busy"))
        let none = try #require(
            EmulatedPart.result(highest: nil, cold: nil, []).check("f: violations")
        )
        #expect(!none.holds && none.value == nil && none.note.contains("every rate"))
    }

    @Test("Waves keep each model's mean and never fall below zero")
    func waves() throws {
        let mix = try LiveMix.of(["a": 10, "b": 20])
        for (member, traffic) in zip(mix.members, FluctuationPart.traffic(mix, seconds: 40)) {
            guard case .steps(let steps) = traffic.process else {
                Issue.record("no steps")
                continue
            }
            let mean = mix.rate(of: member, at: FluctuationPart.load)
            #expect(abs(steps.meanRate / mean - 1) < 0.05)
            #expect(traffic.process.flaw == nil)
            #expect(steps.rates.max() ?? 0 > 1.6 * mean && steps.rates.min() ?? 1 < 0.4 * mean)
        }
    }
}
