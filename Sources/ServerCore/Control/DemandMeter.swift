import ServingDomain

/// What is asked of one model, and what the present plan was made for.
///
/// Samples that have passed are accounted for when it is looked at; integers only. Cost: O(1) per
/// arrival.
struct DemandMeter: Sendable {
    /// After this many empty samples nothing of an old rate is left.
    private static let memory: Int64 = 1_024

    private var sampleBegan: Int64?
    private var inSample: Int64 = 0
    /// The moving mean in millionths of a request per second; below 0 = no sample yet.
    private var mean: Int64 = -1
    /// The rate of the last sample in thousandths of a request per second, and whether it lay far
    /// above (1) or below (-1) the mean.
    private var last: (rate: Int64, side: Int64) = (0, 0)
    /// The rates of the last samples in thousandths of a request per second, as a ring.
    private var recent: [Int64] = []
    private var place = 0

    /// The rate that the present plan was made for, in thousandths of a request per second;
    /// nil = there is no plan.
    var planned: Int64?
    /// The rate that the plan in the making is for; nil = as before.
    var asked: Int64?
    /// For how many epochs in a row the target has been lower.
    var falls: Int32 = 0

    mutating func count(at now: Instant, _ rules: EpochRules) {
        roll(to: now, rules)
        inSample += 1
    }

    /// The rate to plan for, in thousandths of a request per second; nil = nothing was seen.
    mutating func target(at now: Instant, _ rules: EpochRules) -> Int64? {
        roll(to: now, rules)
        guard mean >= 0 else { return nil }
        let rate = mean / 1_000
        if rate < rules.idleMilliRate { return 0 }
        let headroom =
            rate < rules.slowMilliRate ? rules.slowHeadroomMilli : rules.headroomMilli
        let peak = recent.max() ?? 0
        return max(rate * headroom / 1_000, peak * rules.peakMilli / 1_000)
    }

    /// What was asked for by the last sample, without headroom, in thousandths of a request per
    /// second; nil = nothing was seen.
    var milliRate: Int64? { mean < 0 ? nil : mean / 1_000 }

    private mutating func roll(to now: Instant, _ rules: EpochRules) {
        guard let began = sampleBegan else {
            sampleBegan = now.nanoseconds
            return
        }
        let length = rules.sample.nanoseconds
        let passed = (now.nanoseconds &- began) / length
        guard passed > 0 else { return }
        for number in 0..<min(passed, Self.memory) {
            // Thousandths of a request per second; a sample holds at most a few million.
            let rate = number == 0 ? inSample &* 1_000_000_000_000 / length : 0
            let side = farSide(of: rate, length, rules)
            let isJump = side != 0 && side == last.side
            if isJump {
                mean = (side > 0 ? max(rate, last.rate) : (rate + last.rate) / 2) * 1_000
            } else if mean < 0 {
                mean = rate * 1_000
            } else {
                mean +=
                    (rate * 1_000 - mean) / 1_000_000 * rules.weightMicro
                    + (rate * 1_000 - mean) % 1_000_000 * rules.weightMicro / 1_000_000
            }
            last = (rate, isJump ? 0 : side)
            remember(rate, rules)
        }
        if passed >= Self.memory { mean = 0 }
        inSample = 0
        sampleBegan = began &+ passed &* length
    }

    /// On which side of the mean a sample's rate lies that is no chance any more; else 0.
    ///
    /// A count with mean n has the deviation sqrt n; both sides of the comparison are squared.
    private func farSide(of rate: Int64, _ length: Int64, _ rules: EpochRules) -> Int64 {
        guard rules.jumpDeviations > 0, mean >= 0 else { return 0 }
        // Thousandths of requests in a sample; more than three million requests are as good.
        func count(_ milliRate: Int64) -> Int64 {
            min(milliRate, 3_000_000_000_000_000_000 / length) * (length / 1_000) / 1_000_000
        }
        let expected = min(count(mean / 1_000), 3_000_000_000)
        let distance = min(count(rate), 3_000_000_000) - expected
        let allowed = Int64(rules.jumpDeviations) * Int64(rules.jumpDeviations)
        guard distance * distance > allowed * max(expected, 1_000) * 1_000 else { return 0 }
        return distance.signum()
    }

    private mutating func remember(_ rate: Int64, _ rules: EpochRules) {
        guard rules.peakMilli > 0 else { return }
        if recent.count < Int(rules.peakSamples) {
            recent.append(rate)
        } else {
            recent[place] = rate
        }
        place = (place + 1) % Int(rules.peakSamples)
    }
}
