import Planning
import ServingDomain
import ServingTestKit
import Testing

/// What holds for every plan of every planner, whatever is asked of it.
@Suite struct PlannerPropertyTests {
    private static let names = [
        "temporal", "self-tuning", "elastic", "elastic:interference=off", "elastic:temporal=off",
        "elastic:spatial=off", "elastic:maxGpulets=1", "elastic:maxGpulets=3",
        "elastic:maxGpulets=7", "elastic:margins=released", "elastic:ratio=1.1,slack=15",
        "temporal:margins=released", "self-tuning:inflation=on",
    ]
    private static let released = [
        "temporal:margins=released,order=released", "self-tuning:margins=released,order=released",
        "elastic:margins=released,order=released", "elastic:order=released",
        "elastic:interference=off,margins=released,order=released",
    ]

    @Test("Every plan of every planner passes the audit and comes out the same twice")
    func audit() throws {
        let seed: UInt64 = 20_260_101
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for round in 0..<150 {
            let inputs = RandomDemand.inputs(&dice)
            for name in Self.names + Self.released {
                let planner = try PlannerCatalogue.planner(named: name)
                let plan = try planner.plan(inputs)
                let violations = Audit.violations(of: plan, for: inputs)
                #expect(violations == [], "round \(round), \(name)")
                #expect(try planner.plan(inputs) == plan, "round \(round), \(name)")
                #expect(planner.name == name)
            }
        }
    }

    @Test("The exhaustive planner passes too, and one more device never serves less")
    func exhaustive() throws {
        let seed: UInt64 = 7
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for round in 0..<25 {
            var inputs = RandomDemand.inputs(&dice, devices: 1...4)
            var last: Int64 = -1
            let all = inputs.devices
            for count in 0...all.count {
                inputs.devices = Array(all[..<count])
                let plan = try ExhaustivePlanner().plan(inputs)
                #expect(Audit.violations(of: plan, for: inputs) == [], "round \(round)")
                let wanted = inputs.milliRates.reduce(0, +)
                let served = wanted - plan.unserved.reduce(0) { $0 + $1.milliRate }
                #expect(served >= last, "round \(round), \(count) devices")
                last = served
            }
            let plan = try ExhaustivePlanner().plan(inputs)
            #expect(try ExhaustivePlanner().plan(inputs) == plan)
        }
    }

    @Test("Any rate from a thousandth to 1e9 r/s ends, and what can't be served is said to be")
    func extremes() throws {
        for rate in [1e-9, 1e-3, 0.5, 14, 16, 1e3, 1e6, 1e9] {
            var world = PlanningWorld(devices: 2)
            world.contention = PlanningWorld.published
            world.add("resnet50", rate: rate, sloMs: 108, busy: 0.5)
            world.add("vgg16", rate: rate, sloMs: 142, busy: 0.5)
            for name in Self.names + Self.released + ["exhaustive"] {
                let plan = try PlannerCatalogue.planner(named: name).plan(world.inputs)
                #expect(Audit.violations(of: plan, for: world.inputs) == [], "\(rate) \(name)")
                if rate >= 1e6 { #expect(!plan.schedulable, "\(rate) \(name)") }
                // The released code places nothing below its slack, then misses it and gives up.
                if rate <= 14, !name.contains("order=released") {
                    #expect(plan.schedulable, "\(rate) \(name)")
                }
                for entry in plan.unserved { #expect(entry.why != nil, "\(rate) \(name)") }
            }
        }
    }

    @Test("No device, no model, no profile, an objective that nothing meets: each with a reason")
    func impossible() throws {
        for name in Self.names + Self.released + ["exhaustive"] {
            let planner = try PlannerCatalogue.planner(named: name)
            let empty = try planner.plan(PlanningWorld(devices: 1).inputs)
            #expect(empty.schedulable && empty.devices[0].gpulets.isEmpty)

            var world = PlanningWorld(devices: 0)
            world.add("resnet50", rate: 100, sloMs: 108)
            let lost = try planner.plan(world.inputs)
            #expect(lost.unserved.first?.why == "there is no device", "\(name)")

            world = PlanningWorld(devices: 1)
            world.add("resnet50", rate: 50, sloMs: 108)
            world.add("unknown", rate: 50, sloMs: 108, surface: nil)
            let partly = try planner.plan(world.inputs)
            #expect(partly.unserved.map(\.model.index) == [1], "\(name)")
            #expect(partly.unserved.first?.why?.contains("no profile") == true, "\(name)")
            #expect(!partly.devices[0].gpulets.isEmpty, "\(name)")

            world = PlanningWorld(devices: 1)
            world.add("resnet50", rate: 50, sloMs: 108)
            world.models[0].slo = .microseconds(100)
            let late = try planner.plan(world.inputs)
            #expect(late.unserved.map(\.model.index) == [0], "\(name)")
        }
    }
}

/// Random devices, models and demand that planners are to cope with.
enum RandomDemand {
    static func inputs(
        _ dice: inout SeededGenerator,
        devices: ClosedRange<Int> = 0...5
    ) -> PlanInputs {
        var world = PlanningWorld(
            devices: Int32(dice.number(in: devices)),
            maxGpulets: Int32(dice.one(of: [0, 1, 2, 2, 2, 3])),
            memoryMiB: dice.one(of: [0, 0, 4_000, 11_000])
        )
        if dice.chance(70) { world.contention = PlanningWorld.published }
        let isMixed = dice.chance(30)
        for place in world.devices.indices {
            if dice.chance(20) { world.devices[place].shares = [] }
            if isMixed, dice.chance(50) { world.devices[place] = .sample(Int32(place), units: 24) }
        }
        for number in 0..<dice.number(in: 0...7) {
            let sloMs = Double(dice.number(in: 5...250))
            var surface: LatencySurface? = PlanningWorld.synthetic(
                sloMs: sloMs * Double(dice.number(in: 20...160)) / 100,
                batches: dice.one(of: [[1, 2, 4, 8, 16, 24, 32], [1, 32], [1, 8], [4, 16]])
            )
            if dice.chance(5) { surface = nil }
            world.add(
                "m\(number)",
                rate: rate(&dice),
                sloMs: dice.chance(95) ? sloMs : nil,
                surface: surface,
                busy: Double(dice.number(in: 0...100)) / 100,
                memoryMiB: Int64(dice.number(in: 0...2_000)),
                maxBatch: dice.one(of: [1, 8, 32, 32, 32])
            )
            if isMixed, let surface, dice.chance(80) {
                world.models[number].set(other(surface, &dice))
            }
            if dice.chance(5) { world.models[number].minShare = 40 }
            if dice.chance(5) { world.models[number].maxShare = 50 }
        }
        var inputs = world.inputs
        if let first = world.models.first, dice.chance(20) {
            inputs.corrections = [
                PlanInputs.Correction(model: first.id, kind: "rtx-2080ti", milli: 1_150)
            ]
        }
        return inputs
    }

    private static func rate(_ dice: inout SeededGenerator) -> Double {
        switch dice.number(in: 0...9) {
        case 0: 0
        case 1: Double(dice.number(in: 1...2_000)) / 1_000
        case 2: Double(dice.number(in: 1_000...100_000))
        default: Double(dice.number(in: 1...500))
        }
    }

    /// The same model on the other kind of device, of 24 units.
    private static func other(
        _ surface: LatencySurface,
        _ dice: inout SeededGenerator
    ) -> DeviceProfile {
        let slower = Int64(dice.number(in: 1...3))
        let points = surface.points.compactMap { point -> LatencySurface.Point? in
            guard point.units % 20 == 0 else { return nil }
            var moved = point
            moved.units = point.units * 24 / 100
            moved.latency = point.latency * slower
            return moved
        }
        return DeviceProfile(kind: "test", surface: LatencySurface(points))
    }
}
