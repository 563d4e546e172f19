import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// What the seam offers to policies that are yet to come: skipping, stages, parking.
@Suite struct PolicySeamTests {
    /// A core with one model, its instances ready, under `policy`.
    private func core(
        _ policy: any DispatchPolicy,
        instances: Int32 = 2,
        slots: Int32 = 1
    ) throws -> ServerCore {
        let configuration = CoreConfiguration(devices: [.sample()], limits: .small)
        var core = ServerCore(configuration, policy: policy)
        var facts: [Event] = [.modelAdded(.sample(0, instances: instances))]
        while !facts.isEmpty {
            var buffer = ActionBuffer()
            core.handle(facts.removeFirst(), at: .zero, into: &buffer)
            for action in buffer.actions {
                switch action {
                case .computePlan(let epoch, let inputs):
                    facts.append(.planReady(epoch, .whole(inputs, slots: slots)))
                default: if let answer = Chaos.answer(to: action) { facts.append(answer) }
                }
            }
        }
        return core
    }

    private func arrival(_ slot: Int32, level: Int32 = 2) -> Event {
        .arrived(
            Arrival(
                request: RequestID(slot: slot, generation: 0),
                model: ModelID(0),
                level: level,
                arrival: .zero
            )
        )
    }

    private func launches(_ buffer: ActionBuffer) -> [LaunchOrder] {
        buffer.actions.compactMap { if case .launch(let order) = $0 { order } else { nil } }
    }

    @Test("A policy may leave the head of a queue and start what stands behind it")
    func skip() throws {
        var core = try core(SkippingPolicy())
        var buffer = ActionBuffer()
        for slot in 0..<3 { core.handle(arrival(Int32(slot)), at: .zero, into: &buffer) }
        #expect(buffer.requests.map(\.slot) == [1, 2])
        #expect(core.waiting(ModelID(0)) == 1)
        #expect(core.state.audit() == [])
    }

    @Test("Between two stages a batch keeps its instance and gives its slot away")
    func stages() throws {
        var core = try core(StagedPolicy())
        var buffer = ActionBuffer()
        core.handle(arrival(0), at: .zero, into: &buffer)
        let low = launches(buffer)[0]
        #expect(low.stage == .run(segments: 0..<1))
        // High work comes; it waits for the end of the segment only.
        buffer.removeAll()
        core.handle(arrival(1, level: 1), at: .zero, into: &buffer)
        #expect(buffer.actions == [])
        let times = StageTimes.run(from: .zero, to: .zero)
        core.handle(.stageFinished(low.batch, times), at: .zero, into: &buffer)
        let high = launches(buffer)[0]
        #expect(high.requests.count == 1 && high.batch != low.batch)
        #expect(high.instance != low.instance)
        #expect(core.state.audit() == [])
        // Then low goes on where it was.
        buffer.removeAll()
        core.handle(.batchFinished(high.batch, times), at: .zero, into: &buffer)
        let rest = launches(buffer)[0]
        #expect(rest.batch == low.batch && rest.instance == low.instance)
        #expect(rest.stage == .run(segments: 1..<2))
        #expect(buffer.requests.map(\.slot) == [0])
        buffer.removeAll()
        core.handle(.batchFinished(low.batch, times), at: .zero, into: &buffer)
        #expect(buffer.actions == [.reply(RequestID(slot: 0, generation: 0), .served)])
        #expect(core.state.audit() == [])
    }

    @Test("A paused batch that nobody waits for any more ends without the engine")
    func desertedWhilePaused() throws {
        var core = try core(StagedPolicy())
        var buffer = ActionBuffer()
        core.handle(arrival(0), at: .zero, into: &buffer)
        let low = launches(buffer)[0]
        core.handle(arrival(1, level: 1), at: .zero, into: &buffer)
        let times = StageTimes.run(from: .zero, to: .zero)
        core.handle(.stageFinished(low.batch, times), at: .zero, into: &buffer)
        buffer.removeAll()
        let request = RequestID(slot: 0, generation: 0)
        core.handle(.cancelled(request), at: .zero, into: &buffer)
        #expect(buffer.actions == [.reply(request, .cancelled)])
        #expect(core.state.audit() == [])
        #expect(core.state.pausedCount == 0)
    }

    @Test("A configuration that names what there isn't is refused in one line")
    func configuration() {
        var configuration = CoreConfiguration(devices: [.sample()], policy: "efd")
        #expect(message(configuration)?.contains("did you mean 'edf'?") == true)
        configuration.policy = "edf:threshold=8"
        #expect(message(configuration)?.contains("takes no options") == true)
        configuration.policy = "edf"
        configuration.scaler = "nome"
        #expect(message(configuration)?.contains("did you mean 'none'?") == true)
        configuration.scaler = "none"
        configuration.limits.requests = 0
        #expect(message(configuration)?.contains("'requests' is 0") == true)
        configuration.limits.requests = 1
        configuration.devices = [.sample(1)]
        #expect(message(configuration)?.contains("number 1") == true)
        configuration.devices = []
        #expect(message(configuration) == nil)
    }

    private func message(_ configuration: CoreConfiguration) -> String? {
        do throws(ConfigurationError) {
            _ = try ServerCore(configuration)
            return nil
        } catch {
            #expect(!error.message.contains("\n"))
            return error.message
        }
    }
}

/// Starts the second and third request of a queue once there are three.
private struct SkippingPolicy: DispatchPolicy {
    let order = QueueOrder.deadline

    func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal? { nil }

    func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant { .distantFuture }

    mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        let queue = QueueID(ModelID(0), .low)
        guard state.queues[queue.position].tree.count == 3 else { return .hold(until: nil) }
        var launch = Launch(lane: LaneID(0), queue: queue, count: 2)
        launch.skip = 1
        return .start(launch)
    }
}

/// Low runs in two segments and goes on only when no high waits or runs.
private struct StagedPolicy: DispatchPolicy {
    let order = QueueOrder.deadline

    func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal? { nil }

    func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant { .distantFuture }

    mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        guard state.gpulets[0].running == 0 else { return .hold(until: nil) }
        if state.firstReady(GpuletID(0), .high) >= 0 {
            let queue = QueueID(ModelID(0), .high)
            return .start(Launch(lane: LaneID(0), queue: queue, count: 1))
        }
        if let slot = state.batches.firstIndex(where: { $0.state == .paused }) {
            return .resume(state.batches[slot].id(at: Int32(slot)), .run(segments: 1..<2))
        }
        guard state.firstReady(GpuletID(0), .low) >= 0 else { return .hold(until: nil) }
        var launch = Launch(lane: LaneID(0), queue: QueueID(ModelID(0), .low), count: 1)
        launch.stage = .run(segments: 0..<1)
        return .start(launch)
    }
}
