import ServingDomain
import ServingTestKit
import Testing

@testable import ServerCore

/// High priority that is to run alone, since its forecasts can't be trusted.
@Suite struct SafeModeTests {
    /// A low model of 100 ms and a high one of 10 ms on one device, both measured, in safe mode.
    private func harness() throws -> CoreHarness {
        let configuration = CoreConfiguration(
            devices: [.sample(0)],
            policy: "strait",
            limits: .small
        )
        var world = CoreHarness.World()
        world.latency = { model, _ in .milliseconds(model == ModelID(0) ? 100 : 10) }
        let harness = try CoreHarness(configuration, world)
        harness.send(.modelAdded(.sample(0, maxBatch: 1, latency: [1: 100])))
        harness.send(.modelAdded(.sample(1, maxBatch: 1, latency: [1: 10])))
        harness.run(for: .milliseconds(100))
        for _ in 0..<3 {
            harness.arrive(ModelID(0), level: 2, deadline: .seconds(9))
            harness.run(for: .milliseconds(200))
            harness.arrive(ModelID(1), level: 1, deadline: .seconds(9))
            harness.run(for: .milliseconds(200))
        }
        harness.adjust { core in
            for _ in 0..<64 { core.forecast.watches[0].note(isShort: true) }
        }
        return harness
    }

    /// How the last two requests ended, in order of their ends.
    private func ends(_ harness: CoreHarness) -> [Outcome] {
        harness.ends.suffix(2).map(\.outcome)
    }

    @Test("Who can wait for the device to be empty waits, and makes its deadline")
    func waits() throws {
        let harness = try harness()
        let low = harness.arrive(ModelID(0), level: 2, deadline: .seconds(9))
        harness.run(for: .milliseconds(1))
        harness.arrive(ModelID(1), level: 1, deadline: .milliseconds(400))
        harness.run(for: .seconds(1))
        #expect(ends(harness) == [.served, .served])
        #expect(harness.ends.suffix(2).first?.request == low)
    }

    @Test("Who would miss its deadline by waiting starts beside what runs")
    func starts() throws {
        let harness = try harness()
        let low = harness.arrive(ModelID(0), level: 2, deadline: .seconds(9))
        harness.run(for: .milliseconds(1))
        harness.arrive(ModelID(1), level: 1, deadline: .milliseconds(60))
        harness.run(for: .seconds(1))
        #expect(ends(harness) == [.served, .served])
        #expect(harness.ends.last?.request == low)
    }
}
