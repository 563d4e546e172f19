import LoadGenerator
import Reports
import ServingDomain
import Workloads

/// Part (h): what the three layers cost: processor time of a server that plans, scales and
/// foresees, less that of one that does none of it, at 5,000 requests/s on a model that costs
/// nothing.
struct OverheadPart: Sendable {
    static let network = "tiny"
    static let rate = 5_000.0
    /// The layers, and what they are held against.
    static let layers = "confluence", bare = "fifo"
    /// What the layers may take, in per cent of one core.
    static let limit = 3.0

    let bench: LiveBench

    /// Many short rounds: a machine that others slow down is another one every few seconds.
    static func rounds(_ pace: LivePace) -> Int { 2 * pace.rounds - 1 }

    /// The seconds of load that one round gives each server, warm-up included.
    static func span(_ pace: LivePace) -> Double { warmUp + 3 * pace.turn }

    private static let warmUp = 0.5

    func run() async throws -> PartResult {
        let rounds = Self.rounds(bench.pace)
        let repository = try bench.place.repository(
            "overhead",
            [(Self.network, ModelSettings(sloMs: 50))]
        )
        let ours = ServerCommand.system(Self.layers, repository: repository)
        let theirs = ServerCommand(
            Self.bare,
            repository: repository,
            flags: ["--planner", "whole", "--scaler", "none", "--policy", Self.bare]
        )
        do {
            // Both stand at the same time and take turns, so that one machine judges both.
            return try await bench.serve(ours) { ours in
                try await bench.serve(theirs) { theirs in
                    var found: [(layers: Use, bare: Use)] = []
                    for round in 1...rounds {
                        bench.say("(h) round \(round) of \(rounds)")
                        let pair = try await bench.undisturbed {
                            // Who goes first changes from round to round.
                            if round.isMultiple(of: 2) {
                                let bare = try await use(theirs)
                                return (layers: try await use(ours), bare: bare)
                            }
                            let layers = try await use(ours)
                            return (layers: layers, bare: try await use(theirs))
                        }
                        found.append(pair)
                    }
                    return Self.result(found)
                }
            }
        } catch let refusal as ServerRefusal {
            var result = PartResult()
            result.judge(nil, note: refusal.description)
            return result
        }
    }

    /// What a server took under load.
    struct Use: Hashable, Sendable {
        /// Processor time in per cent of one core.
        var percent: Double
        /// Requests answered in time per second, items per batch.
        var goodput: Double, meanBatch: Double
    }

    private func use(_ server: LiveServer) async throws -> Use {
        let pid = server.process?.pid ?? 0
        let drive = Drive(
            traffic: [.init(model: Self.network, process: .poisson(rate: Self.rate))],
            warmUp: Self.warmUp,
            seconds: Self.span(bench.pace) - Self.warmUp,
            seed: bench.options.seed
        )
        let before = ProcessorTime.now(of: pid)
        let report = try await drive.run(to: server.url)
        let after = ProcessorTime.now(of: pid)
        // By requests, not by time: connecting and draining belong to no load.
        let requests = Double(report.total.served + report.total.late) + Self.warmUp * Self.rate
        let seconds = requests / Self.rate
        return Use(
            percent: 100 * (after.process - before.process) / max(1e-9, seconds),
            goodput: report.total.goodput,
            meanBatch: report.total.meanBatch ?? 0
        )
    }

    // MARK: Arithmetic

    static func result(_ rounds: [(layers: Use, bare: Use)]) -> PartResult {
        var result = PartResult()
        for (name, uses) in [(layers, rounds.map(\.layers)), (bare, rounds.map(\.bare))] {
            let labels: KeyValuePairs = ["system": name]
            result.row("h: processor time", labels, Median.of(uses.map(\.percent)), "% of a core")
            result.row("h: goodput", labels, Median.of(uses.map(\.goodput)), "r/s")
            result.row("h: items per batch", labels, Median.of(uses.map(\.meanBatch)), "")
        }
        // Of neighbours in time, so that a machine that slows down touches both.
        let more = Median.of(rounds.map { $0.layers.percent - $0.bare.percent })
        result.judge(more, note: "median of \(rounds.count) rounds in turn, journal off")
        return result
    }
}

extension PartResult {
    fileprivate mutating func judge(_ more: Double?, note: String) {
        let rate = Int(OverheadPart.rate)
        check(
            "h: processor time of all layers at \(rate) requests/s",
            goal: "at most \(Int(OverheadPart.limit)) % of one core more than fifo alone",
            value: more,
            holds: more.map { $0 <= OverheadPart.limit } ?? false,
            note: note
        )
    }
}
