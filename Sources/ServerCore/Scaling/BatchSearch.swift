import ServingDomain

/// DNNScaler's "pseudo binary search" over batch sizes, as released (notes, section 3).
///
/// The candidates are 1...127, but the index may reach 127, one past the list: the released
/// program ends there with an error, this one stops deciding.
struct ReleasedBatchSearch: Hashable, Sendable {
    private static let last: Int32 = 127

    private var low: Int32 = 0
    private var high = ReleasedBatchSearch.last
    private var current: Int32 = 0
    /// Whether the index has left the list.
    private(set) var isBroken = false

    init() {}

    /// The batch that it asks for.
    var batch: Int32 { current + 1 }

    /// The batch after a window of mean `latency`.
    mutating func next(latency: TimeSpan, slo: TimeSpan) -> Int32 {
        guard !isBroken else { return batch }
        if latency < slo.milli(ScalerSettings.bandMilli) {
            guard current != Self.last else { return batch }
            if current == high {
                // The interval opens again, upwards.
                low = high
                high = Self.last
            } else {
                low = current
            }
            current = (low + high + 1) / 2
        } else if latency > slo {
            guard current != 0 else { return batch }
            if current == low {
                high = low
                low = 0
            } else {
                high = current
            }
            current = (low + high) / 2
        }
        isBroken = current == Self.last
        return batch
    }
}

/// The same search as the paper means it: it ends, and ends at the best batch that was seen to
/// hold the objective.
struct BatchSearch: Hashable, Sendable {
    /// The largest batch known to hold, 0 = none; the smallest known not to, `.max` = none.
    private var good: Int32 = 0
    private var bad = Int32.max
    private var latencyAtGood = TimeSpan.zero
    private var slo = TimeSpan.zero
    /// The batch that it asks for.
    private(set) var batch: Int32 = 1

    init() {}

    /// Whether there is nothing left to try at the present objective and ceiling.
    func isSettled(ceiling: Int32) -> Bool {
        batch == good && (good + 1 >= bad || good >= ceiling)
    }

    /// Whether even one item takes too long.
    var isInfeasible: Bool { bad == 1 }

    /// The batch after a window whose wanted percentile was `latency`.
    mutating func next(latency: TimeSpan, slo: TimeSpan, ceiling: Int32) -> Int32 {
        if slo != self.slo {
            // What was known spoke of another objective.
            self.slo = slo
            (good, bad) = (0, .max)
        }
        batch = min(batch, ceiling)
        if latency > slo {
            if batch <= good { good = 0 }
            bad = batch
            batch = max(1, good > 0 && bad - good <= 1 ? good : (good + bad) / 2)
        } else {
            if batch == good, bad != .max, latency < latencyAtGood.milli(850) {
                // The device became faster: what was too large may hold now.
                bad = .max
            }
            good = batch
            latencyAtGood = latency
            let isInBand = latency >= slo.milli(ScalerSettings.bandMilli)
            let top = min(ceiling + 1, bad)
            if !isInBand, top - good > 1 {
                batch = bad == .max ? (good + ceiling + 1) / 2 : (good + top) / 2
            }
        }
        return batch
    }
}

/// Clipper's rule (notes, section 6): four more below the band, a tenth less above it.
struct AdditiveBatch: Hashable, Sendable {
    private var index: Int32 = 0
    private var decisions = 0
    /// Whether the index has left the released list of 127.
    private(set) var isBroken = false

    init() {}

    /// The batch that it asks for.
    var batch: Int32 { index + 1 }

    /// The batch after a window whose 95th percentile was `latency`.
    ///
    /// - Parameter released: The first window is padded with -1, so the first decision always
    ///   goes up; and nothing keeps the index inside the list.
    mutating func next(
        latency: TimeSpan,
        slo: TimeSpan,
        ceiling: Int32,
        released: Bool
    ) -> Int32 {
        guard !isBroken else { return batch }
        let isFirst = decisions == 0
        decisions += 1
        if latency < slo.milli(ScalerSettings.bandMilli) || (released && isFirst) {
            index += 4
        } else if latency > slo {
            index = index * 9 / 10
        }
        if released {
            isBroken = index > 126
        } else {
            index = min(index, ceiling - 1)
        }
        return min(batch, max(1, ceiling))
    }
}
