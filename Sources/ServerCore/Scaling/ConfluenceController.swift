import ServingDomain

/// Batch size and instances at once: a few probes, a model, the knee.
///
/// It measures settings one after the other (mean latency of full batches while all instances
/// are busy), lets `ConfluenceSearch` choose the next, and holds the one of lowest latency among
/// those near the best rate. A probe that misses the objective is ended after a few batches.
/// Where a plan rests on a profile and there is one instance only, it begins there, and leaves
/// what is too slow for the demand as soon; else it measures longer, since all rests on that.
/// While it searches, instances that are not wanted at the moment stand by. Afterwards it
/// watches: a new objective, a drift of the mean, or windows that miss the objective start a
/// shorter search from what is known.
struct ConfluenceController: LaneController {
    private let settings: ConfluenceSettings
    private(set) var due = Instant.distantFuture
    private(set) var phase = ScalingStatus.Phase.probing
    private(set) var loaded: Int32 = 1
    private(set) var settled: SettledLane?
    private var search = ConfluenceSearch()
    /// What is in force, and what is to be once its instances have come.
    private var setting = LaneSetting.least
    private var coming: LaneSetting?
    private var slo = TimeSpan.zero
    private var percentileMilli: Int32 = 950

    /// Since when the setting is in force; nil before its first instance has come.
    private var since: Instant?
    private var ordered = Instant.zero
    /// Full batches of the setting; all, waits included where requests queue.
    private var full = LatencyWindow(), all = LatencyWindow()
    private var missed = 0
    private var isAborted = false
    /// Batches that had waited till the last moment, and whether the setting is left for that.
    private var delayed = 0, isTooSlow = false
    /// Whether it began where a plan that rests on a profile says.
    private var followsProfile = false
    private var idlePeriods = 0
    /// Batches that are not counted: the first of a size may pay for it.
    private var skipped: Int32 = 0

    private var spread = LatencySpread()
    /// How long an instance took to come, the longest seen.
    private var startTime = TimeSpan.zero
    private var settledAt = Instant.zero
    /// How many windows in a row had another mean than known.
    private var driftWindows = 0
    /// Batches of the setting since it was settled, and those beyond the objective.
    private var watched = 0, late = 0
    /// How often the setting changed since the objective did.
    private var decisions = 1
    /// Whether the search went on once more with what watching told.
    private var isRefined = false
    /// The best rate when the present probe began.
    private var rateBefore = 0.0

    init(_ settings: ConfluenceSettings) { self.settings = settings }

    // MARK: Begin

    mutating func begin(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        slo = facts.slo ?? .zero
        percentileMilli = facts.percentileMilli
        search.model.set(facts.estimates, units: facts.units)
        let goal = goal(facts)
        // Batches of one are slow: where a plan rests on a profile, nobody measures them. But no
        // profile says what several instances do to each other.
        let one =
            facts.planned.batch > 1 && facts.instanceCeiling == 1
            ? facts.surface?.latency(batch: 1, units: facts.units) : nil
        if let one { search.model.set(.known(.least, latency: one, error: 0.1)) }
        followsProfile = one != nil
        // What was settled before went into the plan; there is no need to begin from nothing.
        let first =
            facts.followsSettled || followsProfile
            ? facts.clamped(facts.planned)
            : search.next(goal, limit: settings.probes, allows: facts.fits)
        setting = first ?? setting
        return enter(setting, at: now, facts)
    }

    /// Goes on with `next` as soon as its instances are there; until then all stays as it is.
    @discardableResult
    private mutating func enter(
        _ next: LaneSetting,
        at now: Instant,
        _ facts: LaneFacts
    ) -> LaneSetting {
        loaded = max(loaded, next.instances)
        due = now + settings.period
        if facts.ready < next.instances, facts.ready > 0 {
            if coming != next { ordered = now }
            coming = next
            restMeanwhile(at: now, facts)
            return setting
        }
        coming = nil
        inForce(next, at: now, facts)
        return setting
    }

    /// What missed the objective does not stay in force while instances come.
    private mutating func restMeanwhile(at now: Instant, _ facts: LaneFacts) {
        let goal = goal(facts)
        if let cell = search.model.cell(setting), search.holds(cell, goal) { return }
        guard search.model.cells.contains(where: { $0.samples > 0 }) else { return }
        let best = search.best(goal, kneeMilli: settings.kneeMilli)
        inForce(facts.clamped(best?.setting ?? search.quickest), at: now, facts)
    }

    private mutating func inForce(_ next: LaneSetting, at now: Instant, _ facts: LaneFacts) {
        if next != setting { decisions += 1 }
        setting = next
        settled = nil
        since = facts.ready > 0 ? now : nil
        skipped = 0
        full.clear()
        all.clear()
        missed = 0
        isAborted = false
        delayed = 0
        isTooSlow = false
        idlePeriods = 0
        (watched, late) = (0, 0)
        driftWindows = 0
    }

    // MARK: Watch

    mutating func observe(_ batch: EndedBatch, at now: Instant) {
        guard let since, batch.launched >= since else { return }
        guard skipped >= setting.instances else {
            skipped += 1
            // What runs beside them may be the first of its size, too.
            if skipped == setting.instances { self.since = now }
            return
        }
        // A longer wait than for the next place to become free is a backlog, which says that the
        // setting is too slow for the demand, not that its batches are.
        let turn = TimeSpan(nanoseconds: batch.latency.nanoseconds / Int64(setting.instances))
        let latency = batch.latency + (settings.hasQueueing ? min(batch.waited, turn) : .zero)
        all.add(latency)
        if latency > slo { late += 1 }
        guard batch.items >= setting.batch, batch.running >= setting.instances else { return }
        full.add(batch.latency)
        guard phase == .probing else { return }
        if batch.latency > slo { missed += 1 }
        // Whoever would come too late is not launched any more: nobody waits beyond the objective.
        let lastMoment = TimeSpan(nanoseconds: slo.nanoseconds / 10 * 9)
        if settings.hasQueueing, batch.latency + batch.waited > lastMoment { delayed += 1 }
        if !isAborted, full.seen >= 8, isTooOften(missed, of: full.seen) {
            isAborted = true
            due = now
        }
        // Requests miss their objective for every further batch of what can't keep up.
        guard followsProfile, !isTooSlow, full.seen >= 12, isTooOften(delayed, of: full.seen),
            isSlowerThanBest
        else { return }
        isTooSlow = true
        due = now
    }

    /// Whether a better setting than the one in force was measured.
    private var isSlowerThanBest: Bool {
        guard let mean = full.mean, mean > .zero else { return false }
        let items = Double(setting.batch) * Double(setting.instances)
        return items / Double(mean.nanoseconds) < 0.97 * rateBefore
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
        guard isEnough(at: now) || isAborted || isTooSlow else {
            // Demand that does not fill the setting needs nothing better.
            idlePeriods = all.count >= 2 * settings.samples || all.count == 0 ? idlePeriods + 1 : 0
            return phase == .probing && idlePeriods >= 40 ? rest(at: now, facts) : setting
        }
        idlePeriods = 0
        switch phase {
        case .settled, .infeasible: return watch(at: now, facts)
        case .probing, .searching, .idle: return probeEnded(at: now, facts)
        }
    }

    /// Whether so many late batches can hardly be chance: two and a half standard errors and two
    /// batches above the part that the objective lets pass.
    private func isTooOften(_ late: Int, of all: Int) -> Bool {
        let part = 1 - Double(percentileMilli) / 1_000
        let expected = part * Double(all)
        return Double(late) > expected + 2.5 * (expected * (1 - part)).squareRoot() + 2
    }

    /// Whether the mean is known well enough, or as well as may be in a long time.
    private func isEnough(at now: Instant) -> Bool {
        guard full.count * 4 >= settings.samples else { return false }
        if full.count >= 512 { return true }
        let waited = since.map { now - $0 } ?? .zero
        guard full.count * 2 >= settings.samples else { return waited >= settings.period * 120 }
        let wanted = search.isDesigned ? 0.02 : 0.012
        return full.relativeError <= wanted
            || waited >= settings.period * (search.isDesigned ? 20 : 60)
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
        return enter(next, at: now, facts)
    }

    private mutating func probeEnded(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        let cell = measured(facts)
        search.ended(cell, goal(facts), before: rateBefore)
        return advance(at: now, facts)
    }

    private mutating func advance(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        let goal = goal(facts)
        rateBefore = search.best(goal, kneeMilli: 1_000)?.rate ?? 0
        // The last but one decision is to settle; one is left for what watching may tell.
        guard decisions + 2 <= settings.decisions,
            let next = search.next(goal, limit: settings.probes, allows: facts.fits)
        else {
            return settle(at: now, facts)
        }
        phase = .probing
        return enter(next, at: now, facts)
    }

    /// Takes the window over into the model.
    ///
    /// - Parameter known: What it was measured to take before, if that still counts.
    private mutating func measured(
        _ facts: LaneFacts,
        with known: LatencyModel.Cell? = nil
    ) -> LatencyModel.Cell {
        let mean = Double(max(1, full.mean?.nanoseconds ?? 1))
        let tail = isAborted ? nil : full.quantile(milli: facts.percentileMilli)
        let error = spread.note(full, tail: tail.map { Double($0.nanoseconds) }, mean: mean)
        var cell = LatencyModel.Cell(
            batch: setting.batch,
            instances: setting.instances,
            latency: mean,
            samples: full.count,
            error: error,
            isAborted: isAborted
        )
        if let known, known.samples > 0 { cell.merge(known) }
        search.model.set(cell)
        search.model.fit()
        return cell
    }

    private func goal(_ facts: LaneFacts) -> ConfluenceSearch.Goal {
        let aim = Double(slo.nanoseconds) * Double(settings.guardMilli) / 1_000
        let start = max(facts.startTime, startTime)
        return ConfluenceSearch.Goal(
            target: aim / max(1, spread.tailRatio),
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
        enter(facts.clamped(found?.setting ?? search.quickest), at: now, facts)
        settledAt = now
        handOver(facts)
        return setting
    }

    /// Settles on a setting that demand does not fill, if what came of it was in time: the best
    /// that was measured may be too slow for the very demand that fills no larger one.
    private mutating func rest(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        guard all.seen > 0, !isTooOften(late, of: all.seen) else { return settle(at: now, facts) }
        phase = .settled
        enter(facts.clamped(setting), at: now, facts)
        settledAt = now
        handOver(facts)
        return setting
    }

    // MARK: Settled

    private mutating func objectiveChanged(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        slo = facts.slo ?? .zero
        decisions = 0
        isRefined = false
        search.renew(designing: true)
        search.model.forgive()
        // What holds is in force at once; what may be better is looked for after that.
        if let held = search.best(goal(facts), kneeMilli: settings.kneeMilli) {
            enter(held.setting, at: now, facts)
        }
        return advance(at: now, facts)
    }

    private mutating func watch(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        // Half a minute without a change: what stands by may go.
        if now - settledAt > .seconds(30) { loaded = setting.instances }
        guard full.count >= settings.samples else { return setting }
        watched += all.count
        let mean = Double(max(1, full.mean?.nanoseconds ?? 1))
        let cell = search.model.cell(setting)
        let known = cell?.latency ?? mean
        driftWindows = mean > known * 1.15 || mean < known * 0.87 ? driftWindows + 1 : 0
        if driftWindows >= 2 {
            // The device or its neighbours changed: all that is known moves along.
            search.model.scale(by: mean / known)
            _ = measured(facts)
            decisions = 0
            isRefined = false
            search.renew(designing: false)
            return advance(at: now, facts)
        }
        if isTooOften(late, of: watched) || cell.map({ isBeyond($0, facts) }) ?? false {
            isAborted = true
            let cell = measured(facts)
            search.ended(cell, goal(facts), before: rateBefore)
            guard phase != .infeasible else { return enter(setting, at: now, facts) }
            // Each setting is given up once, so this ends.
            decisions = min(decisions, max(0, settings.decisions - 4))
            search.renew(designing: false)
            return advance(at: now, facts)
        }
        // Old batches count less and less.
        if watched > 4_000 { (watched, late) = (watched / 2, late / 2) }
        if driftWindows == 0 { _ = measured(facts, with: cell) }
        full.clear()
        all.clear()
        let next = refined(at: now, facts)
        handOver(facts)
        return next
    }

    private mutating func handOver(_ facts: LaneFacts) {
        let rests = phase == .settled && coming == nil
        settled = rests ? search.settled(setting, goal(facts), facts) : nil
    }

    /// Whether a mean that is well known lies beyond what the objective allows.
    private func isBeyond(_ cell: LatencyModel.Cell, _ facts: LaneFacts) -> Bool {
        cell.error <= 0.007
            && cell.latency * Double(settings.guardMilli) / 1_000
                > 1.005 * goal(facts).limit(cell.instances)
    }

    /// Longer watching knows the setting better, and with it the lines: another known setting may
    /// turn out to be the better one, and once the search goes on.
    private mutating func refined(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        let goal = goal(facts)
        guard phase == .settled, decisions < settings.decisions,
            let cell = search.model.cell(setting)
        else { return setting }
        // Whether it holds is for the late batches to say; a mean near the limit says little.
        let present = search.steadied(cell).rate
        if let better = search.best(goal, kneeMilli: settings.kneeMilli),
            better.setting != setting,
            better.rate > present * (1.012 + search.price(better.setting, goal))
        {
            return enter(better.setting, at: now, facts)
        }
        guard !isRefined, cell.error <= 0.01 else { return setting }
        isRefined = true
        search.renew(designing: false)
        rateBefore = present
        guard decisions + 2 <= settings.decisions,
            let next = search.next(goal, limit: 2, hoping: false, allows: facts.fits)
        else { return setting }
        phase = .probing
        return enter(next, at: now, facts)
    }
}
