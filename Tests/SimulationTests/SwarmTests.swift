import Foundation
import Planning
import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import VirtualDevices
import Workloads

/// Random setups of everything at once: whatever is put together, requests end exactly once.
/// `SWARM_SEEDS=1000` plays that many of them.
@Suite struct SwarmTests {
    private static let seeds = ProcessInfo.processInfo.environment["SWARM_SEEDS"].flatMap(
        UInt64.init
    )

    @Test("Nothing is lost, whatever is put together", arguments: 1...(seeds ?? 60))
    func swarm(seed: UInt64) throws {
        let setup = Swarm.setup(seed: seed)
        let ledger = try Simulator.run(setup)
        let about: Comment = "seed \(seed): \(Swarm.describe(setup))"
        #expect(ledger.complaints == [], about)
        #expect(ledger.total.ended == ledger.total.submitted, about)
        for row in ledger.graphs { #expect(row.counts.ended == row.counts.submitted, about) }
        for row in ledger.usage { #expect(row.busy <= 1.000_001, about) }
    }

    @Test("Together the random setups reach every outcome")
    func reach() throws {
        var counts = OutcomeCounts()
        for seed in UInt64(1)...24 { counts.add(try Simulator.run(Swarm.setup(seed: seed)).total) }
        #expect(counts.served > 5_000)
        #expect(counts.late > 0 && counts.dropped > 0 && counts.refused > 0)
        #expect(counts.failed > 0 && counts.cancelled > 0)
    }
}

/// One random setup per seed.
enum Swarm {
    static func describe(_ setup: SimulationSetup) -> String {
        "\(setup.policy), \(setup.scaler), \(setup.plans), faults \(setup.faults.map(\.kind)), "
            + "epochs \(setup.epochs != nil), graphs \(setup.graphs.count), "
            + "memory \(setup.devices[0].memoryMiB)"
    }

    static func setup(seed: UInt64) -> SimulationSetup {
        var dice = ServingTestKit.SeededGenerator(seed: seed &* 7_919)
        let devices = (0..<Int32(dice.number(in: 1...3))).map { device($0, &dice) }
        let models = (0..<Int32(dice.number(in: 1...4))).map { model($0, &dice) }
        var setup = SimulationSetup(
            devices: devices,
            models: models,
            loads: models.map { load($0.spec.id, &dice) },
            duration: .milliseconds(Int64(dice.number(in: 1_500...4_000)))
        )
        setup.seed = seed
        setup.warmUp = dice.chance(50) ? .milliseconds(500) : .zero
        setup.policy = dice.one(of: [
            "duty", "fifo", "edf", "clockwork", "preemptive:threshold=2", "strait", "confluence",
        ])
        setup.scaler = dice.one(of: ["none", "none", "clipper", "dnnscaler", "confluence"])
        setup.plans = .planner(
            dice.one(of: ["whole", "whole:slots=2", "temporal", "elastic", "self-tuning"])
        )
        if dice.chance(50) {
            setup.epochs = dice.chance(50) ? .standard : .gpulets
            setup.epochs?.period = .milliseconds(700)
        }
        if dice.chance(50) {
            setup.truths = devices.map { _ in ModelledContention(.loss(.prior)) }
        }
        if dice.chance(30), let graph = graph(models.count, &dice) {
            setup.graphs = [GraphLoad(graph, .poisson(rate: 30))]
        }
        for _ in 0..<dice.number(in: 0...2) { setup.faults.append(fault(setup, &dice)) }
        setup.limits = .small
        setup.limits.requests = 2_048
        setup.limits.watchdogSeconds = 1
        setup.limits.graceSeconds = 1
        setup.durations.start = .milliseconds(Int64(dice.number(in: 1...400)))
        setup.durations.launch = dice.chance(30) ? .microseconds(50) : .zero
        return setup
    }

    private static func device(
        _ index: Int32,
        _ dice: inout ServingTestKit.SeededGenerator
    ) -> DeviceSpec {
        var device = Setups.device(index)
        device.shares = [20, 40, 50, 60, 80, 100]
        device.maxGpulets = 2
        device.memoryMiB = dice.chance(40) ? Int64(dice.number(in: 60...200)) : 0
        if dice.chance(50) {
            device.copyEngines = Int32(dice.number(in: 1...2))
            device.copy = CopySpec(
                setup: .microseconds(10),
                bytesPerSecond: 12_000_000_000,
                bothWaysMilli: 800,
                uplink: dice.chance(50) ? 0 : -1,
                uplinkBytesPerSecond: 16_000_000_000
            )
        }
        return device
    }

    private static func model(
        _ index: Int32,
        _ dice: inout ServingTestKit.SeededGenerator
    ) -> SimulatedModel {
        let first = Double(dice.number(in: 1...10))
        let each = Double(dice.number(in: 1...4)) / 2
        var points: [LatencySurface.Point] = []
        for units in [Int32(20), 40, 50, 60, 80, 100] {
            for batch in [Int32(1), 2, 4, 8] {
                let whole = first + each * Double(batch)
                points.append(
                    LatencySurface.Point(
                        batch: batch,
                        units: units,
                        latency: .milliseconds(rounding: whole * (1 + 40 / Double(units)))
                    )
                )
            }
        }
        let profile = DeviceProfile(
            kind: "test",
            surface: LatencySurface(points),
            memory: MemoryFootprint(
                weightsKiB: 30 * 1_024,
                workspace: [.init(batch: 8, kib: 4_096)]
            ),
            utilization: [Utilization(batch: 1, sm: 0.4, l2: 0.3, dram: 0.5)],
            warmStart: .milliseconds(20),
            segments: dice.chance(50) ? 4 : 1
        )
        let spec = ModelSpec(
            id: ModelID(index),
            name: "m\(index)",
            maxBatch: 8,
            batching: BatchingRules(
                dynamic: dice.chance(90),
                preserveOrdering: dice.chance(20)
            ),
            slo: dice.chance(90) ? .milliseconds(Int64(dice.number(in: 15...150))) : nil,
            instances: Int32(dice.number(in: 1...2)),
            instanceLimit: 4,
            profiles: [profile],
            inputBytes: 3_000_000,
            outputBytes: 4_000
        )
        return SimulatedModel(spec, truth: ModelTruth(of: spec, spread: dice.chance(50) ? 0.1 : 0))
    }

    private static func load(
        _ model: ModelID,
        _ dice: inout ServingTestKit.SeededGenerator
    ) -> RequestLoad {
        let rate = Double(dice.number(in: 20...250))
        let process: ArrivalProcess =
            switch dice.number(in: 0...4) {
            case 0: .uniform(rate: rate)
            case 1: .bursty(.standard(rate: rate))
            case 2: .closed(concurrency: dice.number(in: 1...20))
            case 3: .steps(RateSteps(step: .milliseconds(900), rates: [rate, rate / 4, rate * 2]))
            default: .poisson(rate: rate)
            }
        var load = RequestLoad(model, process, level: Int32(dice.number(in: 1...2)))
        if dice.chance(20) { load.timeout = .milliseconds(Int64(dice.number(in: 5...60))) }
        return load
    }

    private static func graph(
        _ models: Int,
        _ dice: inout ServingTestKit.SeededGenerator
    ) -> Graph? {
        let stages = (0..<Int32(dice.number(in: 1...5))).map { place in
            Graph.Stage(
                model: ModelID(Int32(dice.number(in: 0...models - 1))),
                after: (0..<place).filter { _ in dice.chance(50) }
            )
        }
        return Graph(name: "random", slo: .milliseconds(200), stages: stages)
    }

    private static func fault(
        _ setup: SimulationSetup,
        _ dice: inout ServingTestKit.SeededGenerator
    ) -> Fault {
        let device = DeviceID(Int32(dice.number(in: 0...setup.devices.count - 1)))
        let model = ModelID(Int32(dice.number(in: 0...setup.models.count - 1)))
        let kind: Fault.Kind =
            switch dice.number(in: 0...4) {
            case 0: .deviceLost(device)
            case 1: .slowDevice(device, milli: 2_500)
            case 2: .failedLoad(model)
            case 3: .deafEngine(model)
            default: .hangingEngine(model)
            }
        return Fault(
            kind,
            at: .zero + .milliseconds(Int64(dice.number(in: 0...1_500))),
            duration: .milliseconds(Int64(dice.number(in: 100...1_500)))
        )
    }
}
