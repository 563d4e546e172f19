import Planning
import ServingDomain
import Testing

/// On how many of the cores that all share one batch runs.
@Suite struct BatchWidthTests {
    /// Latencies of one item by cores, and what is asked of the model.
    private func model(
        _ index: Int32,
        _ ms: [Int32: Double],
        sloMs: Double?,
        instances: Int32 = 1,
        guessed: [Int32] = []
    ) -> ModelSpec {
        var model = ModelSpec(
            id: ModelID(index),
            name: "m\(index)",
            maxBatch: 4,
            slo: sloMs.map { .milliseconds(rounding: $0) },
            instances: instances
        )
        let points = ms.flatMap { units, ms in
            [Int32(1), 4].map { batch in
                LatencySurface.Point(
                    batch: batch,
                    units: units,
                    latency: .milliseconds(rounding: ms * Double(batch))
                )
            }
        }
        model.set(
            DeviceProfile(
                kind: "cpu",
                surface: LatencySurface(points),
                estimatedUnits: guessed
            )
        )
        return model
    }

    private func lanes(
        _ models: [ModelSpec],
        cores: Int32 = 2,
        present: Plan? = nil
    ) throws -> [Plan.LanePlacement] {
        let device = DeviceSpec(
            id: DeviceID(0),
            name: "cpu0",
            kind: "cpu",
            units: cores,
            shares: [1, 2, 4, 8, 64].filter { $0 <= cores },
            preemptsLow: true
        )
        let planner = SeatedPlanner(
            try PlannerCatalogue.planner(named: "confluence"),
            floorMilliRate: 1_000,
            sharesCores: true
        )
        let inputs = PlanInputs(
            devices: [device],
            models: models,
            milliRates: models.map { _ in 1_000 },
            present: present
        )
        let plan = try planner.plan(inputs)
        #expect(plan.devices[0].gpulets.map(\.units) == [cores], "no walls here")
        #expect(!Audit.violations(of: plan, for: inputs).contains { $0.rule <= 2 })
        let gpulet = plan.devices[0].gpulets[0]
        #expect(gpulet.slots >= gpulet.lanes.reduce(0) { $0 + $1.instances })
        return gpulet.lanes
    }

    @Test("As few cores as the objective allows, and instances for all of them")
    func narrowest() throws {
        let lanes = try lanes([
            // 30 of 100 ms on one core; 30 of 40 only on two; none is enough for 15 of 16 ms.
            model(0, [1: 30, 2: 18], sloMs: 100), model(1, [1: 30, 2: 18], sloMs: 40),
            model(2, [1: 30, 2: 15], sloMs: 16),
        ])
        #expect(lanes.map(\.width) == [1, 2, 2])
        #expect(lanes.map(\.instances) == [2, 1, 1])
    }

    @Test("Each instance of all cores becomes as many narrow ones as use them, and slots for all")
    func instances() throws {
        let models = [
            model(0, [1: 8, 2: 5, 4: 3], sloMs: 100, instances: 2),
            model(1, [1: 30, 2: 16, 4: 9], sloMs: 40),
        ]
        let lanes = try lanes(models, cores: 4)
        #expect(lanes.map(\.width) == [1, 2])
        #expect(lanes.map(\.instances) == [8, 2])
    }

    @Test("On many cores one instance becomes eight narrow ones at most")
    func parts() throws {
        let lanes = try lanes([model(0, [1: 24, 8: 4, 64: 1], sloMs: 100)], cores: 64)
        #expect(lanes.map(\.width) == [8] && lanes.map(\.instances) == [8])
    }

    @Test("Without an objective a batch has all cores: nothing says that it may take longer")
    func without() throws {
        let lanes = try lanes([model(0, [1: 4, 2: 3], sloMs: nil)])
        #expect(lanes.map(\.width) == [2] && lanes.map(\.instances) == [1])
    }

    @Test("What was not measured on one core is taken for no more work than on two")
    func unmeasured() throws {
        // 10 ms on two cores are 20 at most on one, whatever the guess. 1.5 times that is within
        // the 33.3 ms that 40 are planned for, not within the 29 of 35.
        for (slo, width) in [(40.0, 1), (35.0, 2)] {
            let lanes = try lanes([model(0, [1: 60, 2: 10], sloMs: slo, guessed: [1])])
            #expect(lanes.map(\.width) == [Int32(width)], "objective \(slo) ms")
        }
    }

    @Test("A width that there is stays while its latency moves by less than a tenth")
    func inertia() throws {
        func present(_ width: Int32) -> Plan {
            let lane = Plan.LanePlacement(
                model: ModelID(0),
                batchLimit: 4,
                instances: 1,
                width: width
            )
            let gpulet = Plan.GpuletLayout(units: 2, slots: 2, dutyCycle: nil, lanes: [lane])
            return Plan(
                planner: "present",
                devices: [Plan.DeviceLayout(device: DeviceID(0), gpulets: [gpulet])]
            )
        }
        // 1.5 x 20 = 30 of the 33.3 that 40 ms are planned for; 1.5 x 23 = 34.5; 1.5 x 25 = 37.5.
        let models = [20.0, 23, 25].map { model(0, [1: $0, 2: 14], sloMs: 40) }
        for (model, widths) in zip(models, [(1, 1), (1, 2), (2, 2)]) {
            let narrow = try lanes([model], present: present(1))
            let wide = try lanes([model], present: present(2))
            #expect(narrow.map(\.width) == [Int32(widths.0)])
            #expect(wide.map(\.width) == [Int32(widths.1)])
        }
    }
}
