import ServingDomain
import ServingTestKit
import Testing

@testable import ServerCore

/// The parts that scalers are made of.
@Suite struct ScalingPartsTests {
    @Test("A window's quantiles are those of its sorted latencies, of the last 512")
    func quantiles() {
        for seed in UInt64(1)...20 {
            var dice = SeededGenerator(seed: seed)
            var window = LatencyWindow()
            var all: [Int64] = []
            for _ in 0..<dice.number(in: 1...1_200) {
                let latency = Int64(dice.number(in: 0...50))
                all.append(latency)
                window.add(TimeSpan(nanoseconds: latency))
            }
            let kept = all.suffix(512).sorted()
            for milli in [Int32(1), 500, 900, 950, 990, 999, 1_000] {
                let rank = max(1, (kept.count * Int(milli) + 999) / 1_000)
                #expect(
                    window.quantile(milli: milli)?.nanoseconds == kept[rank - 1],
                    "seed \(seed), \(milli)"
                )
            }
            #expect(window.mean?.nanoseconds == kept.reduce(0, +) / Int64(kept.count))
            #expect(window.seen == all.count && window.count == kept.count)
        }
        #expect(LatencyWindow().quantile(milli: 950) == nil && LatencyWindow().mean == nil)
    }

    @Test("The paper's batch search ends, within the objective, and where nothing is left to gain")
    func batchSearch() {
        for seed in UInt64(1)...200 {
            var dice = SeededGenerator(seed: seed)
            let fixed = Int64(dice.number(in: 1...200)) * 1_000_000
            let each = Int64(dice.number(in: 1...200)) * 100_000
            let ceiling = Int32(dice.number(in: 1...128))
            var search = BatchSearch()
            for _ in 0..<3 {
                // Three objectives, one after the other.
                let slo = TimeSpan.milliseconds(Int64(dice.number(in: 1...800)))
                func latency(_ batch: Int32) -> TimeSpan {
                    TimeSpan(nanoseconds: fixed + each * Int64(batch))
                }
                for _ in 0..<20 {
                    _ = search.next(latency: latency(search.batch), slo: slo, ceiling: ceiling)
                }
                let last = search.batch
                _ = search.next(latency: latency(last), slo: slo, ceiling: ceiling)
                #expect(search.batch == last, "seed \(seed) still moves")
                if latency(1) > slo {
                    #expect(search.batch == 1 && search.isInfeasible, "seed \(seed)")
                } else {
                    let isInBand = latency(last) >= slo.milli(850)
                    let isLast = last == ceiling || latency(last + 1) > slo
                    #expect(latency(last) <= slo && (isInBand || isLast), "seed \(seed)")
                }
            }
        }
    }

    @Test("Clipper stays inside its ceiling; as released it leaves its list and stops")
    func additive() {
        var fair = AdditiveBatch()
        var released = AdditiveBatch()
        for _ in 0..<100 {
            let (quick, slo) = (TimeSpan.milliseconds(1), TimeSpan.milliseconds(100))
            _ = fair.next(latency: quick, slo: slo, ceiling: 30, released: false)
            _ = released.next(latency: quick, slo: slo, ceiling: 127, released: true)
        }
        #expect(fair.batch == 30 && !fair.isBroken)
        #expect(released.isBroken)
    }

    @Test("Memory bounds both knobs: weights once, workspace per instance")
    func memory() {
        var facts = LaneFacts(slo: .milliseconds(100))
        facts.memory = MemoryFootprint(
            weightsKiB: 1_000,
            workspace: [.init(batch: 1, kib: 100), .init(batch: 8, kib: 500)]
        )
        #expect(facts.clamped(LaneSetting(batch: 200, instances: 40)).instances == 10)
        facts.memoryKiB = 2_000
        #expect(facts.clamped(LaneSetting(batch: 8, instances: 9)).instances == 2)
        #expect(facts.clamped(LaneSetting(batch: 1, instances: 40)).instances == 10)
        facts.memoryKiB = 1_100
        #expect(facts.clamped(LaneSetting(batch: 8, instances: 4)) == .init(batch: 1, instances: 1))
        facts.memoryKiB = 0
        #expect(facts.clamped(LaneSetting(batch: 8, instances: 4)) == .init(batch: 1, instances: 1))
    }

    @Test(
        "The model finds the two lines that a saturating device shows, and predicts other settings"
    )
    func latencyModel() {
        func truth(_ batch: Int32, _ instances: Int32) -> Double {
            max(10 + 4 * Double(batch), Double(instances) * (5 + 1.5 * Double(batch))) * 1e6
        }
        var model = LatencyModel()
        for (batch, instances) in [(1, 1), (8, 1), (8, 4), (1, 4), (4, 2)] as [(Int32, Int32)] {
            model.set(
                .init(
                    batch: batch,
                    instances: instances,
                    latency: truth(batch, instances),
                    samples: 100
                )
            )
        }
        model.fit()
        for (batch, instances) in [(16, 1), (16, 4), (2, 6), (12, 3)] as [(Int32, Int32)] {
            let error = model.predicted(batch, instances).latency / truth(batch, instances) - 1
            #expect(error.magnitude < 0.03, "\(batch) x \(instances): \(error)")
        }
    }

    @Test("A line knows how sure it is, and leans on its prior only where the points leave it open")
    func ridgeLine() {
        func point(_ batch: Double, _ latency: Double) -> RidgeLine.Point {
            .init(batch: batch, latency: latency, error: 0.01)
        }
        let single = RidgeLine([point(8, 100)], slopeShare: 0.5)
        #expect((single.at(8) - 100).magnitude < 0.1 && (single.at(16) - 150).magnitude < 0.5)
        #expect(single.error(at: 8) < 0.02 && single.error(at: 64) > 0.15)
        let clear = RidgeLine([point(1, 12), point(32, 74)], slopeShare: 0.9)
        #expect((clear.at(16) - 42).magnitude < 1 && clear.error(at: 16) < 0.02)
        #expect(RidgeLine([], slopeShare: 0.5).at(4) == 0 && RidgeLine().error(at: 4) == 1)
        // Never below zero, neither in front nor in slope.
        let steep = RidgeLine([point(1, 1), point(10, 100)], slopeShare: 0.5)
        let falling = RidgeLine([point(1, 100), point(10, 10)], slopeShare: 0.5)
        #expect(steep.at(0) >= 0 && falling.slope >= 0)
    }

    private func goal(_ target: Double) -> ConfluenceSearch.Goal {
        ConfluenceSearch.Goal(
            target: target,
            hasQueueing: false,
            batchCeiling: 8,
            instanceCeiling: 4,
            kneeMilli: 990,
            startPrice: 0,
            loaded: 4
        )
    }

    @Test("The share that is enough: the profile's knee, and what waits for the host needs none")
    func wishedShare() throws {
        var facts = LaneFacts(slo: .milliseconds(100), units: 100)
        let rows: [(Int32, Int64)] = [(25, 40), (50, 20), (75, 10), (100, 10)]
        facts.surface = LatencySurface(
            rows.map { .init(batch: 1, units: $0.0, latency: .milliseconds($0.1)) }
        )
        let setting = LaneSetting(batch: 1, instances: 2)
        func search(_ cells: [(Int32, Double)]) -> ConfluenceSearch {
            var search = ConfluenceSearch()
            for (instances, latency) in cells {
                search.model.set(
                    .init(
                        batch: 1,
                        instances: instances,
                        latency: latency * 1e6,
                        samples: 200,
                        error: 0.005
                    )
                )
            }
            search.model.fit()
            return search
        }
        // All of it is the device's: half of the units take twice as long, three quarters do not.
        let bound = search([(1, 10), (2, 20), (4, 40)])
        #expect(bound.settled(setting, goal(90e6), facts)?.units == 75)
        // Two at once wait for the host; the device could be twice as slow.
        let waiting = search([(1, 20), (2, 20), (4, 20), (8, 40)])
        let found = try #require(waiting.settled(setting, goal(90e6), facts))
        #expect(found.units == 50)
        let wished = try #require(found.points.last)
        #expect(wished.units == 50 && wished.instances == 2)
        #expect((wished.latency.inMilliseconds - 20).magnitude < 1)
        // Nothing smaller is profiled, or nothing was measured: no wish.
        facts.units = 25
        #expect(bound.settled(setting, goal(90e6), facts)?.units == 25)
        #expect(ConfluenceSearch().settled(setting, goal(90e6), facts) == nil)
    }

    @Test("What memory does not hold is never tried, and the search ends within its probes")
    func allowed() {
        var search = ConfluenceSearch()
        var seen: [LaneSetting] = []
        while seen.count < 20,
            let next = search.next(goal(60e6), limit: 9, allows: { $0.batch * $0.instances <= 6 })
        {
            seen.append(next)
            let host = 4 + Double(next.batch), device = 1 + 0.5 * Double(next.batch)
            let cell = LatencyModel.Cell(
                batch: next.batch,
                instances: next.instances,
                latency: max(host, Double(next.instances) * device) * 1e6,
                samples: 100,
                error: 0.01
            )
            search.model.set(cell)
            search.model.fit()
            search.ended(cell, goal(60e6), before: 0)
        }
        #expect(seen.count >= 3 && seen.count <= 9, "\(seen)")
        #expect(seen.allSatisfy { $0.batch * $0.instances <= 6 }, "\(seen)")
        #expect(Set(seen).count == seen.count, "no setting twice: \(seen)")
    }

    @Test("Names and options that there are not are refused with one line that helps")
    func names() throws {
        for name in [
            "none", "clipper", "clipper:released", "dnnscaler",
            "dnnscaler:released,approach=tenancy",
            "confluence:knee=970,queueing=false",
        ] {
            _ = try ScalerNames.make(name)
        }
        let refused = [
            ("confluense", "confluence"), ("clipper:period=0", "1...3600000"),
            ("dnnscaler:aproach=auto", "approach"), ("dnnscaler:approach=both", "tenancy"),
            ("clipper:released=maybe", "'true' or 'false'"), ("none:x", "no option 'x'"),
        ]
        for (name, hint) in refused {
            let error = #expect(throws: ConfigurationError.self) { try ScalerNames.make(name) }
            #expect(error?.message.contains(hint) == true, "\(error?.message ?? name)")
        }
    }
}

/// Scalers inside a core that an auditor watches.
@Suite struct ScalingInCoreTests {
    private func configuration(_ scaler: String) -> CoreConfiguration {
        CoreConfiguration(
            devices: [.sample()],
            policy: "fifo",
            scaler: scaler,
            limits: .small
        )
    }

    private func spec(slo: TimeSpan?) -> ModelSpec {
        var spec = ModelSpec.sample(maxBatch: 16)
        spec.slo = slo
        spec.percentile = 95
        spec.instanceLimit = 6
        return spec
    }

    private func world() -> CoreHarness.World {
        var world = CoreHarness.World()
        world.latency = { _, items in .microseconds(2_000 + 300 * Int64(items)) }
        world.plan = { inputs in Plan.whole(inputs, slots: 6) }
        return world
    }

    private static let names = [
        "clipper:period=50,samples=5", "clipper:released,period=50",
        "dnnscaler:period=50,poll=20,samples=5", "dnnscaler:released,period=50,poll=20,bias=10",
        "confluence:period=10,samples=6",
    ]

    @Test(
        "Under random load no scaler breaks an invariant, and every request ends",
        arguments: names
    )
    func audited(_ name: String) throws {
        for seed in UInt64(1)...3 {
            var dice = SeededGenerator(seed: seed)
            let harness = try CoreHarness(configuration(name), world())
            harness.send(.modelAdded(spec(slo: .milliseconds(6))))
            harness.run(for: .milliseconds(50))
            for step in 0..<1_500 {
                let count = dice.number(in: 0...6)
                for _ in 0..<count where harness.hasRoom { harness.arrive(ModelID(0)) }
                harness.run(for: .microseconds(Int64(dice.number(in: 100...3_000))))
                if step == 700 { harness.send(.modelChanged(spec(slo: .milliseconds(4)))) }
                if step == 1_100 { harness.send(.modelChanged(spec(slo: .milliseconds(40)))) }
            }
            harness.run(for: .seconds(5))
            #expect(
                harness.auditor.complaints.isEmpty,
                "seed \(seed): \(harness.auditor.complaints)"
            )
            #expect(harness.auditor.liveCount == 0, "seed \(seed)")
        }
    }

    @Test("Without an objective, or with one that is not above 0, nothing is moved")
    func noObjective() throws {
        for slo in [nil, TimeSpan.zero, .milliseconds(-5)] {
            let harness = try CoreHarness(configuration("confluence:period=10"), world())
            harness.send(.modelAdded(spec(slo: slo)))
            harness.run(for: .seconds(1))
            for _ in 0..<400 where harness.hasRoom { harness.arrive(ModelID(0)) }
            harness.run(for: .seconds(5))
            #expect(harness.batchSizes.max() == 16, "the planned limit stands")
            #expect(harness.auditor.complaints.isEmpty)
        }
    }

    @Test("The event that reports an instance as ready also launches what waits on it")
    func firstLaunch() throws {
        var core = try ServerCore(configuration("none"))
        var buffer = ActionBuffer()
        var now = Instant.zero
        func tell(_ event: Event, _ core: inout ServerCore) -> [Action] {
            now = now + .milliseconds(1)
            buffer.removeAll()
            core.handle(event, at: now, into: &buffer)
            return buffer.actions
        }
        let inputs = tell(.modelAdded(spec(slo: nil)), &core)
        guard case .computePlan(let epoch, let asked) = inputs.last else {
            Issue.record("no plan was asked for")
            return
        }
        var plan = Plan.whole(asked, slots: 2)
        plan.devices[0].gpulets[0].lanes[0].instances = 2
        plan.devices[0].gpulets[0].lanes[0].batchLimit = 1
        guard case .rollout(let step, let open) = tell(.planReady(epoch, plan), &core).last else {
            Issue.record("nothing is rolled out")
            return
        }
        let starts = tell(.stepDone(step, open), &core).compactMap { action in
            if case .startInstance(let order) = action { order.instance } else { nil }
        }
        #expect(starts.count == 2)
        _ = tell(.instanceReady(starts[0], []), &core)
        for slot in Int32(0)..<2 {
            let request = RequestID(slot: slot, generation: 0)
            _ = tell(.arrived(Arrival(request: request, model: ModelID(0), arrival: now)), &core)
        }
        let launches = tell(.instanceReady(starts[1], []), &core).compactMap { action in
            if case .launch(let order) = action { order.instance } else { nil }
        }
        #expect(launches == [starts[1]])
    }
}
