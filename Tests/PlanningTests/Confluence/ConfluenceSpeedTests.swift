import Foundation
import Planning
import ServingDomain
import ServingTestKit
import Testing

/// How long `confluence` takes; prints, and asserts nothing about time.
///
///     SLUICE_BENCH=1 CORE_ONLY=1 swift test -c release -Xswiftc -enable-testing \\
///         --scratch-path .build-core-release --filter ConfluenceSpeed
@Suite(.enabled(if: ProcessInfo.processInfo.environment["SLUICE_BENCH"] != nil))
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
}
