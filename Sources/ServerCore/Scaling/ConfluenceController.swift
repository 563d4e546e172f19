import ServingDomain

/// Batch size and instances at once: a few probes, a model, the knee.
///
/// It measures settings one after the other (mean latency of full batches while all instances
/// are busy), lets `ConfluenceSearch` choose the next, and holds the one of lowest latency among
/// those near the best rate. A probe that misses the objective is ended after a few batches.
/// While it searches, instances that are not wanted at the moment stand by. Afterwards it
/// watches: a new objective, a drift of the mean, or windows that miss the objective start a
/// shorter search from what is known.
struct ConfluenceController: LaneController {
    private let settings: ConfluenceSettings
    private(set) var due = Instant.distantFuture
    private(set) var phase = ScalingStatus.Phase.probing
    private(set) var loaded: Int32 = 1
    private var search = ConfluenceSearch()
    /// What is in force, and what is to be once its instances have come.
    private var setting = LaneSetting(batch: 1, instances: 1)
    private var coming: LaneSetting?
    private var slo = TimeSpan.zero

    /// Since when the setting is in force; nil before its first instance has come.
    private var since: Instant?
    private var ordered = Instant.zero
    /// Full batches of the setting; all batches, waits included where requests queue.
    private var full = LatencyWindow(), all = LatencyWindow()
    private var missed = 0
    private var isAborted = false
    private var idlePeriods = 0
    /// Batches that are not counted: the first of a size may pay for it.
    private var skipped: Int32 = 0

    /// The wanted percentile over the mean, over all cells so far.
    private var tailRatio = 1.25, tailWeight = 0.0
    /// How long an instance took to come, the longest seen.
    private var startTime = TimeSpan.zero
    private var settledAt = Instant.zero
    /// How many windows in a row had another mean than known.
    private var driftWindows = 0
    /// Whether each of the last four windows missed the objective, the last in the lowest bit.
    private var missedWindows: UInt8 = 0
    /// The best rate when the present probe began.
    private var rateBefore = 0.0

    init(_ settings: ConfluenceSettings) { self.settings = settings }

    // MARK: Begin

    mutating func begin(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        slo = facts.slo ?? .zero
        seed(facts)
        let goal = goal(facts)
        setting = search.next(goal, limit: settings.probes, allows: facts.fits) ?? setting
        enter(setting, at: now, facts)
        return setting
    }

    /// What a profile, a warm-up or an estimate says of settings that were not measured.
    private mutating func seed(_ facts: LaneFacts) {
        for estimate in facts.estimates.prefix(12)
        where estimate.units == facts.units && estimate.spreadMilli <= 300 {
            search.model.set(
                LatencyModel.Cell(
                    batch: estimate.batch,
                    instances: estimate.instances,
                    latency: Double(max(1, estimate.latency.nanoseconds)),
                    samples: 0
                )
            )
        }
    }

    /// Goes on with `next` as soon as its instances are there; until then all stays as it is.
    private mutating func enter(_ next: LaneSetting, at now: Instant, _ facts: LaneFacts) {
        loaded = max(loaded, next.instances)
        due = now + settings.period
        if facts.ready < next.instances, facts.ready > 0 {
            if coming != next { ordered = now }
            coming = next
            restMeanwhile(at: now, facts)
            return
        }
        coming = nil
        inForce(next, at: now, facts)
    }

    /// What missed the objective does not stay in force while instances come.
    private mutating func restMeanwhile(at now: Instant, _ facts: LaneFacts) {
        let goal = goal(facts)
        if let cell = search.model.cell(setting), search.holds(cell, goal) { return }
        guard search.model.cells.contains(where: { $0.samples > 0 }) else { return }
        let best = search.best(goal, kneeMilli: settings.kneeMilli)
        let rest = best.map { LaneSetting(batch: $0.batch, instances: $0.instances) }
        inForce(facts.clamped(rest ?? search.quickest), at: now, facts)
    }

    private mutating func inForce(_ next: LaneSetting, at now: Instant, _ facts: LaneFacts) {
        setting = next
        since = facts.ready > 0 ? now : nil
        skipped = 0
        full.clear()
        all.clear()
        missed = 0
        isAborted = false
        idlePeriods = 0
        missedWindows = 0
        driftWindows = 0
    }

    // MARK: Watch

    mutating func observe(_ batch: EndedBatch, at now: Instant) {
        guard let since, batch.launched >= since else { return }
        guard skipped >= setting.instances else {
            skipped += 1
            return
        }
        all.add(settings.hasQueueing ? batch.latency + batch.waited : batch.latency)
        guard batch.items >= setting.batch, batch.running >= setting.instances else { return }
        full.add(batch.latency)
        guard phase == .probing else { return }
        if batch.latency > slo { missed += 1 }
        // A fifth of the batches too late: no need to wait for the rest of the window.
        if missed >= 3, missed * 5 >= full.seen, !isAborted {
            isAborted = true
            due = now
        }
    }

    // MARK: Decide

    mutating func decide(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        due = now + settings.period
        if facts.slo != slo { return objectiveChanged(at: now, facts) }
        if setting.instances > facts.instanceCeiling || setting.batch > facts.batchCeiling {
            // A ceiling fell: instances could not be started, or batches failed.
            return settle(at: now, facts)
        }
        if let coming { return instancesCome(coming, at: now, facts) }
        if since == nil {
            guard facts.ready > 0 else { return setting }
            since = now
        }
        guard isEnough(at: now) || isAborted else {
            // Demand that does not fill the setting needs nothing better.
            idlePeriods = all.count >= 2 * settings.samples || all.count == 0 ? idlePeriods + 1 : 0
            return phase == .probing && idlePeriods >= 40 ? settle(at: now, facts) : setting
        }
        idlePeriods = 0
        switch phase {
        case .settled, .infeasible: return watch(at: now, facts)
        case .probing, .searching, .idle: return probeEnded(at: now, facts)
        }
    }

    /// Enough batches, or a third of them after a long time: a video takes seconds.
    private func isEnough(at now: Instant) -> Bool {
        if full.count >= settings.samples { return true }
        guard let since, full.count * 3 >= settings.samples else { return false }
        return now - since >= settings.period * 40
    }

    private mutating func instancesCome(
        _ next: LaneSetting,
        at now: Instant,
        _ facts: LaneFacts
    ) -> LaneSetting {
        if facts.instanceCeiling < next.instances || facts.batchCeiling < next.batch {
            coming = nil
            loaded = setting.instances
            return advance(at: now, facts)
        }
        guard facts.ready >= next.instances else { return setting }
        startTime = max(startTime, now - ordered)
        enter(next, at: now, facts)
        return setting
    }

    private mutating func probeEnded(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        let cell = measured(facts)
        search.ended(cell, goal(facts), before: rateBefore)
        return advance(at: now, facts)
    }

    private mutating func advance(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        let goal = goal(facts)
        rateBefore = search.best(goal, kneeMilli: 1_000)?.rate ?? 0
        guard let next = search.next(goal, limit: settings.probes, allows: facts.fits) else {
            return settle(at: now, facts)
        }
        phase = .probing
        enter(next, at: now, facts)
        return setting
    }

    /// Takes the window over into the model.
    private mutating func measured(_ facts: LaneFacts) -> LatencyModel.Cell {
        let mean = Double(max(1, full.mean?.nanoseconds ?? 1))
        if !isAborted, let tail = full.quantile(milli: facts.percentileMilli) {
            let weight = Double(full.count)
            tailRatio =
                (tailRatio * tailWeight + Double(tail.nanoseconds) / mean * weight)
                / (tailWeight + weight)
            tailWeight = min(tailWeight + weight, 2_000)
        }
        let cell = LatencyModel.Cell(
            batch: setting.batch,
            instances: setting.instances,
            latency: mean,
            samples: full.count,
            isAborted: isAborted
        )
        search.model.set(cell)
        return cell
    }

    private func goal(_ facts: LaneFacts) -> ConfluenceSearch.Goal {
        let aim = Double(slo.nanoseconds) * Double(settings.guardMilli) / 1_000
        let start = max(facts.startTime, startTime)
        return ConfluenceSearch.Goal(
            target: aim / max(1, tailRatio),
            hasQueueing: settings.hasQueueing,
            batchCeiling: facts.batchCeiling,
            instanceCeiling: facts.instanceCeiling,
            kneeMilli: settings.kneeMilli,
            startPrice: Double(start.nanoseconds) / Double(max(1, settings.patience.nanoseconds)),
            loaded: max(1, facts.ready + facts.starting)
        )
    }

    private mutating func settle(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        let found = search.best(goal(facts), kneeMilli: settings.kneeMilli)
        phase = found == nil ? .infeasible : .settled
        if search.model.cells.allSatisfy({ $0.samples == 0 }) { phase = .settled }
        let next = found.map { LaneSetting(batch: $0.batch, instances: $0.instances) }
        enter(facts.clamped(next ?? search.quickest), at: now, facts)
        settledAt = now
        return setting
    }

    // MARK: Settled

    private mutating func objectiveChanged(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        slo = facts.slo ?? .zero
        search.renew(designing: true)
        search.model.forgive()
        // What holds is in force at once; what may be better is looked for after that.
        if let held = search.best(goal(facts), kneeMilli: settings.kneeMilli) {
            enter(LaneSetting(batch: held.batch, instances: held.instances), at: now, facts)
        }
        return advance(at: now, facts)
    }

    private mutating func watch(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        // Half a minute without a change: what stands by may go.
        if now - settledAt > .seconds(30) { loaded = setting.instances }
        // Twice the samples of a probe: a tail is harder to know than a mean.
        guard full.count >= min(400, settings.samples * 3) else { return setting }
        let mean = Double(max(1, full.mean?.nanoseconds ?? 1))
        let known = search.model.cell(setting)?.latency ?? mean
        let tail = all.quantile(milli: facts.percentileMilli) ?? .zero
        missedWindows = (missedWindows << 1 | (tail > slo ? 1 : 0)) & 0b1111
        let isOff = mean > known * 1.15 || mean < known * 0.87
        driftWindows = isOff ? driftWindows + 1 : 0
        if driftWindows >= 2 {
            // The device or its neighbours changed: all that is known moves along.
            search.model.scale(by: mean / known)
            _ = measured(facts)
            search.renew(designing: false)
            return advance(at: now, facts)
        }
        if missedWindows.nonzeroBitCount >= 2 {
            isAborted = true
            let cell = measured(facts)
            search.ended(cell, goal(facts), before: rateBefore)
            return phase == .infeasible ? stay(at: now, facts) : settle(at: now, facts)
        }
        full.clear()
        all.clear()
        return setting
    }

    private mutating func stay(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        enter(setting, at: now, facts)
        return setting
    }
}
