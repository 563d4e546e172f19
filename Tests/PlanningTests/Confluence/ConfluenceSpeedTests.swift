import Foundation
import Planning
import ServingDomain
import ServingTestKit
import Testing

/// How long `confluence` takes; prints, and asserts nothing about time.
///
///     SLUICE_BENCH=1 CORE_ONLY=1 swift test -c release -Xswiftc -enable-testing \\
///         --scratch-path .build-core-release --filter ConfluenceSpeed
@Suite(.serialized, .enabled(if: ProcessInfo.processInfo.environment["SLUICE_BENCH"] != nil))
struct ConfluenceSpeedTests {
    /// The processor time of this process in milliseconds; other processes do not disturb it.
    private static var processorMs: Double { Double(clock()) * 1_000 / Double(CLOCKS_PER_SEC) }

    @Test("Nine models on four devices, and as many models as devices up to 1,000")
    func speed() throws {
        for (models, devices) in [(9, 4), (10, 10), (100, 100), (1_000, 1_000)] {
            for load in [0.45, 0.8, 1.3] {
                var dice = SeededGenerator(seed: 5)
                var world = PlanningWorld.random(
                    &dice,
                    models: models,
                    devices: Int32(devices),
                    load: load
                )
                world.contention = PlanningWorld.published
                for place in world.devices.indices { world.devices[place].maxGpulets = 0 }
                let inputs = world.inputs
                let began = Self.processorMs
                let plan = try ConfluencePlanner().plan(inputs)
                let took = Int(Self.processorMs - began)
                let demand = inputs.milliRates.reduce(0, +)
                let left = plan.unserved.reduce(0) { $0 + $1.milliRate }
                let bound = plan.bound?.milliRate ?? 0
                print(
                    "\(models) models, \(devices) devices, load \(load): \(took) ms, served"
                        + " \((demand - left) * 1_000 / max(1, bound)) thousandths of the bound"
                )
                #expect(plan.bound != nil)
            }
        }
    }

    @Test("A hundred models on four devices, as a server plans anew")
    func hundred() throws {
        var dice = SeededGenerator(seed: 7)
        var world = PlanningWorld(devices: 4, maxGpulets: 0)
        for number in 0..<100 {
            let base = 1 + 11 * dice.fraction()
            let points = [Int32(20), 40, 60, 80, 100].flatMap { units in
                [Int32(1), 2, 4, 8, 16, 32].map { batch in
                    let work = base * (1 + 0.3 * Double(batch - 1))
                    return LatencySurface.Point(
                        batch: batch,
                        units: units,
                        latency: .milliseconds(rounding: work * max(0.6, 60 / Double(units)))
                    )
                }
            }
            world.add(
                "m\(number)",
                rate: 0.5 + 11.5 * dice.fraction(),
                sloMs: base * (8 + 22 * dice.fraction()),
                surface: LatencySurface(points)
            )
        }
        var inputs = world.inputs
        for turn in ["first", "again", "other rates"] {
            let planner = ConfluencePlanner()
            let began = Self.processorMs
            let plan = try planner.plan(inputs)
            let took = Int(Self.processorMs - began)
            let demand = inputs.milliRates.reduce(0, +)
            let left = plan.unserved.reduce(0) { $0 + $1.milliRate }
            print(
                "100 models, 4 devices, \(turn): \(took) ms, served \(demand - left) of \(demand)"
            )
            #expect(plan.bound != nil)
            inputs.present = plan
            for place in inputs.milliRates.indices where turn == "again" {
                inputs.milliRates[place] = inputs.milliRates[place] * (place % 2 == 0 ? 12 : 8) / 10
            }
        }
    }

    /// Part a of the live experiments as a server plans it: priorities, bursts, low that gives way.
    private static func server(load: Double) -> PlanInputs {
        var models: [ModelSpec] = []
        var rates: [Int64] = []
        for (number, ms) in [2.7, 7.1, 6.6, 16.4, 31.6, 40].enumerated() {
            let isHigh = number < 3
            var model = ModelSpec(
                id: ModelID(Int32(number)),
                name: "m\(number)",
                maxBatch: 8,
                priorities: PriorityRules(levels: 2, defaultLevel: isHigh ? 1 : 2),
                slo: .milliseconds(rounding: max(20, 5 * ms))
            )
            let gain = isHigh ? 1.35 : 1.75
            let points = [Int32(1), 2].flatMap { units in
                [Int32(1), 2, 4, 8].map { batch in
                    LatencySurface.Point(
                        batch: batch,
                        units: units,
                        latency: .milliseconds(
                            rounding: ms * (units == 1 ? gain : 1) * (0.1 + 0.9 * Double(batch))
                        )
                    )
                }
            }
            let busy = isHigh ? 0.3 : 0.5
            model.set(
                DeviceProfile(
                    kind: "cpu",
                    surface: LatencySurface(points),
                    utilization: [1, 8].map {
                        Utilization(batch: $0, sm: busy, l2: busy / 2, dram: busy / 3)
                    }
                )
            )
            models.append(model)
            rates.append(Int64(load / 6 * 1e6 / ms))
        }
        let cpu = DeviceSpec(
            id: DeviceID(0),
            name: "cpu0",
            kind: "cpu",
            units: 2,
            maxGpulets: 0,
            preemptsLow: true
        )
        return PlanInputs(
            devices: [cpu],
            models: models,
            milliRates: rates,
            present: nil,
            contention: [PlanInputs.KindContention(kind: "cpu", model: .loss(.prior))]
        )
    }

    @Test("Six models on two cores, as a server plans anew")
    func twoCores() throws {
        let planner = SeatedPlanner(ConfluencePlanner(), floorMilliRate: 1_000, sharesCores: true)
        for load in [0.15, 0.35, 0.5, 0.7] {
            let inputs = Self.server(load: load)
            var times: [Double] = []
            for _ in 0..<20 {
                let began = Self.processorMs
                let plan = try planner.plan(inputs)
                times.append(Self.processorMs - began)
                #expect(!plan.devices.isEmpty)
            }
            times.sort()
            print("6 models, 2 cores, load \(load): median \(times[10]) ms of 20")
        }
    }
}
