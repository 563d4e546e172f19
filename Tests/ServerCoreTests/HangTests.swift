import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// Engine calls that never come back, and instances that die: others take their place.
@Suite struct HangTests {
    private static let model = ModelID(0)

    private func harness(
        instances: Int32 = 1,
        change: (inout CoreConfiguration) -> Void = { _ in },
        world adjust: (inout CoreHarness.World) -> Void
    ) throws -> CoreHarness {
        var configuration = CoreConfiguration(
            devices: [.sample(0)],
            policy: "edf",
            limits: .small
        )
        configuration.limits.watchdogSeconds = 1
        configuration.limits.graceSeconds = 1
        change(&configuration)
        var world = CoreHarness.World()
        adjust(&world)
        return try CoreHarness(configuration, world)
    }

    private func abandoned(_ harness: CoreHarness) -> Int {
        var count = 0
        harness.adjust { count = $0.abandonedInstances(of: Self.model) }
        return count
    }

    private func ready(_ harness: CoreHarness) -> Int {
        var count = 0
        harness.adjust { count = $0.readyInstances(of: Self.model) }
        return count
    }

    @Test(
        "Whatever hangs, each request ends once, and all seats are taken again",
        arguments: 1...20
    )
    func anyHangs(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        let salt = dice.next()
        let share = UInt64(dice.number(in: 2...30))
        let policy = dice.one(of: Trace.policies)
        let harness = try harness(change: { $0.policy = policy }) { world in
            world.hangs = { batch in
                (salt ^ UInt64(batch.generation) &* 0x9E37 ^ UInt64(batch.slot) &* 31) % 100 < share
            }
            world.hangTime = .seconds(Int64(2 + seed % 7))
        }
        let instances = Int32(dice.number(in: 1...4))
        let batching = BatchingRules(dynamic: true, preserveOrdering: dice.chance(30))
        harness.send(
            .modelAdded(
                .sample(0, latency: [1: 5, 8: 12], instances: instances, batching: batching)
            )
        )
        harness.run(for: .seconds(1))
        for _ in 0..<300 {
            let timeout = dice.chance(30) ? TimeSpan.seconds(2) : nil
            harness.arrive(Self.model, deadline: dice.chance(50) ? timeout : nil, timeout: timeout)
            harness.run(for: .milliseconds(Int64(dice.number(in: 1...60))))
        }
        harness.run(for: .seconds(60))
        #expect(harness.auditor.complaints == [], "seed \(seed)")
        #expect(harness.auditor.liveCount == 0, "seed \(seed)")
        #expect(harness.ends.count == 300, "seed \(seed)")
        #expect(harness.abandoned > 0, "seed \(seed)")
        #expect(abandoned(harness) == 0, "seed \(seed)")
        #expect(ready(harness) == Int(instances), "seed \(seed)")
        try replays(harness, seed)
    }

    private func replays(_ harness: CoreHarness, _ seed: UInt64) throws {
        let bytes = harness.journal[...]
        let (header, start) = try Journal.header(of: bytes)
        var replay = try Replay(header)
        var place = start
        while place < bytes.endIndex {
            let (entry, next) = try Journal.entry(of: bytes[place...])
            guard case .event(let record) = entry else { break }
            #expect(replay.feed(record) == nil, "seed \(seed), event \(record.sequence)")
            place = next
        }
        #expect(replay.digest == harness.digest, "seed \(seed)")
    }

    @Test("No more than four of a model are given up; when they come back, it serves again")
    func bound() throws {
        var hangs = true
        let harness = try harness { world in
            world.hangs = { _ in hangs }
            world.hangTime = .seconds(40)
        }
        harness.send(.modelAdded(.sample(0, maxBatch: 1, latency: [1: 5])))
        harness.run(for: .seconds(1))
        for _ in 0..<20 {
            harness.arrive(Self.model)
            harness.run(for: .seconds(1))
        }
        #expect(harness.abandoned == 4)
        #expect(abandoned(harness) == 4)
        #expect(ready(harness) == 0)
        // Nobody waits for what may never come.
        #expect(harness.auditor.liveCount == 0)
        #expect(harness.auditor.ends[.refused, default: 0] > 5)
        hangs = false
        harness.run(for: .seconds(40))
        #expect(abandoned(harness) == 0)
        harness.arrive(Self.model)
        harness.run(for: .seconds(1))
        #expect(harness.ends.last?.outcome == .served)
        #expect(harness.auditor.complaints == [])
    }

    @Test("Who was given up holds its memory: where it was needed, the next starts when it is back")
    func memory() throws {
        var hangs = true
        var configuration = CoreConfiguration(devices: [.sample(0)])
        configuration.devices[0].memoryMiB = 100
        let harness = try harness(change: { $0.devices = configuration.devices }) { world in
            world.hangs = { _ in hangs }
            world.hangTime = .seconds(10)
        }
        var spec = ModelSpec.sample(0, maxBatch: 1, latency: [1: 5])
        spec.profiles = [
            DeviceProfile(
                kind: "test",
                surface: spec.surface ?? LatencySurface([]),
                memory: MemoryFootprint(
                    weightsKiB: 20 * 1_024,
                    workspace: [.init(batch: 1, kib: 50 * 1_024)]
                )
            )
        ]
        harness.send(.modelAdded(spec))
        harness.run(for: .seconds(1))
        harness.arrive(Self.model)
        harness.run(for: .seconds(4))
        #expect(abandoned(harness) == 1)
        // 20 + 50 + 50 MiB are more than 100.
        #expect(ready(harness) == 0)
        hangs = false
        harness.run(for: .seconds(8))
        #expect(abandoned(harness) == 0)
        #expect(ready(harness) == 1)
        harness.arrive(Self.model)
        harness.run(for: .seconds(1))
        #expect(harness.ends.last?.outcome == .served)
        #expect(harness.auditor.complaints == [])
    }

    @Test("An instance that dies while it serves is replaced, but not for ever")
    func death() throws {
        let harness = try harness { _ in }
        harness.send(.modelAdded(.sample(0, maxBatch: 1, latency: [1: 5])))
        harness.run(for: .seconds(1))
        for round in 1...5 {
            #expect(ready(harness) == 1, "round \(round)")
            harness.send(.instanceGone(InstanceID(0), .failed))
            harness.run(for: .seconds(1))
        }
        #expect(ready(harness) == 0)
        // New rules mean a new try.
        harness.send(.modelChanged(.sample(0, maxBatch: 1, latency: [1: 5])))
        harness.run(for: .seconds(1))
        #expect(ready(harness) == 1)
        #expect(harness.auditor.complaints == [])
    }

    @Test("A call that hangs on a lost device does not keep the device when it is back")
    func lostDevice() throws {
        var hangs = true
        let harness = try harness { world in
            world.hangs = { _ in hangs }
            world.hangTime = .seconds(30)
        }
        harness.send(.modelAdded(.sample(0, maxBatch: 1, latency: [1: 5])))
        harness.run(for: .seconds(1))
        harness.arrive(Self.model)
        harness.run(for: .milliseconds(100))
        hangs = false
        harness.send(.deviceLost(DeviceID(0)))
        harness.send(.deviceBack(DeviceID(0)))
        harness.run(for: .seconds(1))
        #expect(ready(harness) == 0)
        harness.run(for: .seconds(3))
        #expect(abandoned(harness) == 1)
        #expect(ready(harness) == 1)
        harness.arrive(Self.model)
        harness.run(for: .seconds(1))
        #expect(harness.ends.last?.outcome == .served)
        harness.run(for: .seconds(40))
        #expect(abandoned(harness) == 0)
        #expect(harness.auditor.complaints == [])
    }
}
