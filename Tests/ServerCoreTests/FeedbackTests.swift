import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// What is learned while serving comes back to the planner (epochs that feed back).
@Suite struct FeedbackTests {
    /// What planners were asked, in order.
    private final class Questions {
        var asked: [PlanInputs] = []
    }

    private func harness(
        _ questions: Questions,
        _ rules: EpochRules = .live,
        latency: TimeSpan = .milliseconds(10)
    ) throws -> CoreHarness {
        var configuration = CoreConfiguration(
            devices: [.sample(0)],
            policy: "edf",
            limits: .small
        )
        configuration.epochs = rules
        var world = CoreHarness.World()
        world.latency = { _, items in latency * Int64(items) }
        world.plan = { inputs in
            questions.asked.append(inputs)
            return Plan.whole(inputs)
        }
        return try CoreHarness(configuration, world)
    }

    private func model(_ index: Int32 = 0) -> ModelSpec {
        .sample(index, maxBatch: 1, latency: [1: 10])
    }

    @Test("A model that nobody has asked for is planned at the least rate")
    func floor() throws {
        let questions = Questions()
        let harness = try harness(questions)
        harness.send(.modelAdded(model()))
        harness.run(for: .seconds(30))
        #expect(questions.asked.first?.milliRates == [1_000])
        // Nor is it a reason to plan again that nobody comes.
        #expect(questions.asked.count == 1)
    }

    @Test("A surge is planned for within two epochs, a trickle is no reason")
    func surge() throws {
        let questions = Questions()
        let harness = try harness(questions)
        harness.send(.modelAdded(model()))
        harness.run(for: .seconds(5))
        for _ in 0..<20 {
            harness.arrive(ModelID(0))
            harness.run(for: .milliseconds(500))
        }
        #expect(questions.asked.count == 1)
        for _ in 0..<400 {
            harness.arrive(ModelID(0))
            harness.run(for: .milliseconds(20))
        }
        #expect(questions.asked.count >= 2)
        #expect(questions.asked.last.map { $0.milliRates[0] > 30_000 } == true)
    }

    @Test("Rows that nobody had measured ask for a plan; the same rows again do not")
    func rows() throws {
        let questions = Questions()
        let harness = try harness(questions)
        harness.send(.modelAdded(model()))
        harness.run(for: .seconds(1))
        let row = LatencySurface.Point(batch: 1, units: 2, latency: .milliseconds(17))
        harness.send(.measured(ModelID(0), kind: "test", [row]))
        // Not before the plan has stood for a while.
        harness.run(for: .seconds(8))
        #expect(questions.asked.count == 1)
        harness.run(for: .seconds(5))
        #expect(questions.asked.count == 2)
        let surface = questions.asked.last?.models[0].surface(on: "test")
        #expect(surface?.latency(batch: 1, units: 2) == .milliseconds(17))
        harness.send(.measured(ModelID(0), kind: "test", [row]))
        // Unknown models and kinds, and nonsense, are ignored.
        harness.send(.measured(ModelID(9), kind: "test", [row]))
        harness.send(.measured(ModelID(0), kind: "elsewhere", [row]))
        harness.send(.measured(ModelID(-1), kind: "test", []))
        harness.run(for: .seconds(30))
        #expect(questions.asked.count == 2)
    }

    @Test("A rise by less than half waits until the plan has stood for a while")
    func calm() throws {
        let questions = Questions()
        let harness = try harness(questions)
        harness.send(.modelAdded(model()))
        func ask(_ gap: Int64, for span: TimeSpan) {
            let end = harness.now + span
            while harness.now < end {
                harness.arrive(ModelID(0))
                harness.run(for: .milliseconds(gap))
            }
        }
        // 25 r/s: far above the least rate, so at once, and once more as the mean comes up.
        ask(40, for: .seconds(20))
        let before = questions.asked.count
        #expect((2...3).contains(before))
        // A third more: noticed, but no surge.
        ask(30, for: .seconds(30))
        #expect(questions.asked.count == before + 1)
        #expect(questions.asked.last.map { (33_000...45_000).contains($0.milliRates[0]) } == true)
    }

    @Test("Runs that take twice the profile are told as a correction, in steps of a twentieth")
    func correction() throws {
        let questions = Questions()
        let harness = try harness(questions, latency: .milliseconds(20))
        harness.send(.modelAdded(model()))
        harness.run(for: .seconds(1))
        for _ in 0..<100 {
            harness.arrive(ModelID(0))
            harness.run(for: .milliseconds(50))
        }
        harness.send(.modelChanged(model()))
        harness.run(for: .milliseconds(100))
        #expect(questions.asked.first?.corrections == [])
        let told = questions.asked.last?.corrections.first
        #expect(told?.model == ModelID(0) && told?.kind == "test")
        #expect(told.map { (1_900...2_050).contains($0.milli) && $0.milli % 50 == 0 } == true)
    }

    @Test("Epochs that don't feed back tell nothing, whatever was seen")
    func quiet() throws {
        let questions = Questions()
        let harness = try harness(questions, .standard, latency: .milliseconds(20))
        harness.send(.modelAdded(model()))
        harness.run(for: .seconds(1))
        let row = LatencySurface.Point(batch: 1, units: 2, latency: .milliseconds(17))
        harness.send(.measured(ModelID(0), kind: "test", [row]))
        harness.run(for: .seconds(1))
        #expect(questions.asked.count == 1)
        harness.arrive(ModelID(0))
        harness.send(.modelChanged(model()))
        harness.run(for: .seconds(1))
        #expect(questions.asked.last?.corrections == [])
        #expect(questions.asked.last?.contention == [])
    }
}
