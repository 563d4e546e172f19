import ServingDomain
import ServingTestKit
import Testing

@testable import Planning

/// What holds for every plan of `confluence`.
@Suite struct ConfluencePropertyTests {
    private static func planner(_ name: String) throws -> any Planner {
        try PlannerCatalogue.planner(named: name)
    }

    /// Checks a plan, its bound and its reasons; returns what it serves.
    @discardableResult
    private static func check(_ plan: Plan, _ inputs: PlanInputs, _ place: String) -> Double {
        let violations = Audit.violations(of: plan, for: inputs)
        #expect(violations.isEmpty, "\(place): \(violations.first?.line ?? "")")
        var served = 0.0
        for device in plan.devices {
            for gpulet in device.gpulets {
                #expect(!gpulet.lanes.isEmpty, "\(place): an empty gpulet")
                for lane in gpulet.lanes {
                    served += Double(lane.milliRate)
                    #expect(lane.milliRate > 0 && lane.why?.isEmpty == false, "\(place)")
                }
            }
        }
        #expect(served <= Double(plan.bound?.milliRate ?? 0) * 1.0001, "\(place): over the bound")
        for rest in plan.unserved { #expect(rest.why?.isEmpty == false, "\(place)") }
        #expect(Set(plan.unserved.map(\.model)).count == plan.unserved.count, "\(place)")
        return served
    }

    @Test(
        "Every plan passes the audit, serves no more than its bound, and is the same twice",
        arguments: [21, 22, 23, 24]
    )
    func audited(seed: UInt64) throws {
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for turn in 0..<4 {
            var world = PlanningWorld.random(
                &dice,
                models: dice.number(in: 1...10),
                devices: Int32(dice.number(in: 1...4)),
                load: 0.2 + 1.4 * dice.fraction()
            )
            for place in world.devices.indices where dice.chance(30) {
                world.devices[place].memoryMiB = Int64(dice.number(in: 200...2_000))
            }
            let name = dice.one(of: [
                "confluence", "confluence", "confluence:capacity=paper", "confluence:temporal=off",
                "confluence:spatial=off", "confluence:interference=off", "confluence:maxGpulets=3",
                "confluence:margins=released", "confluence:capacity=paper,margins=released",
            ])
            let place = "seed \(seed) turn \(turn) \(name)"
            let plan = try Self.planner(name).plan(world.inputs)
            #expect(plan.planner == name)
            Self.check(plan, world.inputs, place)
            #expect(try Self.planner(name).plan(world.inputs) == plan, "\(place): another plan")
        }
    }

    @Test("A plan that stands is kept where it serves, and changed where rates change")
    func incremental() throws {
        print("seed 31")
        var dice = SeededGenerator(seed: 31)
        for turn in 0..<6 {
            let world = PlanningWorld.random(&dice, models: 6, devices: 3, load: 0.5)
            var inputs = world.inputs
            let first = try ConfluencePlanner().plan(inputs)
            inputs.present = first
            let second = try ConfluencePlanner().plan(inputs)
            Self.check(second, inputs, "turn \(turn)")
            if first.schedulable {
                #expect(second.schedulable)
                #expect(Self.moves(from: first, to: second) <= 3, "turn \(turn)")
            }
            for place in inputs.milliRates.indices {
                inputs.milliRates[place] =
                    inputs.milliRates[place] * Int64(dice.number(in: 60...130))
                    / 100
            }
            let third = try ConfluencePlanner().plan(inputs)
            Self.check(third, inputs, "turn \(turn), other rates")
            inputs.present = nil
            let fresh = try ConfluencePlanner().plan(inputs)
            if fresh.schedulable, third.schedulable {
                #expect(
                    Self.moves(from: first, to: third) <= Self.moves(from: first, to: fresh),
                    "turn \(turn)"
                )
            }
        }
    }

    /// Seats (model, device, units) of `to` that `from` does not have.
    private static func moves(from: Plan, to: Plan) -> Int {
        func seats(_ plan: Plan) -> [[Int32]] {
            plan.devices.flatMap { device in
                device.gpulets.flatMap { gpulet in
                    gpulet.lanes.map { [$0.model.index, device.device.index, gpulet.units] }
                }
            }
        }
        var left = seats(from)
        return seats(to).filter { seat in
            guard let place = left.firstIndex(of: seat) else { return true }
            left.remove(at: place)
            return false
        }.count
    }

    @Test("A present plan that makes no sense any more does no harm")
    func strangePresent() throws {
        let world = PlanningWorld.five([100, 100, 100, 50, 50])
        var inputs = world.inputs
        let lane = Plan.LanePlacement(model: ModelID(77), batchLimit: 9, instances: 3)
        let known = Plan.LanePlacement(model: ModelID(2), batchLimit: 900, instances: 30)
        inputs.present = Plan(
            planner: "whole",
            devices: [9, 1, 1].map { device in
                Plan.DeviceLayout(
                    device: DeviceID(device),
                    gpulets: [33, 60, 100, 1].map {
                        Plan.GpuletLayout(
                            units: $0,
                            slots: 7,
                            dutyCycle: nil,
                            lanes: [lane, known, known]
                        )
                    }
                )
            }
        )
        let plan = try ConfluencePlanner().plan(inputs)
        Self.check(plan, inputs, "strange")
        #expect(plan.schedulable)
    }

    @Test("More devices serve at least 98 % of what fewer served")
    func moreDevices() throws {
        // The search is a heuristic: that it never serves less cannot be promised.
        print("seed 41")
        var dice = SeededGenerator(seed: 41)
        for turn in 0..<2 {
            let world = PlanningWorld.random(&dice, models: 7, devices: 4, load: 0.9)
            var last = 0.0
            for count in 1...4 {
                var inputs = world.inputs
                inputs.devices = Array(inputs.devices.prefix(count))
                let served = Self.check(
                    try ConfluencePlanner().plan(inputs),
                    inputs,
                    "turn \(turn), \(count) devices"
                )
                #expect(served >= 0.98 * last, "turn \(turn): \(count) devices serve \(served)")
                last = max(last, served)
            }
        }
    }

    @Test("The high class is served first")
    func priority() throws {
        var world = PlanningWorld(devices: 1, maxGpulets: 0)
        for number in 0..<4 {
            world.add("m\(number)", rate: 700, sloMs: 95)
            if number == 3 {
                world.models[3].priorities = PriorityRules(levels: 2, defaultLevel: 1)
            }
        }
        world.rates[3] = 150
        let plan = try ConfluencePlanner().plan(world.inputs)
        Self.check(plan, world.inputs, "priority")
        #expect(!plan.schedulable)
        #expect(!plan.unserved.contains { $0.model == ModelID(3) })
    }

    @Test("Devices of several kinds each get what they are good at, within the bound")
    func kinds() throws {
        var world = PlanningWorld(devices: 2, maxGpulets: 0)
        world.add("quick", rate: 400, sloMs: 44)
        world.add("slow", rate: 100, sloMs: 130)
        world.add("apart", rate: 50, sloMs: 95)
        for place in 2..<4 {
            world.devices.append(
                DeviceSpec(id: DeviceID(Int32(place)), name: "cpu\(place)", kind: "cpu", units: 16)
            )
        }
        // On the processors only "slow" has a profile, and no worse than on the GPUs.
        var points: [LatencySurface.Point] = []
        for units in [4, 8, 16] as [Int32] {
            for batch in [1, 8, 16] as [Int32] {
                points.append(
                    LatencySurface.Point(
                        batch: batch,
                        units: units,
                        latency: .milliseconds(Int64(4 + batch * 40 / units))
                    )
                )
            }
        }
        world.models[1].set(DeviceProfile(kind: "cpu", surface: LatencySurface(points)))
        let plan = try ConfluencePlanner().plan(world.inputs)
        Self.check(plan, world.inputs, "kinds")
        #expect(plan.schedulable)
        let onProcessors = plan.devices[2...].flatMap(\.gpulets).flatMap(\.lanes)
        #expect(onProcessors.allSatisfy { $0.model == ModelID(1) })
    }

    @Test("Instances are chosen where they were measured to pay")
    func instances() throws {
        var world = PlanningWorld(devices: 1)
        let surface = LatencySurface(
            [(1, 1, 10), (1, 4, 12), (2, 1, 11), (2, 4, 13)].map { instances, batch, ms in
                LatencySurface.Point(
                    batch: Int32(batch),
                    units: 100,
                    instances: Int32(instances),
                    latency: .milliseconds(Int64(ms))
                )
            }
        )
        world.add("m", rate: 350, sloMs: 60, surface: surface, maxBatch: 4)
        world.models[0].instanceLimit = 2
        let plan = try ConfluencePlanner().plan(world.inputs)
        Self.check(plan, world.inputs, "instances")
        #expect(plan.schedulable)
        #expect(plan.devices[0].gpulets.map(\.slots) == [2])
        #expect(plan.devices[0].gpulets[0].lanes[0].instances == 2)
    }
}
