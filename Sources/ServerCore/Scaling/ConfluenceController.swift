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
    private(set) var standBy: Int32 = 1
    private var search = ConfluenceSearch()
    private var setting = LaneSetting(batch: 1, instances: 1)
    private var slo = TimeSpan.zero

    /// Since when the setting is in force; nil while instances come.
    private var since: Instant?
    private var ordered = Instant.zero
    /// Full batches of the setting; all batches, waits included where requests queue.
    private var full = LatencyWindow(), all = LatencyWindow()
    private var missed = 0
    private var isAborted = false
    private var idlePeriods = 0

    /// The wanted percentile over the mean, over all cells so far.
    private var tailRatio = 1.25, tailWeight = 0.0
    /// How long an instance took to come, the longest seen.
    private var startTime = TimeSpan.zero
    private var settledAt = Instant.zero
    /// How many of the last windows in a row were off, and by how much.
    private var badWindows = 0, driftWindows = 0
    /// The best rate when the present probe began.
    private var rateBefore = 0.0

    init(_ settings: ConfluenceSettings) { self.settings = settings }

    // MARK: Begin

    mutating func begin(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        slo = facts.slo ?? .zero
        seed(facts)
        let goal = goal(facts)
        setting = search.next(goal, limit: settings.probes, allows: facts.fits) ?? setting
        enter(setting, at: now)
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

    private mutating func enter(_ next: LaneSetting, at now: Instant) {
        setting = next
        standBy = max(standBy, next.instances)
        since = nil
        ordered = now
        full.clear()
        all.clear()
        missed = 0
        isAborted = false
        idlePeriods = 0
        badWindows = 0
        driftWindows = 0
        due = now + settings.period
    }

    // MARK: Watch

    mutating func observe(_ batch: EndedBatch, at now: Instant) {
        guard let since, batch.launched >= since else { return }
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
        if since == nil {
            guard facts.ready >= setting.instances, facts.starting == 0 else { return setting }
            if now - ordered > settings.period { startTime = max(startTime, now - ordered) }
            since = now
        }
        let isEnough = full.count >= settings.samples
        guard isEnough || isAborted else {
            idlePeriods += 1
            // Demand that does not fill the setting needs nothing better.
            return phase == .probing && idlePeriods >= 40 ? settle(at: now, facts) : setting
        }
        idlePeriods = 0
        switch phase {
        case .settled, .infeasible: return watch(at: now, facts)
        case .probing, .searching, .idle: return probeEnded(at: now, facts)
        }
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
        enter(next, at: now)
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
        enter(facts.clamped(next ?? search.quickest), at: now)
        settledAt = now
        return setting
    }

    // MARK: Settled

    private mutating func objectiveChanged(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        slo = facts.slo ?? .zero
        search.renew()
        return advance(at: now, facts)
    }

    private mutating func watch(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        // Half a minute without a change: what stands by may go.
        if now - settledAt > .seconds(30) { standBy = setting.instances }
        // Twice the samples of a probe: a tail is harder to know than a mean.
        guard full.count >= min(400, settings.samples * 3) else { return setting }
        let mean = Double(max(1, full.mean?.nanoseconds ?? 1))
        let known = search.model.cell(setting)?.latency ?? mean
        let tail = all.quantile(milli: facts.percentileMilli) ?? .zero
        badWindows = tail > slo ? badWindows + 1 : 0
        let isOff = mean > known * 1.15 || mean < known * 0.87
        driftWindows = isOff ? driftWindows + 1 : 0
        if driftWindows >= 2 {
            // The device or its neighbours changed: all that is known moves along.
            search.model.scale(by: mean / known)
            _ = measured(facts)
            search.renew()
            return advance(at: now, facts)
        }
        if badWindows >= 2 || (badWindows == 1 && mean > known * 1.03) {
            isAborted = true
            let cell = measured(facts)
            search.ended(cell, goal(facts), before: rateBefore)
            return phase == .infeasible ? stay(at: now) : settle(at: now, facts)
        }
        full.clear()
        all.clear()
        return setting
    }

    private mutating func stay(at now: Instant) -> LaneSetting {
        enter(setting, at: now)
        return setting
    }
}
