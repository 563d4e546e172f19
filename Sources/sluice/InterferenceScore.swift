import Documents
import Experiments
import Planning
import Profiler
import ServingDomain

/// Which pairs are measured: every two models, a model beside itself included, at batch 1 and 4.
struct PairPlan {
    /// A model and its batch.
    struct Side: Hashable {
        var place: Int
        var name: String
        var batch: Int32
    }

    /// Two sides and where they sit.
    struct Pair: Hashable {
        var one: Side
        var other: Side
        var seats: PairProfiler.Seats

        var title: String {
            "\(one.name) b\(one.batch) beside \(other.name) b\(other.batch), \(seats.rawValue)"
        }
    }

    /// The batches that are combined, as far as the models take them.
    static let batches: [Int32] = [1, 4]

    let pairs: [Pair]

    init(_ subjects: [Subject]) {
        let sides = subjects.enumerated().flatMap { place, subject in
            Self.batches.filter { $0 <= subject.batchLimit }
                .map { Side(place: place, name: subject.name, batch: $0) }
        }
        var pairs: [Pair] = []
        for (place, one) in sides.enumerated() {
            for other in sides[place...] {
                for seats in PairProfiler.Seats.allCases {
                    pairs.append(Pair(one: one, other: other, seats: seats))
                }
            }
        }
        self.pairs = pairs
    }
}

extension CoRunPairs {
    /// Whether a pair has been measured already.
    func holds(_ pair: PairPlan.Pair) -> Bool {
        pairs.contains { row in
            guard let beside = row.beside.first, row.beside.count == 1 else { return false }
            return row.victim.model == pair.one.name && row.victim.batch == pair.one.batch
                && beside.model == pair.other.name && beside.batch == pair.other.batch
                && row.isShared == (pair.seats == .shared)
        }
    }
}

extension CoRunPairs.Row {
    /// Takes over a measurement.
    init(_ result: PairProfiler.Result) {
        let beside = result.beside
        self.init(
            victim: .init(
                model: result.victim.model,
                batch: result.victim.batch,
                share: result.victim.share
            ),
            beside: [.init(model: beside.model, batch: beside.batch, share: beside.share)],
            slowdown: result.slowdown,
            samples: Int64(result.samples)
        )
    }

    /// Whether all ran on one set of cores.
    var isShared: Bool { beside.reduce(victim.share) { $0 + $1.share } > 100.01 }
}

/// How well the linear model predicts what was measured: apart, together, and all in one.
struct InterferenceScore {
    /// The seats, the slowdowns that were measured (median, 90th percentile, largest), and rows
    /// and checks of the experiment.
    struct Part {
        var seats: String
        var slowdowns: [Double]
        var rows: [ResultRow]
        var checks: [ResultCheck]
    }

    let parts: [Part]

    init(_ pairs: CoRunPairs, _ profiles: [Profile]) {
        parts = ["disjoint", "shared", "both"].compactMap { seats in
            let rows = pairs.pairs.filter { row in
                seats == "both" || row.isShared == (seats == "shared")
            }
            let runs = rows.compactMap { CoRun($0, profiles) }
            guard !runs.isEmpty else { return nil }
            let (found, checks) = InterferenceExperiment.scores(of: runs, basis: .measured)
            let sorted = runs.map(\.slowdown).sorted()
            let marks = [0.5, 0.9, 1].map {
                sorted[min(sorted.count - 1, Int($0 * Double(sorted.count)))]
            }
            return Part(seats: seats, slowdowns: marks, rows: found, checks: checks)
        }
    }
}

extension CoRun {
    /// A measured pair with what its models do to the machine; nil where a profile doesn't say.
    fileprivate init?(_ row: CoRunPairs.Row, _ profiles: [Profile]) {
        guard let victim = ContentionLoad(row.victim, profiles) else { return nil }
        let others = row.beside.compactMap { ContentionLoad($0, profiles) }
        guard others.count == row.beside.count else { return nil }
        self.init(victim: victim, others: others, slowdown: row.slowdown)
    }
}

extension ContentionLoad {
    fileprivate init?(_ side: CoRunPairs.Side, _ profiles: [Profile]) {
        guard let place = profiles.firstIndex(where: { $0.model == side.model }),
            let use = profiles[place].utilization.first(where: { $0.batch == side.batch })
        else { return nil }
        self.init(
            model: ModelID(Int32(place)),
            batch: side.batch,
            utilization: Utilization(batch: use.batch, sm: use.sm, l2: use.l2, dram: use.dram),
            fraction: side.share / 100
        )
    }
}
