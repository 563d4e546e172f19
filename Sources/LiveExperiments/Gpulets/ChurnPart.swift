import Documents
import Experiments
import LoadGenerator
import Reports
import ServingDomain
import Workloads

/// Part (e): models come and go every 5 s, each time with a new plan, while others are served at
/// 80 % load: nothing is lost, and the others hardly notice.
///
/// In stretches, with quiet times before, between and after them: a shared machine is another one
/// some minutes later, so each stretch is held against the quiet times beside it. And in windows as
/// long as a quiet time, of which the median counts: a host that stands still for a second in some
/// minutes is all of the 99th percentile of a long time, and rarely met in a short one.
struct ChurnPart: Sendable {
    /// Who is served throughout, and who comes and goes.
    static let steady = ["mobilenet_v1_050", "squeezenet", "mobilenet_v2"]
    static let guest = "googlenet"
    static let system = "confluence"
    /// How busy the machine is to be, client included.
    static let busy = 0.8
    /// Seconds between two changes.
    static let period = 5.0
    /// How often the load is tried and corrected before, and for how many seconds each time.
    static let trials = 2, trial = 3.0
    /// Seconds of load between two windows that don't count: the one before is still answered.
    static let pause = 0.5
    /// How much longer the 99th percentile may be than in quiet times.
    static let allowed = 1.3

    let bench: LiveBench

    /// What a time under load came to.
    struct Phase: Sendable {
        /// Of each window in turn.
        var reports: [LoadReport]
        /// How busy the machine was, 0...1.
        var busy: Double
        /// Loads and unloads that were done, and the first that failed.
        var changes = 0, failure: String?

        /// A model's 99th percentile in milliseconds, in the median window.
        func p99(of model: String) -> Double? {
            Median.of(reports.compactMap { $0.line(of: model)?.latencyMs.p99 })
        }
    }

    func run() async throws -> PartResult {
        let mix = try LiveMix(await bench.profiles(of: Self.steady, maxBatch: 1))
        var settings = mix.settings.map { network, settings in
            // Wide enough that nobody is refused for a deadline: what is lost is lost to changes.
            var wide = settings
            wide.sloMs = max(200, 10 * (settings.sloMs ?? 0))
            return (network, wide)
        }
        settings.append((Self.guest, ModelSettings(sloMs: 500)))
        let repository = try bench.place.repository("churn", settings)
        let command = ServerCommand.system(
            Self.system,
            repository: repository,
            flags: ["--model-control-mode", "explicit"]
                + Self.steady.flatMap { ["--load-model", $0] }
        )
        do {
            return try await bench.serve(command) { try await churn($0, mix) }
        } catch let refusal as ServerRefusal {
            return Self.result(refusal: refusal.description)
        }
    }

    private func churn(_ server: LiveServer, _ mix: LiveMix) async throws -> PartResult {
        let pace = bench.pace
        let stretch = pace.churn / Double(pace.stretches)
        var load = 0.3
        // More than once, since what batches on one core or on all cost is not in proportion.
        for _ in 1...Self.trials {
            let tried = try await phase(
                server,
                mix,
                load: load,
                seconds: Self.trial,
                changes: false
            )
            load *= Self.factor(busy: tried.busy)
        }
        bench.say("(e) load \(Numeral.short(load)), quiet for \(Int(pace.quiet)) s")
        var quiet = [
            try await phase(server, mix, load: load, seconds: pace.quiet, changes: false)
        ]
        var changing: [Phase] = []
        let epochs = try await server.plan().plan.epoch ?? 0
        for number in 1...pace.stretches {
            bench.say("(e) \(number): models come and go for \(Int(stretch)) s, then quiet")
            changing.append(
                try await phase(server, mix, load: load, seconds: stretch, changes: true)
            )
            quiet.append(
                try await phase(server, mix, load: load, seconds: pace.quiet, changes: false)
            )
        }
        let plans = (try await server.plan().plan.epoch ?? 0) - epochs
        return Self.result(quiet: quiet, changing: changing, plans: plans)
    }

    private func phase(
        _ server: LiveServer,
        _ mix: LiveMix,
        load: Double,
        seconds: Double,
        changes: Bool
    ) async throws -> Phase {
        let drives = drives(mix, load: load, seconds: seconds)
        let guests = Guests()
        return try await withThrowingTaskGroup(of: Phase?.self) { group in
            group.addTask {
                let pid = server.process?.pid ?? 0
                let before = ProcessorTime.now(of: pid)
                let reports = try await bench.undisturbed {
                    var reports: [LoadReport] = []
                    for drive in drives { reports.append(try await drive.run(to: server.url)) }
                    return reports
                }
                let after = ProcessorTime.now(of: pid)
                let busy = after.busy(since: before, cores: bench.processors.count)
                return Phase(reports: reports, busy: busy)
            }
            if changes {
                group.addTask {
                    await guests.comeAndGo(server)
                    return nil
                }
            }
            var found: Phase?
            while let next = try await group.next() {
                guard let next else { continue }
                found = next
                group.cancelAll()
            }
            guard var phase = found else { throw LiveError("the load of part (e) gave no report") }
            phase.changes = await guests.changes
            phase.failure = await guests.failure
            return phase
        }
    }

    /// The windows of a phase: as long as a quiet time or nearly so, one right after the other.
    private func drives(_ mix: LiveMix, load: Double, seconds: Double) -> [Drive] {
        let windows = max(1, Int((seconds / bench.pace.quiet).rounded()))
        return (0..<windows).map { window in
            let pause = window == 0 ? 0 : Self.pause
            return Drive(
                traffic: mix.members.map { member in
                    Drive.Traffic(
                        model: member.name,
                        process: .poisson(rate: mix.rate(of: member, at: load))
                    )
                },
                warmUp: window == 0 ? bench.pace.warmUp : Self.pause,
                seconds: seconds / Double(windows) - pause,
                seed: bench.options.seed + UInt64(window)
            )
        }
    }

    // MARK: Arithmetic

    /// What a load is multiplied by, so that the machine becomes `busy`; bounded.
    static func factor(busy found: Double) -> Double {
        guard found > 0 else { return 1 }
        return min(max(busy / found, 0.3), 2.5)
    }

    static func result(refusal: String) -> PartResult {
        var result = PartResult()
        result.check(
            "e: requests lost",
            .gate,
            goal: "none",
            value: nil,
            // Nothing was lost; what is missing stands in the claim below.
            holds: true,
            note: "not run: \(refusal)"
        )
        result.check(
            "e: p99 while models come and go",
            goal: "at most \(allowed) times that of quiet times",
            value: nil,
            holds: false,
            note: refusal
        )
        return result
    }

    /// Judges stretches of changes, each by the quiet times before and after it.
    ///
    /// - Precondition: One more quiet time than stretches, and at least one stretch.
    static func result(quiet: [Phase], changing: [Phase], plans: Int64) -> PartResult {
        precondition(!changing.isEmpty && quiet.count == changing.count + 1)
        var result = PartResult()
        let ratios = result.tails(quiet: quiet, changing: changing)
        let tally = changing.flatMap(\.reports).reduce(into: Tally()) { $0 += $1.tally }
        let changes = changing.reduce(0) { $0 + $1.changes }
        result.row("e: requests while models come and go", [:], Double(tally.judged), "")
        result.row("e: loads and unloads", [:], Double(changes), "")
        result.row("e: plans made meanwhile", [:], Double(plans), "")
        for phase in changing {
            result.row("e: machine busy", ["when": "changing"], 100 * phase.busy, "%")
        }
        for phase in quiet {
            result.row("e: machine busy", ["when": "quiet"], 100 * phase.busy, "%")
        }
        let errors = changing.flatMap(\.reports).compactMap(\.total.errors.first)
        result.check(
            "e: requests lost",
            .gate,
            goal: "none of \(tally.judged) while \(changes) models came or went",
            value: Double(tally.lost),
            holds: tally.lost == 0 && tally.judged > 0,
            note: tally.lost == 0 ? "" : errors.first.map { "\($0.kind): \($0.first)" } ?? ""
        )
        let failure = changing.compactMap(\.failure).first
        result.check(
            "e: every change was made",
            goal: "at least one, and none failed",
            value: Double(changes),
            holds: changes > 0 && failure == nil,
            note: failure ?? ""
        )
        let worst = ratios.max()
        result.check(
            "e: p99 while models come and go",
            goal: "at most \(allowed) times that of quiet times, for every model, in the median "
                + "of \(changing.count)",
            value: worst,
            holds: worst.map { $0 <= allowed } ?? false,
            note: worst.map { $0 > allowed } ?? false
                ? "loading and warming share the cores with what is served" : ""
        )
        return result
    }
}

extension PartResult {
    /// Adds rows of 99th percentiles; says how many times that of the quiet times beside it each
    /// model's is, in the median of all stretches.
    fileprivate mutating func tails(
        quiet: [ChurnPart.Phase],
        changing: [ChurnPart.Phase]
    ) -> [Double] {
        var ratios: [Double] = []
        for name in changing[0].reports[0].models.map({ $0.model ?? "" }) {
            let calm = quiet.map { $0.p99(of: name) }
            let p99s = changing.map { $0.p99(of: name) }
            var each: [Double] = []
            for (place, p99) in p99s.enumerated() {
                guard let p99, let before = calm[place], let after = calm[place + 1],
                    before + after > 0
                else { continue }
                each.append(2 * p99 / (before + after))
            }
            let labels: KeyValuePairs = ["model": name, "when": "quiet"]
            row("e: p99, median", labels, Median.of(calm.compactMap(\.self)), "ms")
            let changed: KeyValuePairs = ["model": name, "when": "changing"]
            row("e: p99, median", changed, Median.of(p99s.compactMap(\.self)), "ms")
            for (place, ratio) in each.enumerated() {
                let labels: KeyValuePairs = ["model": name, "stretch": String(place + 1)]
                row("e: p99 over that of the quiet times beside it", labels, ratio, "")
            }
            if let ratio = Median.of(each) { ratios.append(ratio) }
        }
        return ratios
    }
}

/// Has a model loaded and unloaded in turn until its task is cancelled.
private actor Guests {
    private(set) var changes = 0
    private(set) var failure: String?

    func comeAndGo(_ server: LiveServer) async {
        let clock = ContinuousClock()
        var next = clock.now
        var isThere = false
        while !Task.isCancelled {
            next += .seconds(ChurnPart.period)
            try? await Task.sleep(until: next, clock: clock)
            if Task.isCancelled { break }
            do {
                if isThere {
                    try await server.unload(ChurnPart.guest)
                } else {
                    try await server.load(ChurnPart.guest)
                }
                isThere.toggle()
                changes += 1
            } catch {
                if failure == nil, !Task.isCancelled { failure = "\(error)" }
            }
        }
        if isThere { try? await server.unload(ChurnPart.guest) }
    }
}
