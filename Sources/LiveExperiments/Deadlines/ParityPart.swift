import Documents
import Experiments
import Foundation
import LoadGenerator
import Reports
import ServerRuntime
import ServingDomain
import Simulation
import VirtualDevices
import Workloads

/// Part (d): the same trace simulated and live. What is tried in virtual time must hold in real
/// time.
///
/// The question is the dispatcher, so it gets a machine of its own: the device is the last core,
/// loops, timers and client run on the first (design notes, G.3b). With one core there is nothing
/// to keep apart, and the check says so.
struct ParityPart: Sendable {
    /// Heavy enough that the first core can carry their images, light enough for many requests.
    static let networks = ["squeezenet", "mobilenet_v2", "mobilenet_v1", "googlenet"]
    /// One batch at a time, so that nothing is decided by how the kernel shares a core.
    static let planner = "whole:slots=1", policy = "edf"
    /// How busy the device is to be with batches of one.
    static let load = 0.65
    /// What may differ: goodput in per cent, violations in points.
    static let goodputLimit = 10.0, violationLimit = 2.0
    /// The largest batch.
    static let maxBatch = 8

    let bench: LiveBench

    /// One model, live and simulated.
    struct Pair: Hashable, Sendable {
        /// Requests served in time per second, and violations in per cent.
        struct Side: Hashable, Sendable {
            var goodput: Double, violations: Double
        }

        var model: String
        var live: Side, simulated: Side

        /// By how many per cent the live goodput is off the simulated one.
        var goodputOff: Double {
            guard simulated.goodput > 0 else { return live.goodput > 0 ? .infinity : 0 }
            return 100 * abs(live.goodput - simulated.goodput) / simulated.goodput
        }

        /// By how many points violations are apart.
        var violationsApart: Double { abs(live.violations - simulated.violations) }
    }

    func run() async throws -> PartResult {
        let cores = bench.processors
        let own = cores.count > 1 ? cores.suffix(1) : cores[...]
        let profiles = try await bench.profiles(
            of: Self.networks,
            maxBatch: Self.maxBatch,
            processors: Array(own)
        )
        let mix = try LiveMix(profiles)
        let traces = traces(mix)
        bench.say("(d) live")
        let live = try await live(mix, traces, own: Array(own), others: Array(cores.prefix(1)))
        bench.say("(d) simulated")
        let ledger = try simulated(mix, traces, profiles)
        return Self.result(mix, live, ledger, isPinned: cores.count > 1)
    }

    /// When requests of each member come, from the begin of the load.
    private func traces(_ mix: LiveMix) -> [[TimeSpan]] {
        let end = TimeSpan.milliseconds(rounding: (bench.pace.warmUp + bench.pace.load) * 1_000)
        return mix.members.enumerated().map { place, member in
            let arrivals = Arrivals(
                .poisson(rate: mix.rate(of: member, at: Self.load)),
                seed: bench.options.seed,
                stream: UInt64(place)
            )
            return Array(arrivals.prefix { $0 < end })
        }
    }

    private func live(
        _ mix: LiveMix,
        _ traces: [[TimeSpan]],
        own: [Int32],
        others: [Int32]
    ) async throws -> LoadReport {
        let settings = mix.settings.map { network, settings in
            var settings = settings
            settings.maxBatch = Self.maxBatch
            return (network, settings)
        }
        let command = ServerCommand(
            "\(Self.policy) on one core",
            repository: try bench.place.repository("parity", settings),
            flags: ["--planner", Self.planner, "--policy", Self.policy, "--scaler", "none"],
            processors: own
        )
        let drive = Drive(
            traffic: zip(mix.members, traces).map { member, times in
                Drive.Traffic(model: member.name, process: .trace(times), sloMs: member.sloMs)
            },
            warmUp: bench.pace.warmUp,
            seconds: bench.pace.load,
            seed: bench.options.seed,
            isShared: true
        )
        return try await bench.serve(command) { server in
            guard own != others, let pid = server.process?.pid else {
                return try await drive.run(to: server.url)
            }
            Affinity.move(pid, allBut: ["lane-", "onnx "], to: others)
            // All our threads, since those that are made meanwhile inherit from any of them.
            let ourselves = ProcessInfo.processInfo.processIdentifier
            Affinity.move(ourselves, to: others)
            defer { Affinity.move(ourselves, to: bench.processors) }
            return try await drive.run(to: server.url)
        }
    }

    private func simulated(
        _ mix: LiveMix,
        _ traces: [[TimeSpan]],
        _ profiles: [Profile]
    ) throws -> Ledger {
        let device = DeviceSpec(id: DeviceID(0), name: "cpu0", kind: "cpu", units: 1)
        var library = ProfileLibrary()
        for profile in profiles { try library.add(profile, source: profile.model) }
        var models: [SimulatedModel] = []
        for (place, member) in mix.members.enumerated() {
            let id = ModelID(Int32(place))
            var spec = try library.spec(id, of: member.name, on: [device])
            spec.slo = .milliseconds(rounding: member.sloMs)
            let level: Int32 = member.priority == .high ? 1 : 2
            spec.priorities = PriorityRules(levels: 2, defaultLevel: level)
            spec.batching = BatchingRules(dynamic: true)
            let spread = Self.spread(profiles.first { $0.model == member.name })
            models.append(SimulatedModel(spec, truth: ModelTruth(of: spec, spread: spread)))
        }
        var setup = SimulationSetup(
            devices: [device],
            models: models,
            loads: traces.enumerated().map { RequestLoad(ModelID(Int32($0)), .trace($1)) },
            duration: .milliseconds(rounding: (bench.pace.warmUp + bench.pace.load) * 1_000)
        )
        setup.warmUp = .milliseconds(rounding: bench.pace.warmUp * 1_000)
        setup.plans = .planner(Self.planner)
        setup.policy = Self.policy
        setup.seed = bench.options.seed
        do { return try Simulator.run(setup) } catch { throw LiveError(error.message) }
    }

    // MARK: Arithmetic

    /// The standard deviation of a run's logarithm, from median and 99th percentile at batch 1
    /// (2.33 deviations apart where the logarithm is normal); at most 0.3.
    static func spread(_ profile: Profile?) -> Double {
        guard let row = profile?.latency.first(where: { $0.batch == 1 }), let p99 = row.p99Ms,
            row.ms > 0, p99 > row.ms
        else { return 0 }
        return min(0.3, log(p99 / row.ms) / 2.33)
    }

    static func result(
        _ mix: LiveMix,
        _ live: LoadReport,
        _ ledger: Ledger,
        isPinned: Bool
    ) -> PartResult {
        let pairs = mix.members.enumerated().map { place, member in
            let counts = ledger.counts(of: ModelID(Int32(place)))
            let line = live.line(of: member.name)
            let seconds = max(1e-9, ledger.measured.inSeconds)
            return Pair(
                model: member.name,
                live: .init(
                    goodput: line?.goodput ?? 0,
                    violations: line.map { Tally($0).violationPercent } ?? 100
                ),
                simulated: .init(
                    goodput: Double(counts.served) / seconds,
                    violations: counts.violationPercent
                )
            )
        }
        return result(pairs, lag: live.sendLagP99Ms, isPinned: isPinned)
    }

    static func result(_ pairs: [Pair], lag: Double?, isPinned: Bool) -> PartResult {
        var result = PartResult()
        for pair in pairs {
            let sides = [
                ("live", pair.live, ResultRow.Basis.measured),
                ("simulated", pair.simulated, .simulated),
            ]
            for (how, side, basis) in sides {
                let labels: KeyValuePairs = ["model": pair.model, "how": how]
                result.row("d: goodput", labels, side.goodput, "r/s", basis: basis)
                result.row("d: violations", labels, side.violations, "%", basis: basis)
            }
        }
        var notes = isPinned ? [] : ["one core only: client and server share it with the device"]
        if let lag { notes.append("p99 of the generator's lag \(Numeral.short(lag)) ms") }
        let note = notes.joined(separator: "; ")
        let goodput = pairs.map(\.goodputOff).max()
        result.check(
            "d: goodput live against simulated",
            goal: "within \(Int(goodputLimit)) % for every model",
            value: goodput,
            holds: goodput.map { $0 <= goodputLimit } ?? false,
            note: note
        )
        let violations = pairs.map(\.violationsApart).max()
        result.check(
            "d: violations live against simulated",
            goal: "within \(Int(violationLimit)) points for every model",
            value: violations,
            holds: violations.map { $0 <= violationLimit } ?? false,
            note: note
        )
        return result
    }
}
