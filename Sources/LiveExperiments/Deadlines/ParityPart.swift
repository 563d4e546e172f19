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
///
/// The simulator is told the profiles that were measured before, each scaled by what the server's
/// own batches took in the live run: machines drift, and the question is not by how much.
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
        let factors = profiles.map { Self.factor(live.counts[$0.model], over: $0) }
        bench.say("(d) simulated")
        let ledger = try simulated(mix, traces, zip(profiles, factors).map { $0.scaled(by: $1) })
        var result = Self.result(
            mix,
            live.report,
            ledger,
            isPinned: cores.count > 1,
            drift: factors.max() ?? 1
        )
        for (profile, factor) in zip(profiles, factors) {
            result.row("d: batch times over the profile", ["model": profile.model], factor, "")
        }
        return result
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
    ) async throws -> (report: LoadReport, counts: [String: ModelCounts]) {
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
            let before = try await counts(server, mix)
            let report = try await apart(server, own: own, others: others) {
                try await drive.run(to: server.url)
            }
            let after = try await counts(server, mix)
            return (report, after.merging(before) { $0.since($1) })
        }
    }

    private func counts(
        _ server: LiveServer,
        _ mix: LiveMix
    ) async throws -> [String: ModelCounts] {
        var counts: [String: ModelCounts] = [:]
        for member in mix.members {
            counts[member.name] = try await server.statistics(of: member.name)
        }
        return counts
    }

    /// Runs `body` with the server's lanes on their own core, all else on the others.
    private func apart<Value>(
        _ server: LiveServer,
        own: [Int32],
        others: [Int32],
        _ body: () async throws -> Value
    ) async rethrows -> Value {
        guard own != others, let pid = server.process?.pid else { return try await body() }
        Affinity.move(pid, allBut: ["lane-", "onnx "], to: others)
        // All our threads, since those that are made meanwhile inherit from any of them.
        let ourselves = ProcessInfo.processInfo.processIdentifier
        Affinity.move(ourselves, to: others)
        defer { Affinity.move(ourselves, to: bench.processors) }
        return try await body()
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

    /// What a run's time varies by at most; what is beyond is the machine's, not the model's.
    static let mostSpread = 0.1

    /// The standard deviation of a run's logarithm, from median and 99th percentile at batch 1
    /// (2.33 deviations apart where the logarithm is normal), at most `mostSpread`.
    static func spread(_ profile: Profile?) -> Double {
        guard let row = profile?.latency.first(where: { $0.batch == 1 }), let p99 = row.p99Ms,
            row.ms > 0, p99 > row.ms
        else { return 0 }
        return min(mostSpread, log(p99 / row.ms) / 2.33)
    }

    /// How much longer a server's batches took than the profile says; 1 where there are none.
    static func factor(_ counts: ModelCounts?, over profile: Profile) -> Double {
        let device = DeviceSpec(id: DeviceID(0), name: "cpu0", kind: "cpu", units: 1)
        guard let counts, let surface = try? profile.surface(on: device) else { return 1 }
        var (found, told) = (0.0, 0.0)
        for size in counts.sizes {
            guard let each = surface.latency(batch: Int32(size.items), units: 1) else { continue }
            found += size.seconds
            told += Double(size.batches) * each.inSeconds
        }
        return found > 0 && told > 0 ? found / told : 1
    }

    static func result(
        _ mix: LiveMix,
        _ live: LoadReport,
        _ ledger: Ledger,
        isPinned: Bool,
        drift: Double
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
        return result(pairs, lag: live.sendLagP99Ms, isPinned: isPinned, drift: drift)
    }

    /// - Parameter drift: How much longer batches took than measured just before: far from 1,
    ///   others were at work, which comes and goes as no profile says.
    static func result(
        _ pairs: [Pair],
        lag: Double?,
        isPinned: Bool,
        drift: Double = 1
    ) -> PartResult {
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
        if !(0.8...1.25).contains(drift) {
            let times = Numeral.short(drift)
            notes.append(
                "batches took \(times) times what was measured just before: the machine was not "
                    + "quiet"
            )
        }
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

extension Profile {
    /// The same with all latencies multiplied.
    fileprivate func scaled(by factor: Double) -> Profile {
        var scaled = self
        for place in scaled.latency.indices {
            scaled.latency[place].ms *= factor
            scaled.latency[place].p99Ms = scaled.latency[place].p99Ms.map { $0 * factor }
        }
        return scaled
    }
}
