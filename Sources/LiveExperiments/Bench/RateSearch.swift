/// The highest load that passes, by few probes: growing or shrinking until one passes and one
/// fails, then the geometric middle. A load that fails by far is left by two steps at once.
///
/// Only loads between the highest that passed and the lowest that failed are tried, so what it
/// says never contradicts itself; that real servers sometimes pass where they failed before is
/// what `probes` is kept for.
struct RateSearch: Hashable, Sendable {
    /// One load and what came of it.
    struct Probe: Hashable, Sendable {
        /// The load.
        var load: Double
        /// Violations in per cent, over all requests and of the worst model.
        var violationPercent: Double, worst: Double
        /// Requests served in time per second.
        var goodput: Double
        /// Whether it passes.
        var passes: Bool

        /// Creates a probe.
        init(
            load: Double,
            violationPercent: Double,
            worst: Double,
            goodput: Double,
            passes: Bool
        ) {
            self.load = load
            self.violationPercent = violationPercent
            self.worst = worst
            self.goodput = goodput
            self.passes = passes
        }
    }

    /// Violations in per cent that are far from any that pass.
    static let farPercent = 10.0

    /// Where it begins, by how much it grows, how many probes there may be, and how close a pass
    /// and a failure are close enough.
    let start: Double, growth: Double, limit: Int, precision: Double
    /// Below this it does not look: there a probe sees too few requests to say anything.
    let least: Double
    /// All probes, in order.
    private(set) var probes: [Probe] = []

    /// Begins a search.
    init(
        start: Double,
        growth: Double = 1.6,
        limit: Int,
        precision: Double = 1.05,
        least: Double = 0
    ) {
        precondition(start > 0 && growth > 1 && limit >= 1 && precision > 1)
        self.start = max(start, least)
        self.least = least
        self.growth = growth
        self.limit = limit
        self.precision = precision
    }

    /// The highest load that passed; nil where none did.
    var best: Probe? { probes.filter(\.passes).max { $0.load < $1.load } }

    /// The lowest load that failed; nil where none did.
    var bound: Probe? { probes.filter { !$0.passes }.min { $0.load < $1.load } }

    /// The highest load that passed; where none did, the lowest that failed.
    var reached: Double? { (best ?? bound)?.load }

    /// What to try next; nil when it is over.
    var next: Double? {
        guard probes.count < limit else { return nil }
        switch (best, bound) {
        case (nil, nil): return start
        case (let best?, nil): return best.load * growth
        case (nil, let bound?):
            let isFar = bound.violationPercent > Self.farPercent
            guard bound.load > least else { return nil }
            return max(least, bound.load / (isFar ? growth * growth : growth))
        case (let best?, let bound?):
            guard bound.load > best.load * precision else { return nil }
            return (best.load * bound.load).squareRoot()
        }
    }

    /// Takes note of what came of `next`.
    mutating func note(_ probe: Probe) { probes.append(probe) }
}
