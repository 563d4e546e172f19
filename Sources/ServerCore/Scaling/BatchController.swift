import ServingDomain

/// One instance, and a batch size that is moved window by window: DNNScaler's batching half,
/// and Clipper.
struct BatchController: LaneController {
    enum Rule: Hashable, Sendable {
        case released(ReleasedBatchSearch)
        case paper(BatchSearch)
        case clipper(AdditiveBatch)
    }

    private(set) var due = Instant.distantFuture
    private(set) var phase = ScalingStatus.Phase.searching
    private var rule: Rule
    private let settings: ScalerSettings
    private var window = LatencyWindow()
    /// Batches launched before this belong to an earlier setting.
    private var since = Instant.zero

    init(_ rule: Rule, _ settings: ScalerSettings) {
        self.rule = rule
        self.settings = settings
    }

    mutating func begin(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        due = now + settings.period
        since = now
        return LaneSetting(batch: batch, instances: 1)
    }

    private var batch: Int32 {
        switch rule {
        case .released(let search): search.batch
        case .paper(let search): search.batch
        case .clipper(let additive): additive.batch
        }
    }

    mutating func observe(_ batch: EndedBatch, at now: Instant) {
        // The released loop decides between two batches, so a window never holds two sizes.
        if batch.launched >= since { window.add(batch.latency) }
    }

    mutating func decide(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        due = now + settings.period
        guard let slo = facts.slo, isEnough else {
            return LaneSetting(batch: batch, instances: 1)
        }
        let before = batch
        // The list of the released programs ends at 127.
        let ceiling = min(facts.batchCeiling, settings.released ? 127 : 128)
        switch rule {
        case .released(var search):
            if let mean = window.mean { _ = search.next(latency: mean, slo: slo) }
            rule = .released(search)
        case .paper(var search):
            if let tail = window.quantile(milli: facts.percentileMilli) {
                _ = search.next(latency: tail, slo: slo, ceiling: ceiling)
            }
            phase =
                search.isInfeasible
                ? .infeasible : search.isSettled(ceiling: ceiling) ? .settled : .searching
            rule = .paper(search)
        case .clipper(var additive):
            if let tail = window.quantile(milli: facts.percentileMilli) {
                _ = additive.next(
                    latency: tail,
                    slo: slo,
                    ceiling: ceiling,
                    released: settings.released
                )
            }
            rule = .clipper(additive)
        }
        window.clear()
        if batch != before { since = now }
        return LaneSetting(batch: min(batch, ceiling), instances: 1)
    }

    /// The released programs decide on whatever there is; the others wait for enough batches.
    private var isEnough: Bool { settings.released || window.count >= settings.samples }
}
