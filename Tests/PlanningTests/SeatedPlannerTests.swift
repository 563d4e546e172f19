import Planning
import ServingDomain
import ServingTestKit
import Testing

/// A server has a seat for every model, whatever its planner says.
@Suite struct SeatedPlannerTests {
    /// Fails, or leaves everything unserved: what no planner should do, but may.
    private struct Idle: Planner {
        let name = "idle"

        func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
            let left = zip(inputs.models, inputs.milliRates).map {
                Plan.Unserved(model: $0.id, milliRate: $1)
            }
            return Plan(planner: name, devices: [], unserved: left)
        }
    }

    private func cpu(_ units: Int32) -> DeviceSpec {
        DeviceSpec(id: DeviceID(0), name: "cpu0", kind: "cpu", units: units)
    }

    private func model(
        _ index: Int32,
        ms: Double? = 10,
        slo: TimeSpan? = .milliseconds(100)
    ) -> ModelSpec {
        var model = ModelSpec(id: ModelID(index), name: "m\(index)", maxBatch: 8, slo: slo)
        guard let ms else { return model }
        let points = [Int32(1), 2, 4].flatMap { units in
            [Int32(1), 2, 4, 8].map { batch in
                LatencySurface.Point(
                    batch: batch,
                    units: units,
                    latency: .milliseconds(rounding: ms * Double(batch) / Double(units))
                )
            }
        }
        model.set(DeviceProfile(kind: "cpu", surface: LatencySurface(points)))
        return model
    }

    private func plan(
        _ inner: any Planner,
        _ models: [ModelSpec],
        _ rates: [Int64],
        units: Int32 = 4
    ) throws -> Plan {
        try SeatedPlanner(inner, floorMilliRate: 1_000).plan(
            PlanInputs(devices: [cpu(units)], models: models, milliRates: rates, present: nil)
        )
    }

    private func seats(_ plan: Plan) -> [Int32] {
        plan.devices.flatMap(\.gpulets).flatMap(\.lanes).map(\.model.index).sorted()
    }

    @Test("Every planner gives every model a seat and every core to somebody", arguments: 1...40)
    func everybody(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        let names = ["temporal", "elastic", "self-tuning", "confluence"]
        let units = Int32([1, 2, 4, 64][dice.number(in: 0...3)])
        let count = dice.number(in: 1...9)
        let models = (0..<count).map { index in
            model(
                Int32(index),
                ms: dice.chance(80) ? Double(dice.number(in: 1...60)) : nil,
                slo: dice.chance(70) ? .milliseconds(Int64(dice.number(in: 5...400))) : nil
            )
        }
        // From idle to far beyond capacity.
        let rates = models.map { _ in Int64(dice.number(in: 1...400)) * 1_000 }
        for name in names {
            let inner = try PlannerCatalogue.planner(named: name)
            let plan = try plan(inner, models, rates, units: units)
            #expect(Set(seats(plan)) == Set((0..<Int32(count))), "\(name), seed \(seed)")
            for layout in plan.devices {
                let used = layout.gpulets.reduce(0) { $0 + $1.units }
                #expect(used == units, "\(name), seed \(seed)")
            }
            #expect(plan.planner == inner.name)
        }
    }

    @Test("A model of unknown latency comes beside others, or alone on what is free")
    func unknown() throws {
        let alone = try plan(Idle(), [model(0, ms: nil)], [1_000])
        #expect(alone.devices[0].gpulets.map(\.units) == [4])
        #expect(alone.devices[0].gpulets[0].lanes[0].batchLimit == 8)
        #expect(alone.devices[0].gpulets[0].lanes[0].why?.contains("nothing is known") == true)

        let both = try plan(
            try PlannerCatalogue.planner(named: "temporal"),
            [model(0), model(1, ms: nil)],
            [20_000, 1_000]
        )
        #expect(seats(both) == [0, 1])
    }

    @Test("What found no place is still said, and its batches keep to its objective")
    func unserved() throws {
        let plan = try plan(Idle(), [model(0), model(1, ms: 20)], [5_000, 7_000])
        #expect(plan.unserved.map(\.milliRate) == [5_000, 7_000])
        #expect(seats(plan) == [0, 1])
        let lanes = plan.devices[0].gpulets.flatMap(\.lanes)
        // On four cores: 8 of model 0 take 20 ms; 8 of model 1 take 40, and twice 40 fit 100.
        #expect(lanes.map(\.batchLimit) == [8, 8])
        let tight = try self.plan(Idle(), [model(0, ms: 80)], [5_000])
        // One takes 20 ms, two 40; four take 80, which does not fit twice.
        #expect(tight.devices[0].gpulets[0].lanes[0].batchLimit == 2)
    }

    @Test("Cores have walls only where these save much work; parts of a GPU keep theirs")
    func shared() throws {
        let confluence = try PlannerCatalogue.planner(named: "confluence")
        // Twice the cores, half the time; and models that more than one core does not help.
        let scaling = [model(0), model(1, ms: 40), model(2, ms: 80)]
        let narrow = scaling.map { model in
            var model = model
            let points = [Int32(1), 2, 4, 8].map { batch in
                let ms = 4.0 * Double(batch)
                return LatencySurface.Point(
                    batch: batch,
                    units: 1,
                    latency: .milliseconds(rounding: ms)
                )
            }
            model.set(DeviceProfile(kind: "cpu", surface: LatencySurface(points)))
            return model
        }
        func plan(
            _ models: [ModelSpec],
            _ rate: Int64,
            copyEngines: Int32,
            cores: Int32 = 4,
            preempts: Bool = false
        ) throws -> Plan {
            var device = cpu(cores)
            device.copyEngines = copyEngines
            device.preemptsLow = preempts
            let planner = SeatedPlanner(confluence, floorMilliRate: 1_000, sharesCores: true)
            return try planner.plan(
                PlanInputs(
                    devices: [device],
                    models: models,
                    milliRates: [rate, rate, rate],
                    present: nil
                )
            )
        }
        for rate in [2_000, 60_000] as [Int64] {
            let open = try plan(scaling, rate, copyEngines: 0)
            #expect(open.devices[0].gpulets.map(\.units) == [4])
            #expect(open.devices[0].gpulets[0].lanes.map(\.batchLimit) == [8, 8, 8])
            #expect(open.planner == "confluence")
            #expect(open.schedulable == (rate == 2_000))
        }
        let walled = try plan(narrow, 150_000, copyEngines: 0)
        #expect(walled.devices[0].gpulets.count > 1)
        // Where high work takes the cores from low work, two cores can't save enough, four can.
        for (cores, preempts, hasWalls) in [(2, false, true), (2, true, false), (4, true, true)] {
            let plan = try plan(
                narrow,
                75_000,
                copyEngines: 0,
                cores: Int32(cores),
                preempts: preempts
            )
            #expect((plan.devices[0].gpulets.count > 1) == hasWalls, "\(cores) \(preempts)")
        }
        let parts = try plan(scaling, 60_000, copyEngines: 2)
        #expect(parts.devices[0].gpulets.count > 1)
    }

    @Test("Free cores go to who needs them most, within the model's own limits")
    func fill() throws {
        let elastic = try PlannerCatalogue.planner(named: "elastic")
        var bounded = model(0)
        bounded.maxShare = 50
        let plan = try plan(elastic, [bounded], [10_000])
        #expect(plan.devices[0].gpulets.map(\.units) == [2])
        let free = try self.plan(elastic, [model(0)], [10_000])
        #expect(free.devices[0].gpulets.map(\.units) == [4])
    }

    @Test("Equal inputs give equal plans; without devices there is no seat, and no failure")
    func corners() throws {
        let models = (0..<6).map { model(Int32($0), ms: Double($0) * 3 + 2) }
        let rates = models.map { _ in Int64(9_000) }
        let confluence = try PlannerCatalogue.planner(named: "confluence")
        #expect(try plan(confluence, models, rates) == plan(confluence, models, rates))
        let nowhere = try SeatedPlanner(confluence, floorMilliRate: 0).plan(
            PlanInputs(devices: [], models: models, milliRates: rates, present: nil)
        )
        #expect(seats(nowhere).isEmpty)
    }
}
