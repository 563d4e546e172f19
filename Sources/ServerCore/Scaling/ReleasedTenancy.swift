import ServingDomain

/// DNNScaler's tenancy controller as released (notes, section 4.2), with its quirks: the mean of
/// instance 1 alone, a window that begins full of zeros and of which one slot stays zero, a hold
/// that can't see that the objective is still missed.
struct ReleasedTenancyController: LaneController {
    private(set) var due = Instant.distantFuture
    let phase = ScalingStatus.Phase.searching
    private let settings: ScalerSettings
    private var level: Int32 = 1
    private var samples: [Int64]
    private var next = 0
    private var before = TimeSpan.zero, after = TimeSpan.zero
    private var isHolding = false
    private var held = TimeSpan.zero
    private var bias = TimeSpan.zero
    private var estimates: [Int32: TimeSpan]

    init(_ settings: ScalerSettings, estimates: [Int32: TimeSpan] = [:]) {
        self.settings = settings
        self.estimates = estimates
        samples = Array(repeating: 0, count: max(2, settings.window))
    }

    mutating func begin(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        // The script breaks when no estimate fits; one instance is what is left to do.
        level = InitialLevel.choose(facts, probed: estimates) ?? 1
        bias = settings.bias
        due = now + settings.bias * Int64(level)
        return LaneSetting(batch: 1, instances: level)
    }

    mutating func observe(_ batch: EndedBatch, at now: Instant) {
        guard batch.seat == 0 else { return }
        samples[next] = min(batch.latency.nanoseconds, Int64.max >> 12)
        let written = settings.hasZeroSlot ? samples.count - 1 : samples.count
        next = (next + 1) % written
    }

    private var mean: TimeSpan {
        TimeSpan(nanoseconds: samples.reduce(0, +) / Int64(samples.count))
    }

    mutating func decide(at now: Instant, _ facts: LaneFacts) -> LaneSetting {
        due = now + settings.poll
        let setting = LaneSetting(batch: 1, instances: level)
        guard let slo = facts.slo else { return setting }
        let latency = mean
        if isHolding {
            if slo == held, before.milli(950) <= latency, latency <= after { return setting }
            isHolding = false
        }
        if latency < slo.milli(ScalerSettings.bandMilli), level < min(10, facts.instanceCeiling) {
            before = latency
            level += 1
            bias = bias + settings.bias
            due = now + settings.addWait + bias
        } else if latency > slo, level > 1 {
            after = latency
            level -= 1
            isHolding = true
            held = slo
            due = now + settings.removeWait
        }
        return LaneSetting(batch: 1, instances: level)
    }
}
