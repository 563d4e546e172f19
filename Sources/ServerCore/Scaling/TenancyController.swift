import ServingDomain

/// Instances of batch 1, as many as the objective allows, as the paper means it: the wanted
/// percentile over all instances, counted from when the last change was in force.
struct TenancyController: LaneController {
    private(set) var due = Instant.distantFuture
    private(set) var phase = ScalingStatus.Phase.searching
    private let settings: ScalerSettings
    private var window = LatencyWindow()
    private var level: Int32 = 1
    /// The highest level known to hold, the lowest known not to; at `slo`.
    private var good: Int32 = 0, bad = Int32.max
    private var latencyAtGood = TimeSpan.zero
    private var slo = TimeSpan.zero
    /// When the present level was in force; nil while instances come or go.
    private var since: Instant?
    /// Mean latencies by level that the profiler or a library gave; nil = not known.
    private var estimates: [Int32: TimeSpan]

    init(_ settings: ScalerSettings, estimates: [Int32: TimeSpan] = [:]) {
        self.settings = settings
        self.estimates = estimates
    }

    mutating func begin(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        slo = facts.slo ?? .zero
        level = InitialLevel.choose(facts, probed: estimates) ?? 1
        due = now + settings.poll
        since = nil
        return LaneSetting(batch: 1, instances: level)
    }

    mutating func observe(_ batch: EndedBatch, at now: Instant) {
        if let since, batch.launched >= since { window.add(batch.latency) }
    }

    mutating func decide(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        due = now + settings.poll
        level = min(level, facts.instanceCeiling)
        if facts.slo != slo {
            slo = facts.slo ?? .zero
            (good, bad) = (0, .max)
        }
        if since == nil {
            guard facts.ready >= level, facts.starting == 0 else { return setting }
            since = now
        }
        guard window.count >= settings.samples,
            let tail = window.quantile(milli: facts.percentileMilli)
        else { return setting }
        window.clear()
        judge(tail, ceiling: facts.instanceCeiling)
        return setting
    }

    private var setting: LaneSetting { LaneSetting(batch: 1, instances: level) }

    private mutating func judge(_ tail: TimeSpan, ceiling: Int32) {
        let before = level
        if tail > slo {
            if level <= good { good = 0 }
            bad = level
            level = max(1, level - 1)
        } else {
            if level == good, bad != .max, tail < latencyAtGood.milli(850) { bad = .max }
            good = level
            latencyAtGood = tail
            let hasRoom = tail < slo.milli(ScalerSettings.bandMilli)
            if hasRoom, level + 1 < bad, level < ceiling { level += 1 }
        }
        phase = bad == 1 ? .infeasible : level == before ? .settled : .searching
        if level != before { since = nil }
    }
}

/// The level to start at: the last one whose estimated latency is below the objective
/// (paper, section 4; notes, section 4.2).
enum InitialLevel {
    /// - Parameter probed: Latencies that were measured just now, by level.
    /// - Returns: nil when nothing is known, or no level holds.
    static func choose(_ facts: LaneFacts, probed: [Int32: TimeSpan]) -> Int32? {
        guard let slo = facts.slo else { return nil }
        var best: Int32?
        for level in 1...max(1, facts.instanceCeiling) {
            let known =
                facts.estimates.first { $0.batch == 1 && $0.instances == level }?.latency
                ?? hinge(level, probed)
            if let known, slo > known { best = level }
        }
        return best
    }

    /// Flat, then proportional to the level (notes, section 4.1).
    private static func hinge(_ level: Int32, _ probed: [Int32: TimeSpan]) -> TimeSpan? {
        if let measured = probed[level] { return measured }
        guard let low = probed[1], let top = probed.keys.max(), let high = probed[top] else {
            return nil
        }
        return max(low, high.milli(Int64(level) * 1_000 / Int64(top)))
    }
}
