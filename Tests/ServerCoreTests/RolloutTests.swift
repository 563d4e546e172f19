import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// Layouts that do not come about: what stands goes on, and they are tried again.
@Suite struct RolloutTests {
    /// The layout that is wanted, what goes wrong with it, and how often it was asked for.
    private final class World {
        /// Units of each gpulet, and the models on it.
        var layout: [(units: Int32, models: [Int32])] = []
        var stepsFail = false
        var failing: Set<ModelID> = []
        var hangs = false
        var instances: Int32 = 1
        var plans = 0
    }

    private func harness(_ world: World) throws -> CoreHarness {
        var configuration = CoreConfiguration(
            devices: [.sample(0, units: 10)],
            policy: "edf",
            limits: .small
        )
        configuration.epochs = .live
        configuration.limits.watchdogSeconds = 1
        configuration.limits.graceSeconds = 1
        configuration.limits.abandonedInstances = 1
        var outside = CoreHarness.World()
        outside.stepFails = { _ in world.stepsFail }
        outside.startFails = { world.failing.contains($0) }
        outside.hangs = { _ in world.hangs }
        outside.hangTime = .seconds(30)
        outside.plan = { inputs in
            world.plans += 1
            let gpulets = world.layout.map { part in
                Plan.GpuletLayout(
                    units: part.units,
                    slots: 2,
                    dutyCycle: nil,
                    lanes: part.models.map {
                        Plan.LanePlacement(
                            model: ModelID($0),
                            batchLimit: 1,
                            instances: world.instances
                        )
                    }
                )
            }
            return Plan(planner: "test", devices: [.init(device: DeviceID(0), gpulets: gpulets)])
        }
        return try CoreHarness(configuration, outside)
    }

    /// A model has come, and no step of its layout succeeds.
    private func failing(_ world: World) throws -> CoreHarness {
        let harness = try harness(world)
        world.layout = [(10, [0])]
        world.stepsFail = true
        harness.send(.modelAdded(model(0)))
        return harness
    }

    private func model(_ index: Int32) -> ModelSpec {
        .sample(index, maxBatch: 1, latency: [1: 10])
    }

    /// How a request ends that comes now.
    private func answer(_ harness: CoreHarness, _ model: Int32) -> Outcome? {
        harness.arrive(ModelID(model))
        harness.run(for: .milliseconds(500))
        return harness.ends.last?.outcome
    }

    /// The units on which each model has an instance that is ready.
    private func stands(_ harness: CoreHarness) -> [[Int32]] {
        var lanes: [LaneStatus] = []
        harness.adjust { lanes = $0.lanes }
        return (0..<2).map { model in
            lanes.filter { $0.model.index == Int32(model) && $0.ready > 0 }.map(\.units).sorted()
        }
    }

    @Test("A layout of which a step failed is planned anew once it has stood for a while")
    func failedStep() throws {
        let world = World()
        let harness = try failing(world)
        harness.run(for: .seconds(8))
        #expect(world.plans == 1)
        #expect(answer(harness, 0) == .refused)
        world.stepsFail = false
        harness.run(for: .seconds(5))
        #expect(world.plans == 2)
        #expect(answer(harness, 0) == .served)
        // What stands as it was planned is no reason.
        harness.run(for: .seconds(60))
        #expect(world.plans == 2)
    }

    @Test("What fails for ever is tried again ever more rarely")
    func patience() throws {
        let world = World()
        let harness = try failing(world)
        // After 10, 20, 40 and so on up to 640 seconds.
        harness.run(for: .seconds(75))
        #expect(world.plans == 4)
        harness.run(for: .seconds(10_000))
        #expect((19...22).contains(world.plans))
    }

    @Test("A gpulet stays whose models could not be started where they were to go")
    func stranded() throws {
        let world = World()
        let harness = try harness(world)
        world.layout = [(4, [0]), (6, [1])]
        harness.send(.modelAdded(model(0)))
        harness.send(.modelAdded(model(1)))
        harness.run(for: .seconds(1))
        #expect(stands(harness) == [[4], [6]])
        // Both are to share all units, and the first one's instance can't be made there.
        world.layout = [(10, [0, 1])]
        world.failing = [ModelID(0)]
        harness.send(.modelChanged(model(0)))
        harness.run(for: .seconds(3))
        #expect(stands(harness) == [[4], [6]])
        #expect(answer(harness, 0) == .served)
        #expect(answer(harness, 1) == .served)
        // It is tried again, and then it works.
        world.failing = []
        harness.run(for: .seconds(12))
        #expect(stands(harness) == [[10], [10]])
        #expect(answer(harness, 0) == .served)
        #expect(answer(harness, 1) == .served)
    }

    @Test("What stays since its model may start nothing follows when a hung call has come back")
    func barred() throws {
        let world = World()
        let harness = try harness(world)
        world.instances = 2
        world.layout = [(4, [0]), (6, [1])]
        harness.send(.modelAdded(model(0)))
        harness.send(.modelAdded(model(1)))
        harness.run(for: .seconds(1))
        // One of two calls hangs; its instance is given up, and no further one may start.
        world.hangs = true
        harness.arrive(ModelID(0))
        harness.run(for: .milliseconds(50))
        world.hangs = false
        harness.run(for: .seconds(3))
        #expect(harness.abandoned == 1)
        world.layout = [(10, [0, 1])]
        harness.send(.modelChanged(model(0)))
        harness.run(for: .seconds(3))
        #expect(stands(harness) == [[4], [6]])
        #expect(answer(harness, 0) == .served)
        // It is tried again, ever more rarely, and works once the call is back.
        let plans = world.plans
        harness.run(for: .seconds(20))
        #expect(world.plans == plans + 1)
        #expect(stands(harness) == [[4], [6]])
        harness.run(for: .seconds(60))
        #expect(stands(harness) == [[10], [10]])
        #expect(answer(harness, 0) == .served)
        #expect(answer(harness, 1) == .served)
    }
}
