import Documents
import Glibc
import LoadGenerator
import Reports
import ServingDomain
import Workloads

/// Part (b): six models whose rates rise and fall against each other while plans follow.
struct FluctuationPart: Sendable {
    /// The systems: ours, and one that never plans anew.
    static let systems = ["confluence", "edf"]
    /// The mean load.
    static let load = 0.35
    /// How far rates swing around their mean.
    static let swing = 0.7
    /// Violations that are meant to be kept, in per cent.
    static let target = 1.0
    /// What a plan may take, in milliseconds.
    static let planLimit = 50.0

    let bench: LiveBench
    let mix: LiveMix

    /// How a server stood at one moment.
    struct Look: Hashable, Sendable {
        /// Seconds since the begin of the load.
        var at: Double
        /// The number of the plan, and the sum of its rates.
        var epoch: Int64, planned: Double
        /// How long a question for a plan took, from here, in milliseconds.
        var answerMs: Double
    }

    /// What came of one system.
    struct Found: Sendable {
        var system: String
        var report: LoadReport?
        var looks: [Look] = []
        var refusal: String?

        /// How often the plan changed.
        var changes: Int {
            zip(looks, looks.dropFirst()).filter { $0.epoch != $1.epoch }.count
        }
    }

    func run() async throws -> PartResult {
        let repository = try bench.place.repository("waves", mix.settings)
        var found: [Found] = []
        for system in Self.systems {
            bench.say("(b) \(system)")
            do {
                let command = ServerCommand.system(system, repository: repository)
                found.append(
                    try await bench.serve(command) { server in
                        try await bench.undisturbed { try await wave(server) }
                    }
                )
            } catch let refusal as ServerRefusal {
                found.append(Found(system: system, refusal: refusal.description))
            }
        }
        return Self.result(found, seconds: length, mix)
    }

    /// Two waves, each long enough for plans to follow.
    private var length: Double { bench.pace.load * 1.5 }

    private func wave(_ server: LiveServer) async throws -> Found {
        let drive = Drive(
            traffic: Self.traffic(mix, seconds: bench.pace.follow + length),
            warmUp: bench.pace.follow,
            seconds: length,
            seed: bench.options.seed
        )
        return try await withThrowingTaskGroup(of: Found?.self) { group in
            group.addTask {
                Found(system: server.name, report: try await drive.run(to: server.url))
            }
            let looks = LookBook()
            group.addTask {
                await looks.keep(server, mix)
                return nil
            }
            var found = Found(system: server.name)
            while let next = try await group.next() {
                guard let next else { continue }
                found = next
                group.cancelAll()
            }
            found.looks = await looks.looks
            return found
        }
    }

    // MARK: Arithmetic

    /// Rates that swing by `swing` around a load of `load`, twice within `seconds`; every other
    /// model is at its peak when the rest is lowest.
    static func traffic(_ mix: LiveMix, seconds: Double) -> [Drive.Traffic] {
        mix.members.enumerated().map { place, member in
            let mean = mix.rate(of: member, at: load)
            let steps = RateSteps(
                step: .milliseconds(500),
                duration: .milliseconds(rounding: seconds * 1_000 + 500)
            ) { moment in
                let phase = place.isMultiple(of: 2) ? 0 : Double.pi
                return mean * (1 + swing * sin(4 * Double.pi * moment / seconds + phase))
            }
            return Drive.Traffic(
                model: member.name,
                process: .steps(steps),
                sloMs: member.sloMs
            )
        }
    }

    static func result(_ found: [Found], seconds: Double, _ mix: LiveMix) -> PartResult {
        var result = PartResult()
        for one in found {
            let tally = one.report?.tally
            let labels: KeyValuePairs = ["system": one.system]
            result.row("b: violations", labels, tally?.violationPercent, "%")
            result.row("b: goodput", labels, one.report?.total.goodput, "r/s")
            result.row("b: changes of plan", labels, tally.map { _ in Double(one.changes) }, "")
            for line in one.report?.models ?? [] {
                result.row(
                    "b: violations by model",
                    ["model": line.model ?? "", "system": one.system],
                    Tally(line).violationPercent,
                    "%"
                )
            }
        }
        result.judge(found)
        if let chart = chart(found, seconds: seconds, mix) { result.blocks.append(.chart(chart)) }
        return result
    }

    private static func chart(_ found: [Found], seconds: Double, _ mix: LiveMix) -> Chart? {
        guard let ours = found.first, !ours.looks.isEmpty else { return nil }
        let offered = (0...100).map { step -> Series.Point in
            let moment = seconds * Double(step) / 100
            let rate = mix.members.enumerated().reduce(0) { sum, entry in
                let phase = entry.offset.isMultiple(of: 2) ? 0 : Double.pi
                let wave = 1 + swing * sin(4 * Double.pi * moment / seconds + phase)
                return sum + mix.rate(of: entry.element, at: load) * wave
            }
            return Series.Point(moment, rate)
        }
        return Chart(
            "Rates offered and planned",
            caption: "All six models together; a step of the planned rate is a new plan.",
            width: .full,
            .lines(
                LineChart(
                    x: .fromZero("time, s"),
                    y: .fromZero("requests/s"),
                    series: [
                        Series("offered", offered),
                        Series(
                            "planned by \(ours.system)",
                            ours.looks.map { .init($0.at, $0.planned) },
                            style: .step,
                            isDashed: true
                        ),
                    ]
                )
            )
        )
    }
}

extension PartResult {
    fileprivate mutating func judge(_ found: [FluctuationPart.Found]) {
        guard let ours = found.first else { return }
        let tally = ours.report?.tally
        let percent = tally?.violationPercent
        check(
            "b: violations of \(ours.system)",
            goal: "at most \(FluctuationPart.target) % while rates swing by 70 %",
            value: percent,
            holds: percent.map { $0 <= FluctuationPart.target } ?? false,
            note: ours.refusal ?? ""
        )
        check(
            "b: plans follow",
            goal: "the plan changes at least once",
            value: tally.map { _ in Double(ours.changes) },
            holds: ours.changes >= 1,
            note: ours.refusal ?? ""
        )
        let answers = ours.looks.map(\.answerMs).sorted()
        let median = answers.isEmpty ? nil : answers[answers.count / 2]
        check(
            "b: time for a plan",
            goal: "at most \(Int(FluctuationPart.planLimit)) ms",
            value: median,
            holds: median.map { $0 <= FluctuationPart.planLimit } ?? false,
            note: ours.refusal
                ?? "median of POST /v1/plan under load, the way there and back included"
        )
    }
}

/// Looks at a server's plan twice a second until its task is cancelled.
private actor LookBook {
    private(set) var looks: [FluctuationPart.Look] = []

    func keep(_ server: LiveServer, _ mix: LiveMix) async {
        let clock = ContinuousClock()
        let began = clock.now
        while !Task.isCancelled {
            let asked = clock.now
            if let told = try? await server.plan() {
                let preview = clock.now
                let isAnswered = (try? await server.preview(mix.demand(at: 0.3))) != nil
                let answerMs = (clock.now - preview) / .milliseconds(1)
                looks.append(
                    FluctuationPart.Look(
                        at: (asked - began) / .seconds(1),
                        epoch: told.plan.epoch ?? 0,
                        planned: told.plan.devices.flatMap(\.gpulets).flatMap(\.lanes)
                            .reduce(0) { $0 + $1.rate },
                        answerMs: isAnswered ? answerMs : .infinity
                    )
                )
            }
            try? await Task.sleep(for: .milliseconds(500))
        }
    }
}
