import EngineEmulated
import Logging
import ServerCore
import ServerRuntime
import ServingDomain
import Synchronization
import Testing
import VirtualDevices

/// Layouts that change under load: 4 emulated devices of 7 gpulets each, and 64 cores.
@Suite(.timeLimit(.minutes(3))) struct LayoutTests {
    /// Sizes of each device's gpulets, in units; gpulet number i is model i's.
    private final class Wanted: Sendable {
        let sizes: Mutex<[[Int32]]>

        init(_ sizes: [[Int32]]) { self.sizes = Mutex(sizes) }

        func plan(_ inputs: PlanInputs) -> Plan? {
            let sizes = sizes.withLock { $0 }
            let layouts = inputs.devices.map { device in
                let gpulets = inputs.models.map { model in
                    Plan.GpuletLayout(
                        units: sizes[device.id.position][Self.number(model)],
                        slots: 1,
                        dutyCycle: nil,
                        lanes: [
                            .init(model: model.id, batchLimit: model.maxBatch, instances: 1)
                        ]
                    )
                }
                return Plan.DeviceLayout(device: device.id, gpulets: gpulets)
            }
            return Plan(planner: "given", devices: layouts)
        }

        /// Models are called `m0`, `m1` and so on.
        private static func number(_ model: ModelSpec) -> Int {
            Int(model.name.dropFirst()) ?? 0
        }
    }

    /// Clients that send one request after the other to models in turn.
    private final class Load: Sendable {
        private let isOver = Atomic<Bool>(false)
        let counts = Mutex<(sent: Int, served: Int, failed: Int, twice: Int)>((0, 0, 0, 0))

        func run(_ fixture: RuntimeFixture, models: Int, clients: Int) async {
            await withTaskGroup { group in
                for client in 0..<clients {
                    group.addTask { [self] in
                        var number = client
                        while !isOver.load(ordering: .relaxed) {
                            number += 1
                            await one(fixture, "m\(number % models)")
                        }
                    }
                }
            }
        }

        private func one(_ fixture: RuntimeFixture, _ model: String) async {
            guard let (exchange, _) = try? fixture.send(UInt8(7), to: model) else { return }
            let ending = await exchange.ended()
            counts.withLock { counts in
                counts.sent += 1
                if ending.isServed { counts.served += 1 }
                if case .failed = ending { counts.failed += 1 }
                if exchange.endings != 1 { counts.twice += 1 }
            }
        }

        func stop() { isOver.store(true, ordering: .relaxed) }

        /// Waits until one more request was served than now: on a busy machine a layout may come
        /// and go before any client had its turn.
        func goesOn() async {
            let before = counts.withLock { $0.served }
            await reached { self.counts.withLock { $0.served > before } }
        }
    }

    private struct Setting {
        var fixture: RuntimeFixture
        var control: EmulatedControl
        var wanted: Wanted
        var definitions: [ModelDefinition]

        /// Changes the layout by a change of an objective, which asks for a plan.
        func roll(to sizes: [[Int32]], slo: Int64) async throws {
            wanted.sizes.withLock { $0 = sizes }
            var definition = definitions[0]
            definition.rules.slo = .seconds(slo)
            fixture.source.set(definition)
            try await fixture.runtime.load(definition.name, override: nil)
        }

        /// The share of each lane that stands with a ready instance, by device and model.
        func shares(units: Double) -> [String: Int] {
            let lines = fixture.metrics()
            var found: [String: Int] = [:]
            for line in lines where line.hasPrefix("sluice_lane_share{") {
                let words = line.split(separator: "\"")
                let share = Double(line.split(separator: " ").last ?? "") ?? 0
                found["\(words[5]) \(words[1])"] = Int((share * units / 100).rounded())
            }
            return found
        }

        func stands(_ sizes: [[Int32]], units: Double = 100) -> Bool {
            let shares = shares(units: units)
            for device in sizes.indices {
                for (model, size) in sizes[device].enumerated()
                where shares["emu\(device) m\(model)"] != Int(size) {
                    return false
                }
            }
            return shares.count == sizes.reduce(0) { $0 + $1.count } && isReady
        }

        private var isReady: Bool {
            let lines = fixture.metrics().filter { $0.hasPrefix("sluice_lane_instances{") }
            return lines.allSatisfy { $0.hasSuffix(" 1.0") }
        }
    }

    /// - Parameter numbered: How many units of each device can really be given.
    private func setting(
        devices: Int,
        units: Int32,
        numbered: Int32? = nil,
        memoryMiB: Int64 = 0,
        logger: Logger = RuntimeFixture.silence,
        _ sizes: [[Int32]],
        journal: JournalFile
    ) async throws -> Setting {
        let control = EmulatedControl()
        let wanted = Wanted(sizes)
        var surface = LatencySurface([])
        let memory = MemoryFootprint(
            weightsKiB: 10 << 10,
            workspace: [.init(batch: 4, kib: 40 << 10)]
        )
        for batch in [Int32(1), 4] {
            surface.set(.init(batch: batch, units: 1, latency: .milliseconds(1 + Int64(batch))))
        }
        let models = sizes[0].indices.map { number in
            let definition = RuntimeFixture.echo("m\(number)", maxBatch: 4, slo: .seconds(60))
            let profile = DeviceProfile(kind: "emulated", surface: surface, memory: memory)
            let emulation = EmulatedModel(
                signature: definition.signature,
                truth: ModelTruth(profiles: [profile]),
                control: control
            )
            return (definition: definition, emulation: emulation)
        }
        let specs = (0..<Int32(devices)).map {
            DeviceSpec(id: DeviceID($0), name: "emu\($0)", kind: "emulated", units: units)
        }
        // As `--emulate` has it: what runs on one device runs on one cluster.
        let emulated = EmulatedDevices(devices: specs, truths: specs.map { _ in NoContention() })
        let fixture = try await RuntimeFixture(models, logger: logger, devices: emulated) {
            configuration in
            configuration.core.devices = specs
            let given = Array(0..<(numbered ?? units))
            configuration.unitNumbers = Array(repeating: given, count: devices)
            for place in 0..<devices { configuration.core.devices[place].memoryMiB = memoryMiB }
            configuration.planned = { wanted.plan($0) }
            configuration.journalPath = journal.path
        }
        return Setting(
            fixture: fixture,
            control: control,
            wanted: wanted,
            definitions: models.map(\.definition)
        )
    }

    @Test("28 gpulets: another layout, a step that fails, a device lost and back; nobody is lost")
    func twentyEight() async throws {
        let journal = JournalFile()
        let even = Array(repeating: Array(repeating: Int32(14), count: 7), count: 4)
        let setting = try await setting(
            devices: 4,
            units: 100,
            numbered: 98,
            even,
            journal: journal
        )
        let load = Load()
        let running = Task { await load.run(setting.fixture, models: 7, clients: 21) }
        await reached { setting.stands(even) }

        // All that changes does so by six units: with steps of several sizes the two that the core
        // takes to be there might fill a gap, depending on who has drained first.
        let uneven = [[8, 20, 14, 14, 14, 8, 20], [20, 8, 14, 14, 14, 20, 8]] as [[Int32]]
        let next = [uneven[0], uneven[1], even[2], uneven[0]]
        try await setting.roll(to: next, slo: 61)
        await reached { setting.stands(next) }
        await load.goesOn()
        let first = load.counts.withLock { $0 }
        #expect(first.served == first.sent)

        // A hundredth too much: the step finds no units, and what stood stays.
        var toomuch = next
        toomuch[2][6] = 16
        try await setting.roll(to: toomuch, slo: 62)
        await reached { setting.fixture.metrics().contains("sluice_rollouts_failed_total 1.0") }
        await reached { setting.stands(next) }
        let second = load.counts.withLock { $0 }
        #expect(second.served == second.sent)

        setting.wanted.sizes.withLock { $0 = next }
        setting.control.set(EmulatedFaults(lost: DeviceID(1)))
        await reached { setting.fixture.metrics().contains("sluice_devices_lost_total 1.0") }
        await reached { setting.shares(units: 100).count == 21 }
        setting.control.set(EmulatedFaults())
        let runtime = setting.fixture.runtime
        let devices = runtime.devices
        #expect(devices.map(\.isPresent) == [true, false, true, true])
        #expect(runtime.setDevice(named: devices[1].spec.name, isPresent: true))
        #expect(!runtime.setDevice(named: "nobody", isPresent: true))
        await reached { setting.stands(next) }
        load.stop()
        await running.value
        let all = load.counts.withLock { $0 }
        #expect(all.twice == 0)
        // Who ran on the lost device was told so, all others were served.
        #expect((1...7 * 4).contains(all.failed))
        #expect(all.served + all.failed == all.sent)
        #expect(await setting.fixture.runtime.shutDown(patience: .seconds(10)) == 0)
        let events = try journal.replayed()
        #expect(events.contains { if case .stepFailed = $0 { true } else { false } })
        #expect(events.contains(.deviceBack(DeviceID(1))))
    }

    @Test("64 cores: gpulets of a sixteenth to three eighths stand, and change under load")
    func sixtyFour() async throws {
        let journal = JournalFile()
        let first = [[4, 12, 16, 24, 8]] as [[Int32]]
        let setting = try await setting(devices: 1, units: 64, first, journal: journal)
        let load = Load()
        let running = Task { await load.run(setting.fixture, models: 5, clients: 10) }
        await reached { setting.stands(first, units: 64) }
        await load.goesOn()
        for (number, sizes) in [[6, 10, 20, 20, 8], [24, 4, 12, 16, 8], [4, 12, 16, 24, 8]]
            .enumerated()
        {
            try await setting.roll(to: [sizes.map { Int32($0) }], slo: 61 + Int64(number))
            await reached { setting.stands([sizes.map { Int32($0) }], units: 64) }
            await load.goesOn()
        }
        load.stop()
        await running.value
        let all = load.counts.withLock { $0 }
        #expect(all.sent > 0 && all.served == all.sent && all.twice == 0)
        #expect(await setting.fixture.runtime.shutDown(patience: .seconds(10)) == 0)
        _ = try journal.replayed()
    }

    @Test("Where memory holds no second layout, old lanes go first; it is said, and nobody is lost")
    func memory() async throws {
        let (journal, log) = (JournalFile(), LogLines())
        let first = [[30, 70]] as [[Int32]]
        // Weights of 10 MiB, 40 for each instance: one layout takes 100, both take 180.
        let setting = try await setting(
            devices: 1,
            units: 100,
            memoryMiB: 150,
            logger: log.logger,
            first,
            journal: journal
        )
        let load = Load()
        let running = Task { await load.run(setting.fixture, models: 2, clients: 4) }
        await reached { setting.stands(first) }
        await load.goesOn()
        #expect(setting.fixture.metrics().contains("sluice_memory_waits_total 0.0"))
        try await setting.roll(to: [[70, 30]], slo: 61)
        await reached { setting.stands([[70, 30]]) }
        await load.goesOn()
        load.stop()
        await running.value
        let all = load.counts.withLock { $0 }
        #expect(all.served > 0 && all.failed == 0 && all.twice == 0)
        #expect(!setting.fixture.metrics().contains("sluice_memory_waits_total 0.0"))
        #expect(log.lines.contains { $0.contains("waits for memory") })
        #expect(await setting.fixture.runtime.shutDown(patience: .seconds(10)) == 0)
        _ = try journal.replayed()
    }
}
