import ServingDomain

/// The test that a gpulet must pass.
enum CapacityRule: Hashable {
    /// At most a quarter of the allowed violations by `BatchQueue` and `SharedQueue`.
    ///
    /// Late requests come in bursts, so a minute may well show twice the mean; in return for the
    /// rest of the target a lane loses some hundredths of its load.
    case queue
    /// The papers': twice the batch, or filling and running it, within the objective.
    case paper

    /// The part of a target that is planned for.
    static let plannedTarget = 0.25
    /// The part of it that a finished lane may show, since the table is not exact.
    static let promisedTarget = 0.3
    /// Beside co-runners everything may take this many times longer than the model says: 90 % of
    /// gpu-lets' predictions were within 10.26 % (its notes, section 6), and a lane that is a
    /// tenth too slow does not lose a tenth but, with its queue, nearly everything.
    static let contentionError = 1.1
    /// Without an objective a lane is kept this busy at most.
    static let freeLoad = 0.9

    // MARK: One model alone on a gpulet

    /// The most that a choice serves beside co-runners, in thousandths of a request per second.
    func cap(of choice: SeatChoice, slowdown: Double, for want: ModelWant) -> Double {
        let time = choice.time * slowdown
        let full = Double(choice.batch) * Double(choice.instances) / time * 1e6
        guard want.objective.isFinite else { return full * Self.freeLoad / want.reserve }
        switch self {
        case .paper:
            let fill =
                time * Double(choice.batch - 1)
                / (Double(choice.batch) * Double(choice.instances))
            guard time + min(time, fill) <= want.objective else { return 0 }
            return full / want.reserve
        case .queue:
            guard let row = want.row else { return 0 }
            let patience = (want.objective - choice.spread * slowdown) / time
            let load = CapacityTable.load(choice.loads, patience: patience)
            guard choice.instances > 1 else { return full * load / want.reserve }
            // As if each had its own queue; or behind one queue, without what batches gain.
            let count = Int(choice.instances)
            let shared = PoolTable.load(servers: count, patience: patience, row: row)
            return full * max(load, shared / Double(choice.batch)) / want.reserve
        }
    }

    /// Whether a choice serves `milliRate`.
    func serves(
        _ milliRate: Int64,
        _ choice: SeatChoice,
        slowdown: Double,
        for want: ModelWant
    ) -> Bool {
        let rate = Double(milliRate)
        if rate <= cap(of: choice, slowdown: slowdown, for: want) {
            guard self == .paper, want.objective.isFinite else { return true }
            let time = choice.time * slowdown
            return 2 * time <= want.objective
                || Double(choice.batch - 1) * 1e6 / rate + time <= want.objective
        }
        guard self == .paper, want.objective.isFinite else { return false }
        // Below the highest rate of this batch it may still fill in time.
        let time = choice.time * slowdown
        let full = Double(choice.batch) * Double(choice.instances) / time * 1e6
        return rate * want.reserve <= full
            && Double(choice.batch - 1) * 1e6 / rate + time <= want.objective
    }

    /// The most that one gpulet of this size serves while nobody disturbs it.
    func highest(of size: SizeOffer, for want: ModelWant) -> Double {
        size.choices.reduce(0) { max($0, cap(of: $1, slowdown: 1, for: want)) }
    }

    /// The choice that serves the most, and how much.
    func best(
        of size: SizeOffer,
        slowdown: Double,
        for want: ModelWant
    ) -> (choice: Int, cap: Double)? {
        var found: (choice: Int, cap: Double) = (-1, 0)
        for place in size.choices.indices {
            // What would serve no more even if it were never idle is not worth a look.
            let full =
                Double(size.choices[place].batch) * Double(size.choices[place].instances)
                / (size.choices[place].time * slowdown) * 1e6
            guard full * 1.000_001 > found.cap else { continue }
            let cap = cap(of: size.choices[place], slowdown: slowdown, for: want)
            if cap >= 1, cap > found.cap { found = (place, cap) }
        }
        return found.choice < 0 ? nil : found
    }

    /// A choice that serves `milliRate`, the one with the highest cap; nil if there is none.
    func choice(
        of size: SizeOffer,
        for milliRate: Int64,
        slowdown: Double,
        want: ModelWant
    ) -> Int? {
        if let best = best(of: size, slowdown: slowdown, for: want),
            serves(milliRate, size.choices[best.choice], slowdown: slowdown, for: want)
        {
            return best.choice
        }
        guard self == .paper else { return nil }
        return size.choices.indices.last {
            serves(milliRate, size.choices[$0], slowdown: slowdown, for: want)
        }
    }

    /// More than any plan that passes this test serves per unit, wherever the model sits.
    ///
    /// A gpulet's lanes pass only if their rates, each over what its lane would serve alone, sum
    /// to at most 1; see `GpuletDraft`. The papers' test rounds a turn's requests down, so there
    /// a batch of b may stand for up to b + 1 requests.
    func ideal(of size: SizeOffer, for want: ModelWant) -> Double {
        var most = highest(of: size, for: want)
        if self == .paper {
            for (place, time) in size.curve.enumerated() where 2 * time <= want.objective {
                most = max(most, Double(place + 2) / max(time, 1e-6) * 1e6)
            }
        }
        return most / Double(size.units)
    }

    /// Drops choices that serve no more than smaller batches do.
    ///
    /// Under the papers' test all stay: which one fills in time depends on the rate.
    func prune(_ size: inout SizeOffer, for want: ModelWant) {
        guard self == .queue else { return }
        var kept: [SeatChoice] = []
        var most = 0.0
        for choice in size.choices {
            let cap = cap(of: choice, slowdown: 1, for: want)
            guard cap > most else { continue }
            most = cap
            kept.append(choice)
        }
        size.choices = kept
    }
}
