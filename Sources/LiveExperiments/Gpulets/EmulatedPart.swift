import Documents
import LoadGenerator
import Planning
import Reports
import ServingDomain
import Workloads

/// Part (f): gpu-lets' five networks on four emulated GPUs, at the highest rate that the server's
/// own planner calls schedulable.
///
/// Images lie in memory that client and server share: at this rate they are more than a loopback
/// on two cores carries, and the question is what the devices do.
struct EmulatedPart: Sendable {
    /// The networks with their objectives in milliseconds, those of the ATC version.
    static let networks: [(name: String, sloMs: Double)] = [
        "lenet", "googlenet", "resnet50", "ssd-mobilenet_v1", "vgg16",
    ].map { ($0, GpuletsModel.named($0)?.atcMilliseconds ?? 100) }
    static let devices = "4xrtx-2080ti"
    static let system = "confluence"
    /// Violations that are meant to be kept, in per cent.
    static let target = 1.0
    /// The parts of the highest rate that are sent, in order.
    static let parts = [0.5, 1.0]
    /// The part of it that is sent first, for the server to learn from.
    static let lesson = 0.5
    /// Beyond this the host is what is measured, not the devices.
    static let mostBusy = 0.95

    let bench: LiveBench

    func run() async throws -> PartResult {
        let repository = try bench.place.repository(
            "emulated",
            Self.networks.map { network, sloMs in
                var settings = ModelSettings(sloMs: sloMs)
                settings.maxBatch = 32
                return (network, settings)
            }
        )
        let command = ServerCommand.system(
            Self.system,
            repository: repository,
            flags: ["--emulate", Self.devices]
        )
        bench.say("(f) \(Self.system) on \(Self.devices)")
        do {
            return try await bench.serve(command) { try await drive($0) }
        } catch let refusal as ServerRefusal {
            var result = PartResult()
            result.row("f: planner's highest rate", ["system": Self.system], nil, "r/s")
            result.check(
                "f: violations at the planner's highest rate",
                goal: "at most \(Self.target) %",
                value: nil,
                holds: false,
                note: refusal.description
            )
            return result
        }
    }

    private func drive(_ server: LiveServer) async throws -> PartResult {
        // What the host takes for each batch is learned from traffic; a plan made before any
        // counts on the devices alone.
        let cold = try await highestRate(of: server)
        if let cold {
            bench.say("(f) traffic to learn from")
            _ = try await send(Self.lesson, of: cold, to: server)
        }
        let highest = try await highestRate(of: server)
        var runs: [Run] = []
        for part in highest == nil ? [] : Self.parts {
            bench.say("(f) \(Numeral.short(100 * part)) % of the planner's highest rate")
            let run = try await bench.undisturbed {
                try await send(part, of: highest ?? 0, to: server)
            }
            runs.append(run)
        }
        let sketch = (try? await server.plan().sketch) ?? ""
        var result = Self.result(highest: highest, cold: cold, runs)
        if !sketch.isEmpty { result.blocks.append(.text("In the end: `\(sketch)`")) }
        return result
    }

    /// The highest rate per network that the server's planner calls schedulable; nil = it refuses
    /// none, or all.
    private func highestRate(of server: LiveServer) async throws -> Double? {
        var search = RateSearch(start: 100, growth: 2, limit: 24, precision: 1.01)
        while let rate = search.next, rate * Double(Self.networks.count) < 1e6 {
            let told = try await server.preview(Self.demand(rate))
            search.note(
                .init(
                    load: rate,
                    violationPercent: 0,
                    worst: 0,
                    goodput: 0,
                    passes: told.plan.schedulable
                )
            )
        }
        // Where no rate is refused, nobody plans by rates.
        return search.bound == nil ? nil : search.best?.load
    }

    /// Sends a part of the highest rate, and waits until all of it is answered.
    private func send(_ part: Double, of highest: Double, to server: LiveServer) async throws -> Run
    {
        let drive = Drive(
            traffic: Self.networks.map { network, sloMs in
                let rate = part * highest
                return Drive.Traffic(model: network, process: .poisson(rate: rate), sloMs: sloMs)
            },
            warmUp: bench.pace.follow,
            seconds: bench.pace.load,
            seed: bench.options.seed,
            maxInFlight: 4_096,
            isShared: true
        )
        let pid = server.process?.pid ?? 0
        let counted = await server.deadlines()
        let before = ProcessorTime.now(of: pid)
        let report = try await drive.run(to: server.url)
        let after = ProcessorTime.now(of: pid)
        try await server.settle()
        var own: Double?
        if let counted, let now = await server.deadlines(), now.all > counted.all {
            own = 100 * (now.missed - counted.missed) / (now.all - counted.all)
        }
        return Run(
            part: part,
            report: report,
            missed: own,
            busy: after.busy(since: before, cores: bench.processors.count),
            own: (after.process - before.process) / max(1e-9, after.moment - before.moment)
        )
    }

    /// What came of a part of the highest rate.
    struct Run: Sendable {
        var part: Double
        var report: LoadReport
        /// What missed its deadline by the server's own count, warm-up included, in per cent.
        var missed: Double?
        /// How busy the host was, 0...1, and how many cores the server took.
        var busy: Double, own: Double
    }

    // MARK: Arithmetic

    /// The same rate for every network.
    static func demand(_ rate: Double) -> Demand {
        Demand(
            models: networks.map {
                Demand.Model(model: $0.name, rate: rate, slo: .milliseconds(rounding: $0.sloMs))
            }
        )
    }

    static func result(highest: Double?, cold: Double?, _ runs: [Run]) -> PartResult {
        var result = PartResult()
        let count = Double(networks.count)
        result.row(
            "f: planner's highest rate before any traffic",
            ["system": system],
            cold.map { $0 * count },
            "r/s"
        )
        let total = highest.map { $0 * count }
        result.row("f: planner's highest rate", ["system": system], total, "r/s")
        for run in runs {
            let part = "\(Numeral.short(100 * run.part)) %"
            result.row("f: goodput", ["of highest": part], run.report.total.goodput, "r/s")
            result.row("f: host busy", ["of highest": part], 100 * run.busy, "%")
            result.row(
                "f: violations by the server's own count, warm-up included",
                ["of highest": part],
                run.missed,
                "%"
            )
            result.row("f: server's own part", ["of highest": part], 100 * run.own, "% of a core")
            for line in run.report.models {
                let labels: KeyValuePairs = ["model": line.model ?? "", "of highest": part]
                result.row("f: violations", labels, Tally(line).violationPercent, "%")
            }
        }
        let whole = runs.last
        let percent = whole?.report.tally.violationPercent
        var notes: [String] = []
        if highest == nil {
            notes.append("the server's planner calls every rate schedulable, or none")
        }
        for run in runs.dropLast() {
            let found = Numeral.short(run.report.tally.violationPercent)
            notes.append("\(found) % at \(Numeral.short(100 * run.part)) % of it")
        }
        if let whole, whole.busy > mostBusy {
            let own = Numeral.short(whole.own)
            notes.append(
                "the host was busy all the time (\(own) cores of it for the server): it is what is "
                    + "measured, not the devices"
            )
        }
        if let lag = whole?.report.sendLagP99Ms {
            notes.append("p99 of the generator's own lag \(Numeral.short(lag)) ms")
        }
        result.check(
            "f: violations at the planner's highest rate",
            goal: "at most \(target) %",
            value: percent,
            holds: percent.map { $0 <= target } ?? false,
            note: notes.joined(separator: "; ")
        )
        return result
    }
}
