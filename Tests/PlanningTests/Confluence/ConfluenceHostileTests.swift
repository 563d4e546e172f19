import ServingDomain
import ServingTestKit
import Testing

@testable import Planning

/// Inputs that make little sense: a plan with reasons, never a crash and never a hang.
@Suite struct ConfluenceHostileTests {
    private func plan(_ inputs: PlanInputs, _ name: String = "confluence") throws -> Plan {
        let plan = try PlannerCatalogue.planner(named: name).plan(inputs)
        let violations = Audit.violations(of: plan, for: inputs)
        #expect(violations.isEmpty, "\(violations.first?.line ?? "")")
        for rest in plan.unserved { #expect(rest.why?.contains("\n") == false) }
        return plan
    }

    @Test("Demand from nothing to a billion", arguments: [0, 1e-9, 1e-3, 0.5, 1e4, 1e6, 1e9])
    func demand(rate: Double) throws {
        for name in ["confluence", "confluence:capacity=paper"] {
            let plan = try plan(PlanningWorld.five([rate, rate, rate, rate, rate]).inputs, name)
            if rate < 100 { #expect(plan.schedulable, "\(name) at \(rate)") }
            if rate >= 1e4 { #expect(!plan.schedulable, "\(name) at \(rate)") }
        }
        var inputs = PlanningWorld.five([1, 1, 1, 1, 1]).inputs
        inputs.milliRates = [.max, -5, .min, 0, .max / 2]
        #expect(try PlannerCatalogue.planner(named: "confluence").plan(inputs).unserved.count == 2)
    }

    @Test("Without devices, profiles, time or room all demand is unserved, with the reason")
    func impossible() throws {
        var world = PlanningWorld.five([10, 10, 10, 10, 10])
        var inputs = world.inputs
        inputs.devices = []
        let none = try plan(inputs)
        #expect(none.unserved.count == 5 && none.devices.isEmpty)
        #expect(none.unserved[0].why?.contains("no device") == true)

        world = PlanningWorld(devices: 2)
        world.add("bare", rate: 10, sloMs: 50, surface: nil)
        world.add("empty", rate: 10, sloMs: 50, surface: LatencySurface([]))
        world.add("fine", rate: 10, sloMs: 95)
        world.add("late", rate: 10, sloMs: 0.5, surface: PlanningWorld.synthetic(sloMs: 95))
        world.add("exact", rate: 10, sloMs: 95)
        world.models[4].percentile = 100
        world.add("narrow", rate: 10, sloMs: 95)
        world.models[5].minShare = 61
        world.models[5].maxShare = 79
        let some = try plan(world.inputs)
        #expect(some.unserved.map(\.model.index) == [0, 1, 3, 4, 5])
        let reasons = some.unserved.map { $0.why ?? "" }
        #expect(reasons[0].contains("no profile") && reasons[1].contains("no profile"))
        #expect(reasons[2].contains("batch of 1") && reasons[3].contains("percentile"))
        #expect(reasons[4].contains("shares"))
    }

    @Test("Strange devices, percentiles, shares, weights and surfaces", arguments: [51, 52])
    func strange(seed: UInt64) throws {
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for _ in 0..<12 {
            var world = PlanningWorld.random(&dice, models: 5, devices: 3, load: 0.7)
            for place in world.devices.indices where dice.chance(50) {
                let units = Int32(dice.number(in: 1...300))
                world.devices[place] = DeviceSpec(
                    id: world.devices[place].id,
                    name: "d\(place)",
                    kind: "rtx-2080ti",
                    units: units,
                    grain: Int32(dice.number(in: 1...Int(units))),
                    shares: dice.one(of: [[], [-4, 0, 7], [5, 5, 100, 20], [.max]]),
                    maxGpulets: dice.one(of: [0, 1, -3, .max]),
                    memoryMiB: dice.one(of: [0, 1, 500, .max])
                )
            }
            for place in world.models.indices where dice.chance(50) {
                world.models[place].percentile = dice.one(of: [.nan, -1, 0, 50, 100.5, 99.999])
                world.models[place].minShare = dice.one(of: [0, 30, 101, .nan])
                world.models[place].maxShare = dice.one(of: [100, 20, -1, .infinity])
                world.models[place].weightMilli = dice.one(of: [-5, 0, .max])
                world.models[place].slo = dice.one(of: [
                    nil, .zero, TimeSpan(nanoseconds: 1), TimeSpan(nanoseconds: .max),
                    TimeSpan(nanoseconds: -7),
                ])
            }
            var inputs = world.inputs
            inputs.corrections = inputs.models.map {
                PlanInputs.Correction(
                    model: $0.id,
                    kind: "rtx-2080ti",
                    milli: dice.one(of: [-1, 0, 1, 1_000, 3_000, .max])
                )
            }
            for name in ["confluence", "confluence:capacity=paper"] {
                _ = try PlannerCatalogue.planner(named: name).plan(inputs)
            }
        }
    }

    @Test("Latencies of nothing, of ages, and falling with the batch")
    func surfaces() throws {
        var world = PlanningWorld(devices: 2)
        let times: [[Int64]] = [[0, 0], [0, 5], [9, 2], [.max, .max], [1, .max / 2_000_000]]
        for (number, ms) in times.enumerated() {
            let points = zip([1, 32] as [Int32], ms).map {
                LatencySurface.Point(batch: $0, units: 20, latency: .milliseconds($1))
            }
            world.add("m\(number)", rate: 40, sloMs: 40, surface: LatencySurface(points))
        }
        for name in ["confluence", "confluence:capacity=paper"] {
            let plan = try PlannerCatalogue.planner(named: name).plan(world.inputs)
            #expect(plan.unserved.contains { $0.model == ModelID(3) })
            #expect(!plan.unserved.contains { $0.model == ModelID(2) })
        }
    }

    @Test("Two models or devices with one identifier are an error in one line")
    func duplicates() throws {
        var inputs = PlanningWorld.five([1, 1, 1, 1, 1]).inputs
        inputs.models[1].id = ModelID(0)
        var error = #expect(throws: PlanError.self) { try ConfluencePlanner().plan(inputs) }
        #expect(error?.message.contains("share the identifier 0") == true)
        inputs = PlanningWorld.five([1, 1, 1, 1, 1]).inputs
        inputs.devices[1].id = DeviceID(0)
        error = #expect(throws: PlanError.self) { try ConfluencePlanner().plan(inputs) }
        #expect(error?.message.contains("identifiers 0 and 0") == true)
    }

    @Test(
        "An option that there isn't, or a value that it can't have, is answered in one line",
        arguments: [
            ("confluence:capasity=paper", "did you mean 'capacity'?"),
            ("confluence:capacity=some", "queue or paper"),
            ("confluence:effort=0", "1...10000"),
            ("confluence:order=released", "Known: capacity"),
            ("confluence:maxGpulets=0", "1...1024"),
        ]
    )
    func options(name: String, part: String) {
        let error = #expect(throws: PlanError.self) { try PlannerCatalogue.planner(named: name) }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
    }
}
