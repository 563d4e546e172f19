import ServingDomain

/// DNNScaler: a profiler chooses batching or multi-tenancy once, then that knob is steered.
///
/// The profiler measures throughput at (1, 1), at a batch of m with one instance and at n
/// instances of batch 1; the larger improvement over the first wins, batching on a tie (paper,
/// section 3; the released code has no profiler). What it measured of levels 1 and n goes on as
/// the samples from which other levels are estimated.
struct DNNScalerController: LaneController {
    private enum Stage: Sendable {
        case base, batch, level
        case chosen(any LaneController)
    }

    private let settings: ScalerSettings
    private var stage = Stage.base
    private var ownDue = Instant.distantFuture
    private var window = LatencyWindow()
    private var since: Instant?
    private var probe = LaneSetting.least
    private var milliRates: [Int64] = []
    private var latencies: [Int32: TimeSpan] = [:]
    private var batchProbe: Int32 = 1, levelProbe: Int32 = 1

    init(_ settings: ScalerSettings) { self.settings = settings }

    var due: Instant {
        if case .chosen(let controller) = stage { return controller.due }
        return ownDue
    }

    var phase: ScalingStatus.Phase {
        if case .chosen(let controller) = stage { return controller.phase }
        return .probing
    }

    /// Which knob was chosen; nil while the profiler is at work.
    var choice: ScalerSettings.Approach? {
        guard case .chosen(let controller) = stage else { return nil }
        return controller is BatchController ? .batching : .tenancy
    }

    mutating func begin(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        if settings.approach == .batching || facts.instanceCeiling == 1 {
            return choose(.batching, at: now, facts)
        }
        if settings.approach == .tenancy || facts.batchCeiling == 1 {
            return choose(.tenancy, at: now, facts)
        }
        batchProbe = min(settings.batchProbe, facts.batchCeiling)
        levelProbe = min(settings.levelProbe, facts.instanceCeiling)
        ownDue = now + settings.poll
        return probe
    }

    mutating func observe(_ batch: EndedBatch, at now: Instant) {
        if case .chosen(var controller) = stage {
            controller.observe(batch, at: now)
            stage = .chosen(controller)
        } else if let since, batch.launched >= since, batch.items == probe.batch {
            window.add(batch.latency)
        }
    }

    mutating func decide(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        if case .chosen(var controller) = stage {
            let setting = controller.decide(at: now, facts)
            stage = .chosen(controller)
            return setting
        }
        ownDue = now + settings.poll
        if since == nil {
            guard facts.ready >= probe.instances, facts.starting == 0 else { return probe }
            since = now
        }
        guard window.count >= settings.samples, let mean = window.mean, mean > .zero else {
            return probe
        }
        return advance(mean, at: now, facts)
    }

    private mutating func advance(
        _ mean: TimeSpan,
        at now: Instant,
        _ facts: LaneFacts
    ) -> LaneSetting {
        let items = Int64(probe.batch) * Int64(probe.instances)
        milliRates.append(items * 1_000_000_000_000 / mean.nanoseconds)
        if probe.batch == 1 { latencies[probe.instances] = mean }
        window.clear()
        since = nil
        switch stage {
        case .base:
            stage = .batch
            probe = LaneSetting(batch: batchProbe, instances: 1)
        case .batch:
            stage = .level
            probe = LaneSetting(batch: 1, instances: levelProbe)
        case .level, .chosen:
            // The base is common to both, so the larger rate is the larger improvement.
            let isTenancy = milliRates[2] > milliRates[1]
            return choose(isTenancy ? .tenancy : .batching, at: now, facts)
        }
        return probe
    }

    private mutating func choose(
        _ approach: ScalerSettings.Approach,
        at now: Instant,
        _ facts: LaneFacts
    ) -> LaneSetting {
        var controller: any LaneController
        switch (approach, settings.released) {
        case (.tenancy, true):
            controller = ReleasedTenancyController(settings, estimates: latencies)
        case (.tenancy, false): controller = TenancyController(settings, estimates: latencies)
        case (_, true): controller = BatchController(.released(ReleasedBatchSearch()), settings)
        case (_, false): controller = BatchController(.paper(BatchSearch()), settings)
        }
        let setting = controller.begin(at: now, facts)
        stage = .chosen(controller)
        return setting
    }
}
