import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// What was learned of co-runners can be handed to the next core.
@Suite struct KeptLearningTests {
    @Test("What one core has learned of company is where the next begins; the first knows nothing")
    func handedOn() throws {
        let configuration = CoreConfiguration(
            devices: [.sample(0)],
            policy: "edf",
            limits: .small
        )
        var world = CoreHarness.World()
        // Two thirds more than the profile whenever both run, which they nearly always do.
        world.latency = { _, _ in .milliseconds(10) }
        let harness = try CoreHarness(configuration, world)
        for model in Int32(0)...1 {
            harness.send(.modelAdded(.sample(model, maxBatch: 1, latency: [1: 6])))
        }
        harness.run(for: .seconds(1))
        var early: [PlanInputs.KindContention] = []
        harness.adjust { early = $0.learnedContention }
        #expect(early == [])
        for _ in 0..<300 {
            for model in Int32(0)...1 { harness.arrive(ModelID(model)) }
            harness.run(for: .milliseconds(11))
        }
        var learned: [PlanInputs.KindContention] = []
        harness.adjust { learned = $0.learnedContention }
        #expect(learned.map(\.kind) == ["test"])
        guard case .loss(let loss) = learned.first?.model else {
            Issue.record("nothing was learned")
            return
        }
        #expect(loss != .prior)
        var next = configuration
        next.contention = learned
        let core = try ServerCore(next)
        for learner in core.forecast.learners {
            for place in 0..<LossContention.featureCount {
                #expect(learner.weights[place] == loss.weights[place])
            }
        }
    }
}
