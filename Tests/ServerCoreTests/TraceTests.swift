import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// Random traces: whatever happens, the auditor has nothing to say, and it happens again.
@Suite struct TraceTests {
    @Test(
        "Every request ends exactly once and all bounds hold, whatever the trace",
        arguments: 1...25
    )
    func invariants(seed: UInt64) throws {
        let harness = try Trace(seed: seed).run()
        #expect(harness.auditor.complaints == [], "seed \(seed)")
        #expect(harness.auditor.liveCount == 0, "seed \(seed)")
        #expect(harness.ends.count >= 300, "seed \(seed)")
    }

    @Test("Together the traces reach every outcome, and full batches")
    func reach() throws {
        var ends: [Outcome: Int] = [:]
        var largest: Int32 = 0
        for seed in 1...25 {
            let harness = try Trace(seed: UInt64(seed)).run()
            for (_, outcome) in harness.ends { ends[outcome, default: 0] += 1 }
            largest = max(largest, harness.batchSizes.max() ?? 0)
        }
        for outcome in Outcome.allCases { #expect(ends[outcome, default: 0] >= 20, "\(outcome)") }
        #expect(ends[.served, default: 0] >= 1_000)
        #expect(largest >= 8)
    }

    @Test(
        "The same holds under every policy, copies and stages included",
        arguments: Trace.policies,
        1...3
    )
    func everyPolicy(policy: String, seed: UInt64) throws {
        let harness = try Trace(seed: seed, policy: policy).run()
        #expect(harness.auditor.complaints == [], "seed \(seed)")
        #expect(harness.auditor.liveCount == 0, "seed \(seed)")
        let again = try Trace(seed: seed, policy: policy).run()
        #expect(harness.digest == again.digest, "seed \(seed)")
    }

    @Test("The same seed gives the same orders", arguments: 1...10)
    func repeatable(seed: UInt64) throws {
        let first = try Trace(seed: seed).run()
        let second = try Trace(seed: seed).run()
        #expect(first.digest == second.digest, "seed \(seed)")
        #expect(first.events == second.events, "seed \(seed)")
        let other = try Trace(seed: seed + 1_000).run()
        #expect(first.digest != other.digest, "seed \(seed)")
    }

    @Test("A journal fed to a fresh core gives the same orders", arguments: 1...10)
    func replayParity(seed: UInt64) throws {
        let harness = try Trace(seed: seed).run()
        let bytes = harness.journal[...]
        let (header, start) = try Journal.header(of: bytes)
        var replay = try Replay(header)
        var place = start
        while place < bytes.endIndex {
            let (entry, next) = try Journal.entry(of: bytes[place...])
            guard case .event(let record) = entry else { break }
            let mismatch = replay.feed(record)
            #expect(mismatch == nil, "seed \(seed), event \(record.sequence)")
            place = next
        }
        #expect(replay.events == harness.events, "seed \(seed)")
        #expect(replay.digest == harness.digest, "seed \(seed)")
    }

    @Test("Events that make no sense break nothing", arguments: 1...20)
    func chaos(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        let policy = dice.one(of: Trace.policies)
        var limits = CoreLimits.small
        // Some of the batches that nobody ends are given up on the way.
        limits.watchdogSeconds = 1
        limits.graceSeconds = 1
        var core = try ServerCore(
            CoreConfiguration(devices: [.sample(0), .sample(1)], policy: policy, limits: limits)
        )
        var buffer = ActionBuffer()
        var now = Instant.zero
        for _ in 0..<1_000 {
            now = now + .microseconds(Int64(dice.number(in: 0...50_000)))
            buffer.removeAll()
            core.handle(Chaos.event(&dice, at: now, after: buffer), at: now, into: &buffer)
            // Answers that do make sense, often enough to get models going.
            for action in buffer.actions where dice.chance(80) {
                guard let answer = Chaos.answer(to: action) else { continue }
                var orders = ActionBuffer()
                core.handle(answer, at: now, into: &orders)
            }
            let complaints = core.state.audit()
            #expect(complaints == [], "seed \(seed)")
            if !complaints.isEmpty { return }
        }
    }
}

/// One random trace with everything that can happen in it.
struct Trace {
    let seed: UInt64
    /// The policy; nil = drawn from the oldest two, so that old digests stay.
    var policy: String?

    /// Whether batches run on some of the units of their gpulets.
    var isNarrow: Bool { policy != nil && seed % 5 == 2 }

    /// All policies, with some of their options.
    static let policies = [
        "fifo", "edf", "duty", "clockwork", "preemptive:threshold=2", "strait", "confluence",
        "strait:margin=off,credit=off,reserve=off", "strait:transfer=off,interference=off",
        "confluence:weights=static,target=2", "oracle",
    ]

    func run() throws -> CoreHarness {
        var dice = SeededGenerator(seed: seed)
        let drawn = dice.one(of: ["fifo", "edf"])
        let policy = policy ?? drawn
        var devices = (0..<Int32(dice.number(in: 1...3))).map { DeviceSpec.sample($0) }
        if isNarrow {
            for place in devices.indices { devices[place].preemptsLow = place == 0 }
        }
        if hasCopies {
            for place in devices.indices {
                devices[place].copyEngines = 1 + Int32(place) % 2
                devices[place].copy = CopySpec(setup: .microseconds(10), bytesPerSecond: 8 << 30)
            }
        }
        var configuration = CoreConfiguration(devices: devices, policy: policy, limits: .small)
        if self.policy != nil, seed % 3 == 0 {
            configuration.epochs = seed % 2 == 0 ? .standard : .live
            configuration.epochs?.period = .milliseconds(500)
        }
        let harness = try CoreHarness(configuration, world(&dice))
        let models = dice.number(in: 1...6)
        for model in 0..<models { harness.send(.modelAdded(spec(Int32(model), &dice))) }
        harness.run(for: .milliseconds(40))
        for _ in 0..<400 { step(harness, models, &dice) }
        harness.run(for: .seconds(100))
        return harness
    }

    private func world(_ dice: inout SeededGenerator) -> CoreHarness.World {
        var world = CoreHarness.World()
        let salt = dice.next()
        let failures = dice.chance(30) ? UInt64(10) : 0
        let splits = dice.chance(40)
        world.latency = { model, items in
            .microseconds(2_000 + Int64(items) * 700 + Int64(salt >> 60) * Int64(model.index) * 50)
        }
        world.fails = { batch in
            (salt ^ UInt64(batch.generation) &* 31 ^ UInt64(batch.slot)) % 100 < failures
        }
        if hasCopies {
            world.stages = { _, items in
                StagePlan(
                    inputBytes: Int64(items) * 3_000_000,
                    outputBytes: 4_000,
                    segments: 4,
                    copyEngines: 1
                )
            }
        }
        let isNarrow = isNarrow
        world.plan = { inputs in
            let plan = splits ? Self.split(inputs, salt) : Plan.whole(inputs)
            return isNarrow ? Self.narrowed(plan, salt &+ UInt64(inputs.models.count)) : plan
        }
        return world
    }

    /// The same with batches on some of the units of each gpulet; which, changes with `salt`.
    static func narrowed(_ plan: Plan, _ salt: UInt64) -> Plan {
        var plan = plan
        for place in plan.devices.indices {
            for gpulet in plan.devices[place].gpulets.indices {
                for lane in plan.devices[place].gpulets[gpulet].lanes.indices {
                    let draw = (salt >> UInt64(lane)) % 4
                    plan.devices[place].gpulets[gpulet].lanes[lane].width =
                        draw == 3 ? nil : 1 + Int32(draw)
                }
            }
        }
        return plan
    }

    /// A plan that moves with the number of models: gpulets of changing units.
    static func split(_ inputs: PlanInputs, _ salt: UInt64) -> Plan {
        var plan = Plan.whole(inputs)
        for place in plan.devices.indices {
            let lanes = plan.devices[place].gpulets[0].lanes
            let first = 1 + Int32((salt >> 8 &+ UInt64(lanes.count)) % 3)
            let left = lanes.enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
            let right = lanes.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            guard !right.isEmpty else { continue }
            plan.devices[place].gpulets = [
                Plan.GpuletLayout(
                    units: first,
                    slots: 1,
                    dutyCycle: .milliseconds(15),
                    lanes: left
                ),
                Plan.GpuletLayout(units: 4 - first, slots: 2, dutyCycle: nil, lanes: right),
            ]
        }
        return plan
    }

    private func spec(_ index: Int32, _ dice: inout SeededGenerator) -> ModelSpec {
        let hasProfile = dice.chance(70)
        let limit = Int32(dice.one(of: [1, 4, 8]))
        var batching = BatchingRules(dynamic: dice.chance(90))
        if dice.chance(50) { batching.preferredSizes = [2, 4] }
        if dice.chance(50) { batching.maxQueueDelay = .milliseconds(3) }
        batching.preserveOrdering = dice.chance(30)
        let queues = (0..<dice.number(in: 1...4)).map { _ in
            QueueRules(
                timeoutAction: dice.chance(50) ? .reject : .delay,
                timeout: dice.chance(30) ? .milliseconds(Int64(dice.number(in: 1...30))) : nil,
                allowsOverride: dice.chance(50),
                maxSize: dice.chance(30) ? 5 : 0
            )
        }
        var spec = ModelSpec.sample(
            index,
            maxBatch: limit,
            latency: hasProfile ? [1: 3, 4: 5, 8: 8] : [:],
            units: 1,
            instances: Int32(dice.number(in: 1...3)),
            batching: batching,
            queues: queues
        )
        if hasCopies, let surface = spec.surface {
            spec.inputBytes = 3_000_000
            spec.outputBytes = 4_000
            let busy = Utilization(batch: 1, sm: 0.5, l2: 0.3, dram: 0.4)
            spec.profiles = [
                DeviceProfile(
                    kind: "test",
                    surface: surface,
                    utilization: [busy],
                    segments: 4
                )
            ]
        }
        return spec
    }

    private func points(_ dice: inout SeededGenerator) -> [LatencySurface.Point] {
        (0..<3).map { _ in
            LatencySurface.Point(
                batch: Int32(dice.number(in: 1...8)),
                units: Int32(dice.number(in: 1...4)),
                latency: .milliseconds(Int64(dice.number(in: 0...30)))
            )
        }
    }

    /// Whether devices have copy engines: with a policy that is named.
    private var hasCopies: Bool { policy != nil && seed % 2 == 0 }

    private func step(_ harness: CoreHarness, _ models: Int, _ dice: inout SeededGenerator) {
        let model = ModelID(Int32(dice.number(in: 0...models - 1)))
        switch dice.number(in: 1...100) {
        case 1: harness.send(.modelRemoved(model))
        case 2: harness.send(.modelAdded(spec(model.index, &dice)))
        case 3: harness.send(.modelChanged(spec(model.index, &dice)))
        case 99: harness.send(.measured(model, kind: "test", points(&dice)))
        case 4: harness.send(.deviceLost(DeviceID(Int32(dice.number(in: 0...2)))))
        case 5, 6: harness.send(.deviceBack(DeviceID(Int32(dice.number(in: 0...2)))))
        case 7...15:
            if let last = harness.arrive(model, deadline: .milliseconds(40)) {
                harness.run(for: .microseconds(Int64(dice.number(in: 0...5_000))))
                harness.send(.cancelled(last))
            }
        default:
            let deadline = dice.chance(70) ? Int64(dice.number(in: 1...60)) : nil
            let timeout = dice.chance(40) ? (deadline ?? 1) + Int64(dice.number(in: 0...9)) : nil
            harness.arrive(
                model,
                items: Int32(dice.chance(80) ? 1 : dice.number(in: 1...5)),
                shape: dice.chance(90) ? 0 : 1,
                level: Int32(dice.number(in: 1...4)),
                deadline: deadline.map { .milliseconds($0) },
                timeout: timeout.map { .milliseconds($0) }
            )
        }
        if dice.chance(60) {
            harness.run(for: .microseconds(Int64(dice.number(in: 0...4_000))))
        }
    }
}

/// Events drawn without regard to what the core expects.
enum Chaos {
    static func event(
        _ dice: inout SeededGenerator,
        at now: Instant,
        after buffer: borrowing ActionBuffer
    ) -> Event {
        let index = Int32(dice.number(in: -1...17))
        let request = RequestID(slot: index, generation: UInt32(dice.number(in: 0...1)))
        let batch = BatchID(slot: index, generation: UInt32(dice.number(in: 0...3)))
        let instance = InstanceID(index)
        let model = ModelID(index)
        let epoch = Epoch(Int64(dice.number(in: 0...20)))
        switch dice.number(in: 1...20) {
        case 1, 2, 3, 4, 5, 6: return .arrived(arrival(request, &dice, at: now))
        case 7: return .cancelled(request)
        case 8: return .batchFinished(batch, .run(from: now, to: .zero))
        case 9: return .batchFailed(batch)
        case 10: return .batchRefused(batch)
        case 11: return .stageFinished(batch, .run(from: .zero, to: now))
        case 12: return .instanceReady(instance, [])
        case 13: return .instanceGone(instance, dice.chance(50) ? .stopped : .failed)
        case 14: return .modelAdded(.sample(max(0, index), instances: 2))
        case 15: return .modelRemoved(model)
        case 16: return dice.chance(50) ? .deviceLost(DeviceID(index)) : .deviceBack(DeviceID(0))
        case 17: return .planFailed(epoch)
        case 18: return .stepFailed(epoch, .close(GpuletID(index)))
        case 19: return .stepDone(epoch, .open(GpuletID(index), DeviceID(0), units: 4))
        default: return .wake
        }
    }

    private static func arrival(
        _ request: RequestID,
        _ dice: inout SeededGenerator,
        at now: Instant
    ) -> Arrival {
        var arrival = Arrival(
            request: request,
            model: ModelID(Int32(dice.number(in: -1...17))),
            items: Int32(dice.one(of: [1, 1, 2, 0, -5, 1 << 30])),
            shape: ShapeKey(Int32(dice.number(in: -1...1))),
            level: Int32(dice.one(of: [-7, 0, 1, 2, 3, 100])),
            arrival: now
        )
        let span = TimeSpan.milliseconds(Int64(dice.number(in: -10...40)))
        if dice.chance(50) { arrival.deadline = now + span }
        if dice.chance(10) { arrival.deadline = Instant(nanoseconds: .min) }
        if dice.chance(30) { arrival.timeout = now + span }
        return arrival
    }

    static func answer(to action: Action) -> Event? {
        switch action {
        case .computePlan(let epoch, let inputs): .planReady(epoch, .whole(inputs))
        case .rollout(let epoch, let step): .stepDone(epoch, step)
        case .startInstance(let order): .instanceReady(order.instance, [])
        case .stopInstance(let instance): .instanceGone(instance, .stopped)
        default: nil
        }
    }
}
