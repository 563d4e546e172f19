import LoadGenerator

/// What has been seen of one load, in one piece or several.
struct ProbeCount: Hashable, Sendable {
    /// By model, in the order of the report.
    private var models: [Tally]
    private var seconds: Double

    /// Counts one piece of so many seconds.
    init(_ report: LoadReport, seconds: Double) {
        models = report.models.map { Tally($0) }
        self.seconds = seconds
    }

    /// Adds another piece of the same load.
    static func += (sum: inout ProbeCount, other: ProbeCount) {
        for place in sum.models.indices { sum.models[place] += other.models[place] }
        sum.seconds += other.seconds
    }

    private var all: Tally { models.reduce(into: Tally()) { $0 += $1 } }

    /// Requests that count.
    var judged: Int { all.judged }

    /// Whether so few requests have been seen that a few more may turn the judgement, where
    /// violations come `clump` at a time.
    func isClose(clump: Double = 1) -> Bool {
        let test = SequentialTest(limitPercent: RatePart.target, clump: clump)
        return test.verdict(violated: all.violated, of: all.judged) == .open
    }

    /// Judges the load.
    func probe(at load: Double) -> RateSearch.Probe {
        RateSearch.Probe(
            load: load,
            violationPercent: all.violationPercent,
            worst: models.map(\.violationPercent).max() ?? 0,
            goodput: Double(all.served) / seconds,
            passes: all.judged > 0 && all.violationPercent <= RatePart.target
        )
    }
}
