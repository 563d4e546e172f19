import ServingDomain
import ServingTestKit
import Testing

@testable import Planning

/// Objectives so short that waiting breaks them long before throughput does.
@Suite struct ConfluenceWaitingTests {
    /// gpu-lets' five networks on four presets of their device, planned for as a live server does.
    static func world(_ rates: [Double], present: Plan? = nil) throws -> PlanInputs {
        let preset = try DevicePreset.named("rtx-2080ti")
        let names = ["lenet", "googlenet", "resnet50", "ssd-mobilenetv1", "vgg16"]
        let profiles = try preset.profiles(of: names)
        let models = try zip(names, profiles).enumerated().map { place, entry in
            let known = try #require(GpuletsModel.named(entry.0))
            var model = ModelSpec(
                id: ModelID(Int32(place)),
                name: entry.0,
                maxBatch: 32,
                slo: .milliseconds(rounding: known.atcMilliseconds),
                profiles: [entry.1]
            )
            model.inputBytes = entry.0 == "lenet" ? 3_136 : 602_112
            return model
        }
        return PlanInputs(
            devices: (0..<4).map { preset.device(id: DeviceID($0), name: "gpu\($0)") },
            models: models,
            milliRates: rates.map { Int64(($0 * 1_000).rounded()) },
            present: present,
            contention: [
                PlanInputs.KindContention(
                    kind: "rtx-2080ti",
                    model: .linear(LinearContention.rtx2080ti)
                )
            ]
        )
    }

    /// lenet alone, with 3.3 ms for one item that takes 2.4 on any share.
    static func lenet(_ rate: Double, devices: Int = 4) throws -> PlanInputs {
        var inputs = try world([rate, 0, 0, 0, 0])
        inputs.models[0].slo = .milliseconds(rounding: 3.3)
        inputs.devices = Array(inputs.devices.prefix(devices))
        inputs.models = [inputs.models[0]]
        inputs.milliRates = [inputs.milliRates[0]]
        return inputs
    }

    static func rule5(_ plan: Plan, _ inputs: PlanInputs) -> [String] {
        Audit.violations(of: plan, for: inputs).filter { $0.rule == 5 }.map(\.line)
    }

    @Test(
        "What waits too long for one lane is served by several behind one queue, or not at all",
        arguments: [1, 10, 43, 100, 300, 1_000, 3_000]
    )
    func lenet(rate: Double) throws {
        for devices in [1, 2, 4] {
            let inputs = try Self.lenet(rate, devices: devices)
            let plan = try ConfluencePlanner().plan(inputs)
            #expect(Self.rule5(plan, inputs) == [], "\(rate) r/s on \(devices)")
            let lanes = plan.devices.flatMap(\.gpulets).flatMap(\.lanes)
            let served = lanes.reduce(0) { $0 + $1.milliRate }
            print("\(rate) r/s on \(devices) devices: \(lanes.count) lanes, \(served)")
            if devices == 4, rate <= 300 { #expect(plan.schedulable, "\(rate)") }
            if rate == 3_000 {
                #expect(plan.unserved[0].why?.contains("whoever comes while") == true)
            }
        }
    }

    @Test("A planner for a live server breaks no promise at any equal rate of five networks")
    func live() throws {
        let planner = SeatedPlanner(ConfluencePlanner(), floorMilliRate: 1_000)
        var highest = 0.0
        for rate in [10.0, 43, 60, 80, 100, 120, 150, 200, 250, 300, 400] {
            let inputs = try Self.world([rate, rate, rate, rate, rate])
            let plan = try planner.plan(inputs)
            #expect(Self.rule5(plan, inputs) == [], "\(rate)")
            if plan.schedulable { highest = max(highest, rate) }
            print("\(rate): \(plan.schedulable) \(plan.unserved.map(\.milliRate))")
        }
        print("highest equal rate \(highest)")
        #expect(highest >= 150)
    }

    /// Models whose objectives are hardly longer than one or two of their batches.
    static func tight(_ dice: inout SeededGenerator) -> PlanningWorld {
        var world = PlanningWorld(
            devices: Int32(dice.number(in: 1...6)),
            maxGpulets: dice.one(of: [0, 2, 2, 4])
        )
        if dice.chance(50) { world.contention = PlanningWorld.published }
        for number in 0..<dice.number(in: 1...6) {
            let one = 0.5 + 30 * dice.fraction()
            let growth = dice.one(of: [0.0, 0.02, 0.3])
            let gain = dice.one(of: [0.0, 0.0, 0.6])
            let points = PlanningWorld.sizes.flatMap { units in
                [Int32(1), 2, 4, 8, 16].map { batch in
                    let share = 1 - gain + gain * 100 / Double(units)
                    return LatencySurface.Point(
                        batch: batch,
                        units: units,
                        latency: .milliseconds(
                            rounding: one * share * (1 + growth * Double(batch - 1))
                        )
                    )
                }
            }
            world.add(
                "m\(number)",
                rate: 4_000 * dice.fraction() * dice.fraction() * dice.fraction() / one,
                sloMs: one * (1.05 + 2.5 * dice.fraction()),
                surface: LatencySurface(points),
                busy: dice.fraction() * 0.4,
                maxBatch: dice.one(of: [1, 4, 16])
            )
            world.models[number].percentile = dice.one(of: [99, 99, 95, 99.9])
            if dice.chance(20) {
                world.models[number].priorities = PriorityRules(levels: 2, defaultLevel: 1)
            }
        }
        return world
    }

    @Test("No plan breaks its own promise, however tight the objectives", arguments: 1...40)
    func kept(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        var inputs = Self.tight(&dice).inputs
        let plan = try ConfluencePlanner().plan(inputs)
        let broken = Audit.violations(of: plan, for: inputs).map(\.line)
        #expect(broken == [], "seed \(seed)")
        for rest in plan.unserved { #expect(rest.why?.isEmpty == false, "seed \(seed)") }
        let served = { (plan: Plan) -> Int64 in
            plan.devices.flatMap(\.gpulets).flatMap(\.lanes).reduce(0) { $0 + $1.milliRate }
        }
        #expect(served(plan) <= plan.bound?.milliRate ?? 0, "seed \(seed): over the bound")
        // The plan that stands is no reason to serve less, and is kept where all is served.
        inputs.present = plan
        let again = try ConfluencePlanner().plan(inputs)
        #expect(Audit.violations(of: again, for: inputs).isEmpty, "seed \(seed), again")
        #expect(again.schedulable || !plan.schedulable, "seed \(seed)")
        #expect(try ConfluencePlanner().plan(inputs) == again, "seed \(seed): another plan")
        let seated = try SeatedPlanner(ConfluencePlanner(), floorMilliRate: 1_000).plan(inputs)
        #expect(Self.rule5(seated, inputs) == [], "seed \(seed), seated")
    }
}
