import Planning
import ServingDomain
import ServingTestKit
import Testing

/// Where low batches give way to high ones within their runs, no low load takes a promise away.
@Suite struct GivingWayTests {
    private func cpu(_ units: Int32, preempts: Bool, maxGpulets: Int32 = 0) -> DeviceSpec {
        DeviceSpec(
            id: DeviceID(0),
            name: "cpu0",
            kind: "cpu",
            units: units,
            maxGpulets: maxGpulets,
            preemptsLow: preempts
        )
    }

    /// A model whose batches take `ms` per item on one core, and less on more.
    private func model(
        _ index: Int32,
        _ priority: PriorityClass,
        ms: Double,
        sloMs: Double,
        busy: Double = 0
    ) -> ModelSpec {
        var model = ModelSpec(
            id: ModelID(index),
            name: "\(priority)\(index)",
            maxBatch: 8,
            priorities: PriorityRules(levels: 2, defaultLevel: priority == .high ? 1 : 2),
            slo: .milliseconds(rounding: sloMs)
        )
        let points = [Int32(1), 2, 4].flatMap { units in
            [Int32(1), 2, 4, 8].map { batch in
                LatencySurface.Point(
                    batch: batch,
                    units: units,
                    latency: .milliseconds(rounding: ms * Double(batch) / Double(units))
                )
            }
        }
        model.set(
            DeviceProfile(
                kind: "cpu",
                surface: LatencySurface(points),
                utilization: [1, 8].map { Utilization(batch: $0, sm: busy, l2: busy, dram: busy) }
            )
        )
        return model
    }

    private func seated(
        _ models: [ModelSpec],
        _ rates: [Double],
        preempts: Bool = true
    ) throws -> (plan: Plan, inputs: PlanInputs) {
        let inputs = PlanInputs(
            devices: [cpu(2, preempts: preempts)],
            models: models,
            milliRates: rates.map { Int64($0 * 1_000) },
            present: nil
        )
        let planner = SeatedPlanner(
            try PlannerCatalogue.planner(named: "confluence"),
            floorMilliRate: 1_000,
            sharesCores: true
        )
        return (try planner.plan(inputs), inputs)
    }

    private func lanes(_ plan: Plan, of model: Int32) -> [Plan.LanePlacement] {
        plan.devices.flatMap(\.gpulets).flatMap(\.lanes).filter { $0.model.index == model }
    }

    private func isPromised(_ plan: Plan, _ model: Int32) -> Bool {
        let lanes = lanes(plan, of: model)
        return !lanes.isEmpty && !plan.unserved.contains { $0.model.index == model }
            && lanes.allSatisfy { ($0.violation ?? 1) <= 0.003 }
    }

    @Test("High is promised 20 ms beside a flood of low batches of 156 ms, and told why")
    func flood() throws {
        let models = [
            model(0, .high, ms: 4, sloMs: 20), model(1, .high, ms: 2, sloMs: 20),
            model(2, .low, ms: 39, sloMs: 400),
        ]
        // Low alone asks for three times what there is.
        let (plan, inputs) = try seated(models, [10, 10, 150])
        #expect(plan.devices[0].gpulets.map(\.units) == [2])
        #expect(isPromised(plan, 0) && isPromised(plan, 1))
        #expect(plan.unserved.map(\.model.index) == [2])
        let told = try Explanation.lines(of: plan, for: inputs)
        let own = try #require(told.first { $0.hasPrefix("high0") })
        #expect(own.contains("low gives way within its runs"))
        #expect(own.contains("4 ms of its own and 2 ms for the longest other high one"))
        #expect(own.contains("It takes turns with high1. Low batches of low2 give way"))
        // Those of the low model say nothing of the kind.
        let low = try #require(told.first { $0.hasPrefix("low2") })
        #expect(low.contains("It takes turns with high0, high1.") && !low.contains("give way"))
    }

    @Test("Where low does not give way, shared cores promise nothing, as before")
    func without() throws {
        let models = [model(0, .high, ms: 4, sloMs: 20), model(1, .low, ms: 39, sloMs: 400)]
        let (plan, inputs) = try seated(models, [10, 150], preempts: false)
        #expect(plan.devices[0].gpulets.map(\.units) == [2])
        #expect(lanes(plan, of: 0).allSatisfy { $0.violation == nil })
        let told = try Explanation.lines(of: plan, for: inputs).joined()
        #expect(!told.contains("give") && told.contains("by priority and slack. It takes turns"))
    }

    @Test("High that is too much by itself, or too slow, is not promised, and the plan says so")
    func beyond() throws {
        let busy = [model(0, .high, ms: 40, sloMs: 100), model(1, .low, ms: 1, sloMs: 400)]
        let (full, _) = try seated(busy, [200, 1])
        let rest = try #require(full.unserved.first { $0.model.index == 0 })
        #expect(rest.why?.contains("high load alone is too much") == true)
        #expect(lanes(full, of: 0).allSatisfy { $0.violation == nil })
        // 20 ms on both cores of an objective of 20.
        let slow = [model(0, .high, ms: 40, sloMs: 20), model(1, .high, ms: 2, sloMs: 20)]
        let (plan, _) = try seated(slow, [5, 5])
        #expect(plan.unserved.map(\.model.index) == [0])
        #expect(plan.unserved[0].milliRate == 5_000)
        #expect(isPromised(plan, 1), "what is refused at once holds nobody up")
    }

    @Test("More low load never takes a promise from high on shared cores", arguments: 1...40)
    func sharedProperty(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        let count = dice.number(in: 2...6)
        let models = (0..<count).map { index in
            model(
                Int32(index),
                index == 0 || dice.chance(50) ? .high : .low,
                ms: Double(dice.number(in: 1...60)),
                sloMs: Double(dice.number(in: 5...400))
            )
        }
        let rates = models.map { _ in Double(dice.number(in: 1...40)) }
        let calm = try seated(models, rates).plan
        let flooded = zip(models, rates).map { $0.priority == .low ? $1 * 30 + 50 : $1 }
        let more = try seated(models, flooded).plan
        guard calm.devices[0].gpulets.count == 1, more.devices[0].gpulets.count == 1 else { return }
        for model in models where model.priority == .high {
            let (one, other) = (lanes(calm, of: model.id.index), lanes(more, of: model.id.index))
            #expect(one.map(\.violation) == other.map(\.violation), "seed \(seed)")
            let left = [calm, more].map { $0.unserved.filter { $0.model == model.id } }
            #expect(left[0] == left[1], "seed \(seed)")
        }
    }

    // MARK: Behind walls

    private func confluence(
        _ models: [ModelSpec],
        _ rates: [Double],
        preempts: Bool,
        maxGpulets: Int32 = 1,
        contention: ContentionModel = .none
    ) throws -> (plan: Plan, inputs: PlanInputs) {
        let inputs = PlanInputs(
            devices: [cpu(4, preempts: preempts, maxGpulets: maxGpulets)],
            models: models,
            milliRates: rates.map { Int64($0 * 1_000) },
            present: nil,
            contention: contention == .none
                ? [] : [PlanInputs.KindContention(kind: "cpu", model: contention)]
        )
        return (try PlannerCatalogue.planner(named: "confluence").plan(inputs), inputs)
    }

    @Test("On one gpulet high and low have a slot each, and high waits for no low batch")
    func slots() throws {
        let models = [model(0, .high, ms: 8, sloMs: 20), model(1, .low, ms: 120, sloMs: 400)]
        let (plan, inputs) = try confluence(models, [10, 4], preempts: true)
        #expect(plan.schedulable && isPromised(plan, 0))
        #expect(plan.devices[0].gpulets.map(\.slots) == [2])
        #expect(lanes(plan, of: 0)[0].why?.contains("low gives way within its runs") == true)
        #expect(Audit.violations(of: plan, for: inputs).isEmpty)
        let (bound, _) = try confluence(models, [10, 4], preempts: false)
        #expect(!bound.schedulable, "2 ms and a rest of 30 do not fit into 20")
    }

    @Test("On the same gpulet more low load leaves high its promise", arguments: 1...40)
    func walledProperty(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        let models = [
            model(
                0,
                .high,
                ms: Double(dice.number(in: 2...20)),
                sloMs: Double(dice.number(in: 10...80))
            ),
            model(
                1,
                .low,
                ms: Double(dice.number(in: 10...200)),
                sloMs: Double(dice.number(in: 200...900))
            ),
        ]
        let rate = Double(dice.number(in: 1...60))
        let alone = try confluence(models, [rate, 0], preempts: true).plan
        for low in [0.2, 1, 4, 30, 500] {
            let (plan, inputs) = try confluence(models, [rate, low], preempts: true)
            #expect(Audit.violations(of: plan, for: inputs).isEmpty, "seed \(seed)")
            guard alone.schedulable else { continue }
            #expect(isPromised(plan, 0), "seed \(seed), \(low) r/s of low")
        }
    }

    @Test("Plans where low gives way pass the audit, disturbed or not", arguments: 1...40)
    func audited(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        let models = (0..<dice.number(in: 2...7)).map { index in
            model(
                Int32(index),
                dice.chance(50) ? .high : .low,
                ms: Double(dice.number(in: 1...60)),
                sloMs: Double(dice.number(in: 10...600)),
                busy: dice.chance(50) ? 0.3 : 0
            )
        }
        let rates = models.map { _ in Double(dice.number(in: 1...30)) }
        let (plan, inputs) = try confluence(
            models,
            rates,
            preempts: true,
            maxGpulets: Int32(dice.number(in: 1...3)),
            contention: dice.chance(50) ? PlanningWorld.published : .none
        )
        #expect(Audit.violations(of: plan, for: inputs) == [], "seed \(seed)")
        for gpulet in plan.devices.flatMap(\.gpulets) where gpulet.lanes.count > 1 {
            let low = gpulet.lanes.filter { models[$0.model.position].priority == .low }.count
            let isMixed = low > 0 && low < gpulet.lanes.count
            #expect(gpulet.slots == (isMixed ? Int32(low) + 1 : 1), "seed \(seed)")
        }
    }
}
