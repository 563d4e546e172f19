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
/// The simulator is told what surrounds the decisions: the profiles that were measured before, each
/// scaled by what the server's own batches took in the live run and by how much they varied
/// (machines drift and stall, and the question is not by how much), how long a batch takes to
/// begin, and the way between client and server. It plays the trace nine times, with other noise
/// each time, and the mean counts: no profile says which batch will be the slow one.
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
    /// Load, in units of `LivePace.load`: violations are few, and a few more or less are chance.
    static let length = 3.0
    /// How often the trace is simulated.
    static let simulations: UInt64 = 9

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
        let live = try await bench.undisturbed {
            try await self.live(mix, traces, own: Array(own), others: Array(cores.prefix(1)))
        }
        let factors = profiles.map { Self.factor(live.counts[$0.model], over: $0) }
        let spreads = profiles.map { Self.spread(live.batches.spread(of: $0), over: $0) }
        bench.say("(d) simulated")
        let around = Surroundings(live.counts, live.report)
        let simulated = try simulated(
            mix,
            traces,
            zip(profiles, zip(factors, spreads)).map { profile, seen in
                // Noise has a median of 1, and factors are of means.
                profile.scaled(by: seen.0 / exp(seen.1 * seen.1 / 2))
            },
            spreads,
            around
        )
        var result = Self.result(
            mix,
            live.report,
            simulated,
            isPinned: cores.count > 1,
            drift: factors.max() ?? 1
        )
        for (profile, factor) in zip(profiles, factors) {
            result.row("d: batch times over the profile", ["model": profile.model], factor, "")
        }
        for (profile, spread) in zip(profiles, spreads) {
            let label: KeyValuePairs = ["model": profile.model]
            result.row("d: how much batch times vary", label, 100 * spread, "%")
        }
        result.row("d: until a batch begins", [:], around.launch.inMilliseconds, "ms")
        result.row("d: between client and server", [:], around.transport.inMilliseconds, "ms")
        return result
    }

    /// For how long load comes.
    var seconds: Double { Self.length * bench.pace.load }

    /// When requests of each member come, from the begin of the load.
    private func traces(_ mix: LiveMix) -> [[TimeSpan]] {
        let end = TimeSpan.milliseconds(rounding: seconds * 1_000)
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
    ) async throws -> (report: LoadReport, counts: [String: ModelCounts], batches: BatchTimes) {
        let settings = mix.settings.map { network, settings in
            var settings = settings
            settings.maxBatch = Self.maxBatch
            return (network, settings)
        }
        let journal = try bench.place.folder("journal") + "/parity.journal"
        let command = ServerCommand(
            "\(Self.policy) on one core",
            repository: try bench.place.repository("parity", settings),
            flags: [
                "--planner", Self.planner, "--policy", Self.policy, "--scaler", "none",
                "--journal", journal,
            ],
            processors: own
        )
        let drive = Drive(
            traffic: zip(mix.members, traces).map { member, times in
                Drive.Traffic(model: member.name, process: .trace(times), sloMs: member.sloMs)
            },
            warmUp: 0,
            seconds: seconds,
            seed: bench.options.seed,
            isShared: true
        )
        typealias Seen = (report: LoadReport, counts: [String: ModelCounts])
        let seen = try await bench.serve(command) { server -> Seen in
            let before = try await counts(server, mix)
            let report = try await apart(server, own: own, others: others) {
                try await drive.run(to: server.url)
            }
            let after = try await counts(server, mix)
            return (report, after.merging(before) { $0.since($1) })
        }
        return (seen.report, seen.counts, try await bench.batches(of: journal))
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

    // MARK: Arithmetic

    static func result(
        _ mix: LiveMix,
        _ live: LoadReport,
        _ simulated: [Pair.Side],
        isPinned: Bool,
        drift: Double
    ) -> PartResult {
        let pairs = zip(mix.members, simulated).map { member, simulated in
            let line = live.line(of: member.name)
            return Pair(
                model: member.name,
                live: .init(
                    goodput: line?.goodput ?? 0,
                    violations: line.map { Tally($0).violationPercent } ?? 100
                ),
                simulated: simulated
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
