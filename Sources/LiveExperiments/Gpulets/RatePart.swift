import Documents
import LoadGenerator
import Reports
import ServingDomain

/// Part (a): the highest total rate of six models at which at most 1 % of the requests miss their
/// objective, for whole systems, under independent arrivals and under bursts.
///
/// Nothing is pinned: planners split the cores themselves, and the client shares them with the
/// server, for all systems alike. Inputs lie in shared memory: at 200 requests/s of 600 kB a client
/// that sends them takes a fifth of two cores, which are then missing in every system.
struct RatePart: Sendable {
    /// Violations that still pass, in per cent.
    static let target = 1.0
    /// What our own is to reach of the baseline's rate.
    static let goal = 2.0
    /// The highest load that a search begins with.
    static let most = 1.0
    /// The lowest load that is tried: with less the longest probe sees hardly a hundred requests.
    static let least = 0.05
    /// The systems whose rates the claim compares: they have more probes, and what a probe leaves
    /// open is looked at for longer.
    static let compared: Set = [baseline, ours, TritonServer.name]

    /// Ours, and what it is held against.
    static let ours = "confluence", baseline = "triton"
    /// About how many requests one bad moment makes late: a stall of the host, a burst.
    static let clump = 2.0, burstClump = 3.0

    let bench: LiveBench
    let mix: LiveMix

    /// What was found for one system: a search each, or why there is none.
    struct Found: Sendable {
        var system: String
        var poisson: RateSearch?, bursty: RateSearch?
        var refusal: String?
        /// The plan after the last probe.
        var sketch = ""

        /// The search of a kind of arrivals.
        func search(_ arrivals: String) -> RateSearch? { arrivals == "poisson" ? poisson : bursty }
    }

    func run() async throws -> PartResult {
        let repository = try bench.place.repository("rates", mix.settings)
        var found: [Found] = []
        var waiting = bench.options.systems.count { Self.compared.contains($0) }
        for system in bench.options.systems {
            bench.say("(a) \(system)")
            if Self.compared.contains(system) {
                bench.repeats.use(part: 1 / Double(waiting))
                waiting -= 1
            }
            let command = ServerCommand.system(system, repository: repository)
            do {
                let known = found
                found.append(try await bench.serve(command) { try await search($0, after: known) })
            } catch let refusal as ServerRefusal {
                found.append(Found(system: system, refusal: refusal.description))
            }
        }
        if let packages = bench.options.triton {
            bench.say("(a) a real Triton")
            do {
                let triton = TritonServer(packages: packages, models: mix.members.map(\.name))
                let known = found
                found.append(try await triton.serve(bench) { try await search($0, after: known) })
            } catch let refusal as ServerRefusal {
                found.append(Found(system: TritonServer.name, refusal: refusal.description))
            }
        }
        let ideal = ["poisson", "bursty"].map { arrivals in
            let search = idealSearch(bursty: arrivals == "bursty")
            return (arrivals: arrivals, load: search.best?.load)
        }
        return Self.result(found, mix, ideal: ideal)
    }

    /// The highest load that the cores allow by themselves, with the arrivals of a probe.
    private func idealSearch(bursty: Bool) -> RateSearch {
        let cores = IdealCores(cores: bench.processors.count)
        var search = RateSearch(start: 0.5, limit: 16, precision: 1.02)
        while let load = search.next {
            let works = zip(mix.members, mix.traffic(at: load, bursty: bursty)).map {
                IdealCores.Work(
                    process: $1.process,
                    time: $0.narrowMs / 1_000,
                    objective: $0.sloMs / 1_000,
                    isHigh: $0.priority == .high
                )
            }
            let percent = cores.violationPercent(
                of: works,
                seed: bench.options.seed,
                warmUp: bench.pace.follow,
                seconds: bench.pace.probe
            )
            search.note(
                .init(
                    load: load,
                    violationPercent: percent,
                    worst: percent,
                    goodput: mix.rate(at: load) * (1 - percent / 100),
                    passes: percent <= Self.target
                )
            )
        }
        return search
    }

    private func search(_ server: LiveServer, after others: [Found]) async throws -> Found {
        var found = Found(system: server.name)
        for arrivals in ["poisson", "bursty"] {
            let start = Self.start(found, arrivals, after: others)
            let search = try await search(server, bursty: arrivals == "bursty", from: start)
            if arrivals == "poisson" { found.poisson = search } else { found.bursty = search }
        }
        found.sketch = (try? await server.plan().sketch) ?? ""
        return found
    }

    /// The load that a search begins with. Ours is first asked for what the claim wants of it,
    /// where the baseline's rate is known, but with bursts for no less than three steps below what
    /// it carried without: a baseline that carries next to nothing says nothing of ours.
    static func start(_ found: Found, _ arrivals: String, after others: [Found]) -> Double {
        let rival = others.first { $0.system == baseline }?.search(arrivals)?.reached
        if found.system == ours, let rival {
            let claimed = min(goal * rival, most)
            guard arrivals == "bursty", let calm = found.poisson, let best = calm.best else {
                return claimed
            }
            return max(claimed, best.load / (calm.growth * calm.growth * calm.growth))
        }
        // Bursts cost: the second search begins a step below what the first found.
        if arrivals == "bursty", let poisson = found.poisson {
            return (poisson.reached ?? poisson.start) / poisson.growth
        }
        // The published systems, which split two cores between six models, carry little of it.
        return compared.contains(found.system) ? 0.5 : 0.15
    }

    private func search(
        _ server: LiveServer,
        bursty: Bool,
        from start: Double
    ) async throws -> RateSearch {
        let isCompared = Self.compared.contains(server.name)
        let limit = bench.pace.probes(isCompared: isCompared)
        var search = RateSearch(start: start, limit: limit, least: Self.least)
        var patience = bench.pace.patience
        // A real Triton tells no plan.
        let hasPlans = (try? await server.plan().plan.planner).map { $0 != "whole" } ?? false
        let warmUp = hasPlans ? bench.pace.follow : bench.pace.warmUp
        while let load = search.next {
            var drive = Drive(
                traffic: mix.traffic(at: load, bursty: bursty),
                // The first load meets a server that has seen none, and a plan for nothing.
                warmUp: warmUp * (search.probes.isEmpty && !bursty ? 2 : 1),
                seconds: bench.pace.probe,
                seed: bench.options.seed,
                isShared: true
            )
            var seen = try await count(drive, server)
            // The same load goes on for twice as long, and once more, while it is close.
            drive.warmUp = bench.pace.probe / 4
            for _ in 0..<bench.pace.extensions
            where isCompared && seen.isClose(clump: bursty ? Self.burstClump : Self.clump) {
                drive.seconds *= 2
                drive.seed += 1
                patience -= drive.warmUp + drive.seconds
                guard patience >= 0 else { break }
                seen += try await count(drive, server)
            }
            let probe = seen.probe(at: load)
            search.note(probe)
            let percent = Numeral.short(probe.violationPercent)
            bench.say(
                "(a) \(server.name) load \(Numeral.short(load)): \(percent) % violations of"
                    + " \(seen.judged) requests"
            )
        }
        return search
    }

    /// Sends one piece of a load and waits until all of it is answered.
    private func count(_ drive: Drive, _ server: LiveServer) async throws -> ProbeCount {
        func send() async throws -> ProbeCount {
            let report = try await drive.run(to: server.url)
            try await server.settle()
            return ProbeCount(report, seconds: drive.seconds)
        }
        // The time for it goes to what is compared.
        guard Self.compared.contains(server.name) else { return try await send() }
        return try await bench.undisturbed(send)
    }

    // MARK: Arithmetic

    /// Numbers and checks of all systems.
    ///
    /// - Parameter ideal: The highest load that the cores allow by themselves, by arrivals.
    static func result(
        _ found: [Found],
        _ mix: LiveMix,
        ideal: [(arrivals: String, load: Double?)] = []
    ) -> PartResult {
        var result = PartResult()
        for member in mix.members {
            let labels: KeyValuePairs = [
                "model": member.name, "priority": member.priority == .high ? "high" : "low",
            ]
            result.row("a: one item alone, p50", labels, member.soloMs, "ms")
            result.row("a: objective", labels, member.sloMs, "ms")
        }
        for arrivals in ["poisson", "bursty"] {
            for one in found {
                let best = one.search(arrivals)?.best
                result.row(
                    "a: highest rate within 1 % violations",
                    ["system": one.system, "arrivals": arrivals],
                    best.map { mix.rate(at: $0.load) },
                    "r/s"
                )
            }
        }
        for (arrivals, load) in ideal {
            result.row(
                "a: highest rate within 1 % violations",
                ["system": "the cores by themselves", "arrivals": arrivals],
                load.map { mix.rate(at: $0) },
                "r/s"
            )
        }
        for one in found {
            for arrivals in ["poisson", "bursty"] {
                for (place, probe) in (one.search(arrivals)?.probes ?? []).enumerated() {
                    result.row(
                        "a: violations of each probe",
                        [
                            "system": one.system, "arrivals": arrivals, "probe": String(place + 1),
                            "rate": Numeral.short(mix.rate(at: probe.load)),
                            "worst model %": Numeral.short(probe.worst),
                            "goodput": Numeral.short(probe.goodput),
                        ],
                        probe.violationPercent,
                        "%"
                    )
                }
            }
        }
        for arrivals in ["poisson", "bursty"] {
            let load = ideal.first { $0.arrivals == arrivals }?.load
            result.compare(found, arrivals, ideal: load)
        }
        for one in found where one.refusal == nil && !one.sketch.isEmpty {
            result.blocks.append(.text("`\(one.system)` in the end: `\(one.sketch)`"))
        }
        return result
    }
}

extension PartResult {
    /// The claim: our own system carries twice what the baseline does.
    fileprivate mutating func compare(
        _ found: [RatePart.Found],
        _ arrivals: String,
        ideal: Double?
    ) {
        func search(_ system: String) -> RateSearch? {
            found.first { $0.system == system }?.search(arrivals)
        }
        let ours = search(RatePart.ours)?.best?.load
        // A baseline that passes nowhere carries less than the least that it was tried with.
        let theirs = search(RatePart.baseline)?.reached
        let ratio = zip(ours, theirs).map { $0 / $1 }
        var notes = found.compactMap(\.refusal)
        for system in [RatePart.ours, RatePart.baseline] where search(system)?.best == nil {
            guard let bound = search(system)?.bound else { continue }
            notes.append("\(system) passes nowhere down to load \(Numeral.short(bound.load))")
        }
        if let ratio, ratio < RatePart.goal {
            notes.append("ours carries \(Numeral.short(ratio)) times the baseline's rate")
        }
        if let part = zip(ours, ideal).map({ $0 / $1 }) {
            notes.append("\(Numeral.short(part)) of what the cores allow by themselves")
        }
        check(
            "a: rate of confluence over triton, \(arrivals)",
            goal: "at least \(RatePart.goal) times",
            value: ratio,
            holds: (ratio ?? 0) >= RatePart.goal,
            note: notes.joined(separator: "; ")
        )
    }

    private func zip(_ one: Double?, _ other: Double?) -> (Double, Double)? {
        guard let one, let other, other > 0 else { return nil }
        return (one, other)
    }
}
