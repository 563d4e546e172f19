import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// What a scaler settled on goes to the planner and comes back as the successor's first setting.
@Suite struct SettledTests {
    /// Which units the next plan gives, and what planners were told.
    private final class World {
        var units: Int32 = 4
        var told: [Plan.LanePlacement] = []
    }

    private func harness(_ given: World) throws -> CoreHarness {
        let configuration = CoreConfiguration(
            devices: [.sample(0)],
            policy: "fifo",
            scaler: "confluence:period=100,samples=24",
            limits: .small
        )
        var world = CoreHarness.World()
        // Ten milliseconds and one for each item: large batches pay.
        world.latency = { _, items in .milliseconds(10 + Int64(items)) }
        world.plan = { inputs in
            let before = inputs.present?.devices[0].gpulets.first?.lanes.first
            if let before { given.told.append(before) }
            let lane = before ?? Plan.LanePlacement(model: ModelID(0), batchLimit: 1, instances: 1)
            let gpulet = Plan.GpuletLayout(
                units: given.units,
                slots: 1,
                dutyCycle: nil,
                lanes: [lane]
            )
            return Plan(
                planner: "given",
                devices: [Plan.DeviceLayout(device: DeviceID(0), gpulets: [gpulet])]
            )
        }
        return try CoreHarness(configuration, world)
    }

    private var model: ModelSpec {
        var spec = ModelSpec.sample(0, maxBatch: 16, latency: [1: 11, 16: 26], units: 4)
        for point in [(1, 2, 12), (16, 2, 30)] as [(Int32, Int32, Int64)] {
            spec.surface?.set(
                .init(batch: point.0, units: point.1, latency: .milliseconds(point.2))
            )
        }
        spec.slo = .milliseconds(60)
        return spec
    }

    /// Keeps the lane busy for `span`.
    private func load(_ harness: CoreHarness, for span: TimeSpan) {
        let end = harness.now + span
        while harness.now < end {
            for _ in waiting(harness)..<max(40, waiting(harness)) { harness.arrive(ModelID(0)) }
            harness.run(for: .milliseconds(5))
        }
    }

    private func waiting(_ harness: CoreHarness) -> Int {
        var count = 0
        harness.adjust { count = $0.waiting(ModelID(0)) }
        return count
    }

    private func limit(_ harness: CoreHarness) -> (batch: Int32, phase: ScalingStatus.Phase?) {
        var found: (Int32, ScalingStatus.Phase?) = (0, nil)
        harness.adjust {
            found = ($0.lanes.first?.batchLimit ?? 0, $0.scaling(of: ModelID(0))?.phase)
        }
        return found
    }

    @Test("After a resize the search begins with what was settled, not with nothing")
    func resized() throws {
        let given = World()
        let harness = try harness(given)
        harness.send(.modelAdded(model))
        load(harness, for: .seconds(60))
        let settled = limit(harness)
        #expect(settled.phase == .settled)
        #expect(settled.batch > 4)
        given.units = 2
        harness.send(.modelChanged(model))
        harness.run(for: .milliseconds(60))
        #expect(given.told.last?.batchLimit == settled.batch)
        var units: Int32 = 0
        harness.adjust { units = $0.lanes.first?.units ?? 0 }
        #expect(units == 2)
        let after = limit(harness)
        #expect(after.phase == .probing)
        #expect(after.batch == settled.batch)
        load(harness, for: .seconds(60))
        #expect(limit(harness).phase == .settled)
        #expect(harness.auditor.complaints == [])
    }
}
