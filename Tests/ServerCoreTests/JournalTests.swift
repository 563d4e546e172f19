import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// The journal's bytes: what goes in comes out, and no bytes can hurt.
@Suite struct JournalTests {
    static let request = RequestID(slot: 77, generation: .max)
    static let batch = BatchID(slot: 5, generation: 900)
    static let now = Instant(nanoseconds: 123_456_789_012)

    static var fullSpec: ModelSpec {
        var spec = ModelSpec.sample(3, name: "naïve ✓", latency: [1: 3, 8: 20], instances: 4)
        spec.version = -9
        spec.batching = BatchingRules(
            dynamic: false,
            preferredSizes: [2, 4],
            maxQueueDelay: .microseconds(250),
            preserveOrdering: true,
            fixed: true
        )
        spec.priorities = PriorityRules(levels: 3, defaultLevel: 2)
        let rules = QueueRules(
            timeoutAction: .delay,
            timeout: .milliseconds(9),
            allowsOverride: true,
            maxSize: 12
        )
        spec.queues = [.standard, rules, .standard]
        spec.slo = .milliseconds(95)
        spec.percentile = 99.5
        spec.minShare = 12.5
        spec.maxShare = 75
        spec.inputBytes = 602_112
        spec.outputBytes = 4_000
        spec.weightMilli = 2_500
        spec.profiles = [
            DeviceProfile(
                kind: "l4",
                surface: LatencySurface([
                    .init(batch: 2, units: 5, latency: .milliseconds(3), p99: .milliseconds(4)),
                    .init(batch: 2, units: 5, instances: 3, latency: .milliseconds(8)),
                ]),
                memory: MemoryFootprint(weightsKiB: 99, workspace: [.init(batch: 8, kib: 7)]),
                utilization: [Utilization(batch: 1, sm: 0.25, l2: 0.5, dram: 1)],
                coldStart: .seconds(4),
                warmStart: .milliseconds(9),
                segments: 3
            )
        ]
        return spec
    }

    static var linked: DeviceSpec {
        DeviceSpec(
            id: DeviceID(2),
            name: "gpu",
            kind: "l4",
            units: 10,
            shares: [2, 10],
            maxGpulets: 2,
            copyEngines: 2,
            copy: CopySpec(
                setup: .microseconds(10),
                bytesPerSecond: 12_000_000_000,
                bothWaysMilli: 900,
                uplink: 1,
                uplinkBytesPerSecond: 20_000_000_000
            )
        )
    }

    static var fullPlan: Plan {
        var plan = Plan.whole(
            PlanInputs(
                devices: [.sample(0), .sample(1)],
                models: [fullSpec],
                milliRates: [17],
                present: nil
            )
        )
        plan.devices[0].gpulets[0].dutyCycle = .milliseconds(44)
        plan.devices[0].gpulets[0].lanes[0].expected = .milliseconds(31)
        plan.devices[0].gpulets[0].lanes[0].worst = .milliseconds(90)
        plan.devices[0].gpulets[0].lanes[0].violation = 0.004
        plan.devices[0].gpulets[0].lanes[0].why = "the only seat"
        plan.unserved = [Plan.Unserved(model: ModelID(3), milliRate: -1, why: "too fast")]
        plan.bound = Plan.Bound(name: "linear program", milliRate: 12)
        return plan
    }

    static var events: [Event] {
        var arrival = Arrival(request: request, model: ModelID(4), arrival: now - .milliseconds(1))
        var timed = arrival
        timed.items = 9
        timed.shape = ShapeKey(1 << 20)
        timed.level = 1
        timed.deadline = now + .milliseconds(30)
        timed.timeout = .distantFuture
        arrival.deadline = Instant(nanoseconds: .min)
        let times = StageTimes(
            copyInBegan: now - .milliseconds(9),
            copyInEnded: now - .milliseconds(8),
            runBegan: now - .milliseconds(7),
            runEnded: .distantFuture,
            copyOutBegan: Instant(nanoseconds: .min),
            copyOutEnded: now
        )
        let epoch = Epoch(12)
        return [
            .arrived(arrival), .arrived(timed), .cancelled(request),
            .stageFinished(batch, times), .batchFinished(batch, times), .batchFailed(batch),
            .batchRefused(batch), .instanceReady(InstanceID(3), fullSpec.surface?.points ?? []),
            .instanceReady(InstanceID(-1), []), .instanceGone(InstanceID(2), .stopped),
            .instanceGone(InstanceID(2), .failed), .modelAdded(fullSpec),
            .modelChanged(.sample(1)), .modelRemoved(ModelID(2)), .deviceLost(DeviceID(0)),
            .deviceBack(DeviceID(1)), .planReady(epoch, fullPlan), .planFailed(epoch),
            .stepDone(epoch, .open(GpuletID(1), DeviceID(0), units: 4)),
            .stepFailed(epoch, .pin(GpuletID(1), units: 9)),
            .stepDone(Epoch(-1), .close(GpuletID(.max))), .drainBegan, .wake,
            .measured(ModelID(3), kind: "cpu", fullSpec.surface?.points ?? []),
            .measured(ModelID(-1), kind: "", []),
        ]
    }

    @Test("Every event comes out as it went in")
    func roundTrip() throws {
        var bytes: [UInt8] = []
        for (place, event) in Self.events.enumerated() {
            Journal.write(
                sequence: UInt64(place),
                now: Self.now,
                event: event,
                orders: ~UInt64(place),
                to: &bytes
            )
        }
        Journal.write(.ringFull, to: &bytes)
        var place = 0
        for (number, event) in Self.events.enumerated() {
            let (entry, next) = try Journal.entry(of: bytes[place...])
            let record = JournalRecord(
                sequence: UInt64(number),
                now: Self.now,
                event: event,
                orders: ~UInt64(number)
            )
            #expect(entry == .event(record))
            place = next
        }
        #expect(try Journal.entry(of: bytes[place...]).entry == .end(.ringFull))
        #expect(try Journal.entry(of: bytes[place...]).next == bytes.count)
    }

    @Test("The header comes out as it went in")
    func header() throws {
        var configuration = CoreConfiguration(
            devices: [.sample(0, units: 7), .sample(1), Self.linked],
            policy: "edf",
            limits: .small
        )
        configuration.limits.watchdogSeconds = 3
        configuration.limits.graceSeconds = 2
        configuration.limits.abandonedInstances = 7
        var bytes: [UInt8] = []
        let header = JournalHeader(build: "sluice 0.1 (abc)", configuration: configuration)
        Journal.write(header, to: &bytes)
        let (read, next) = try Journal.header(of: bytes[...])
        #expect(read == header)
        #expect(next == bytes.count)
    }

    @Test("The events that requests cause take few bytes and no more room than was given")
    func compact() {
        var bytes: [UInt8] = []
        for event in Self.events.prefix(7) {
            let before = bytes.count
            Journal.write(sequence: .max, now: Self.now, event: event, orders: 0, to: &bytes)
            #expect(bytes.count - before <= 160)
        }
        let whole = bytes
        let fits = Journal.write(
            sequence: 1,
            now: .zero,
            event: .wake,
            orders: 0,
            to: &bytes,
            limit: bytes.count + 5
        )
        #expect(!fits)
        #expect(bytes == whole)
    }

    @Test("What is no journal, of another version or cut off is said to be so")
    func errors() throws {
        var bytes: [UInt8] = []
        Journal.write(JournalHeader(build: "b", configuration: .init(devices: [])), to: &bytes)
        Journal.write(sequence: 1, now: .zero, event: .wake, orders: 0, to: &bytes)
        #expect(throws: JournalError.notAJournal) { try Journal.header(of: [1, 2, 3]) }
        var other = bytes
        other[8] = 99
        #expect(throws: JournalError.version(99)) { try Journal.header(of: other[...]) }
        let (_, start) = try Journal.header(of: bytes[...])
        for cut in 0..<start {
            #expect(throws: JournalError.truncated) { try Journal.header(of: bytes[..<cut]) }
        }
        for cut in start..<bytes.count {
            #expect(throws: JournalError.truncated) { try Journal.entry(of: bytes[start..<cut]) }
        }
        for error in [JournalError.truncated, .notAJournal, .version(9), .damaged("x")] {
            #expect(!error.message.contains("\n"))
        }
    }

    @Test("Any flipped bit is noticed", arguments: 1...5)
    func flips(seed: UInt64) throws {
        var dice = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        for event in Self.events {
            Journal.write(sequence: 1, now: Self.now, event: event, orders: 3, to: &bytes)
        }
        for _ in 0..<200 {
            var damaged = bytes
            let place = dice.number(in: 0...bytes.count - 1)
            damaged[place] ^= 1 << UInt8(dice.number(in: 0...7))
            var start = 0
            #expect(throws: JournalError.self, "seed \(seed), byte \(place)") {
                while start < damaged.count {
                    start = try Journal.entry(of: damaged[start...]).next
                }
            }
        }
    }

    @Test(
        "Bytes of any kind are read or refused, with a true checksum or without",
        arguments: 1...40
    )
    func fuzz(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        var valid: [UInt8] = []
        for event in Self.events {
            Journal.write(sequence: 1, now: Self.now, event: event, orders: 3, to: &valid)
        }
        for _ in 0..<300 {
            var content = (0..<dice.number(in: 0...80)).map { _ in UInt8(dice.number(in: 0...255)) }
            if dice.chance(70) {
                // A part of something valid, so that deeper places are reached.
                let begin = dice.number(in: 0...valid.count - 1)
                content = Array(valid[begin..<min(valid.count, begin + 300)])
                content[dice.number(in: 0...content.count - 1)] = UInt8(dice.number(in: 0...255))
            }
            if dice.chance(50), content.count > 20 { content[0] = 1 }
            let frame = Self.framed(content)
            _ = try? Journal.entry(of: frame[...])
            _ = try? Journal.entry(of: content[...])
            _ = try? Journal.header(of: (Array("sluicejn".utf8) + [1] + frame)[...])
            _ = try? Journal.header(of: content[...])
        }
    }

    /// A frame with a true length and checksum around any content.
    static func framed(_ content: [UInt8]) -> [UInt8] {
        var state: UInt32 = 0x811C_9DC5
        for byte in content { state = (state ^ UInt32(byte)) &* 0x0100_0193 }
        func little(_ number: UInt32) -> [UInt8] {
            (0..<4).map { UInt8(truncatingIfNeeded: number >> UInt32($0 * 8)) }
        }
        return little(UInt32(content.count)) + content + little(state)
    }

    @Test("A replay of a core that decides otherwise says at which event")
    func mismatch() throws {
        let configuration = CoreConfiguration(devices: [.sample()], limits: .small)
        var replay = try Replay(JournalHeader(build: "b", configuration: configuration))
        var core = try ServerCore(configuration)
        var buffer = ActionBuffer()
        core.handle(.modelAdded(.sample()), at: .zero, into: &buffer)
        var record = JournalRecord(
            sequence: 1,
            now: .zero,
            event: .modelAdded(.sample()),
            orders: OrderHash.of(buffer)
        )
        #expect(replay.feed(record) == nil)
        record.event = .wake
        record.sequence = 2
        let mismatch = replay.feed(record)
        #expect(mismatch?.record.sequence == 2)
        #expect(mismatch?.actions == [])
        #expect(replay.events == 2)
    }

    @Test("The hash of orders is the same in every process, and looks at every part of an order")
    func hash() {
        var buffer = ActionBuffer()
        #expect(OrderHash.of(buffer) == 0x5E7F_E0AB_38FA_81A9)
        var seen: Set<UInt64> = [OrderHash.of(buffer)]
        let orders: [Action] = [
            .reply(Self.request, .served), .reply(Self.request, .late), .timeout(Self.request),
            .reply(RequestID(slot: 77, generation: 0), .served), .drop(Self.request, .expired),
            .refuse(Self.request, .queueFull), .refuse(Self.request, .noRoom),
            .terminate(Self.batch, InstanceID(1)), .terminate(Self.batch, InstanceID(2)),
            .stopInstance(InstanceID(2)), .abandonInstance(InstanceID(2)),
            .rollout(Epoch(1), .close(GpuletID(0))),
            .rollout(Epoch(2), .close(GpuletID(0))),
            .rollout(Epoch(1), .pin(GpuletID(0), units: 0)),
        ]
        for order in orders {
            buffer.removeAll()
            buffer.append(order)
            #expect(seen.insert(OrderHash.of(buffer)).inserted, "\(order)")
        }
        for count in 0..<3 {
            buffer.removeAll()
            for slot in 0..<Int32(count) { buffer.append(RequestID(slot: slot, generation: 0)) }
            buffer.append(
                .launch(
                    LaunchOrder(
                        batch: Self.batch,
                        instance: InstanceID(0),
                        model: ModelID(0),
                        stage: .whole,
                        items: 1,
                        requests: 0..<Int32(count),
                        latest: .distantFuture,
                        expected: nil
                    )
                )
            )
            #expect(seen.insert(OrderHash.of(buffer)).inserted)
        }
    }
}
