import ServingDomain

/// Several lanes behind one queue, for models that one lane keeps waiting too long.
///
/// Where an objective leaves no time to wait for a batch that runs, a lane of its own serves next
/// to nothing, however idle it is: who comes while it runs is late. Of several lanes one is
/// nearly always free. So such models are given lanes of equal size first (`PooledQueue`), and
/// the others are seated around them.
extension ConfluenceSearch {
    /// How the lanes of one model behind one queue look.
    private struct Pool {
        var group: Int
        var size: Int
        var units: Int32
        var choice: SeatChoice
        /// How much longer a batch may take beside others.
        var bears: Double
        /// How many lanes there are to be.
        var lanes: Int
    }

    /// How a draft with pools is begun.
    private struct Variant {
        /// Which part of what is left without them.
        var part: Double
        /// Whether lanes are to bear the worst neighbour, not the usual one.
        var isWorst: Bool
    }

    /// The best draft in which models that `draft` leaves unserved have several lanes behind one
    /// queue; nil where that is of no use to any.
    ///
    /// Cost: some greedy drafts, and improving one of them.
    mutating func pooled(_ draft: PlanDraft, _ present: Plan?) -> PlanDraft? {
        let isLeft = draft.left.map { $0 > problem.margins.slackMilliRate }
        let models = draft.left.indices.filter {
            (isLeft[$0] || price.lanes(of: $0) > 1) && hasNoTimeToWait($0)
        }
        guard problem.rule == .queue, isLeft.contains(true), !models.isEmpty else { return nil }
        var variants = [Variant(part: 1, isWorst: false)]
        let isSmall = problem.classOf.count <= 64
        if isSmall {
            variants += [(1, true), (0.5, false), (0.5, true)].map {
                Variant(part: $0, isWorst: $1)
            }
        }
        var best: (draft: PlanDraft, pooled: [Bool])?
        for variant in variants {
            guard let base = base(for: models, beside: draft, variant) else { continue }
            var drafts = present.map { [kept($0, on: base)] } ?? []
            for bears in isSmall ? [true, false] : [true] {
                drafts.append(fresh(bears: bears, variant: 0, on: base))
            }
            for draft in drafts {
                guard let found = best else {
                    best = (draft, pooled)
                    continue
                }
                if better(found.draft, draft) != found.draft { best = (draft, pooled) }
            }
            if let best, isServed(best.draft) { break }
        }
        guard var best else { return nil }
        pooled = best.pooled
        if isSmall { improve(&best.draft, patience: 60 + problem.classOf.count) }
        return best.draft
    }

    /// Whether it is waiting, not throughput, that breaks a model's objective: next to one item
    /// alone there is hardly time for another.
    private func hasNoTimeToWait(_ model: Int) -> Bool {
        let want = problem.wants[model]
        guard want.row != nil, want.objective.isFinite, want.milliRate > 0 else { return false }
        return problem.offers.contains { offers in
            guard let one = offers[model]?.sizes.last?.curve.first else { return false }
            return one * Self.leastPatience > want.objective
        }
    }

    /// Objectives of more than so many times one item alone have time to wait.
    private static let leastPatience = 2.5

    /// Lanes for all models that are better off with several, on devices that are empty else; nil
    /// if there is none.
    private mutating func base(
        for models: [Int],
        beside other: PlanDraft,
        _ variant: Variant
    ) -> PlanDraft? {
        var base = PlanDraft(problem)
        pooled = problem.wants.map { _ in false }
        for model in order(models, rates: other.left, variant: 2, salt: 1) {
            let demand = problem.wants[model].milliRate
            let served = demand - other.left[model]
            let more = Int64(min(9e15, Double(other.left[model]) * variant.part))
            let wanted = min(9_000_000_000_000_000, served) + more
            guard let pool = pool(of: model, for: wanted, variant),
                cap(of: pool, for: model) >= Double(min(demand - 1, served)) * 1.2
                    || price.lanes(of: model) > 1,
                seat(pool, of: model, wanted, atLeast: min(demand - 1, served), on: &base)
            else { continue }
            pooled[model] = true
        }
        return pooled.contains(true) ? base : nil
    }

    /// The cheapest pool that serves `milliRate`, else the one that serves the most.
    private func pool(of model: Int, for milliRate: Int64, _ variant: Variant) -> Pool? {
        var best: (pool: Pool, cap: Double, cost: Double)?
        for (group, kind) in problem.classes.enumerated() {
            guard let offer = problem.offers[group][model] else { continue }
            let bears = (variant.isWorst ? worstBearing : bearing)[group][model]
            for (place, size) in offer.sizes.enumerated() {
                let most =
                    min(kind.maxGpulets, Int(kind.units / size.units)) * kind.devices.count
                for choice in size.choices where choice.instances == 1 {
                    var pool = Pool(
                        group: group,
                        size: place,
                        units: size.units,
                        choice: choice,
                        bears: bears,
                        lanes: 2
                    )
                    let last = PoolTable.servers.upperBound
                    while pool.lanes < min(most, last),
                        cap(of: pool, for: model) < Double(milliRate)
                    { pool.lanes += 1 }
                    // From there on each more serves as much as the last.
                    let each = cap(of: pool, for: model) / Double(pool.lanes)
                    if pool.lanes == last, most > last, each > 0 {
                        let wanted = min(Double(most), (Double(milliRate) / each).rounded(.up))
                        pool.lanes = max(last, Int(wanted))
                    }
                    guard pool.lanes <= most else { continue }
                    let cap = min(cap(of: pool, for: model), Double(milliRate))
                    let room = Double(size.units) + Double(kind.units) / 20
                    let cost = Double(pool.lanes) * room * problem.unitPrices[group]
                    if let best, (cap, -cost) < (best.cap, -best.cost) { continue }
                    best = (pool, cap, cost)
                }
            }
        }
        return best?.pool
    }

    /// The most that the lanes serve together, in thousandths of a request per second.
    private func cap(of pool: Pool, for model: Int) -> Double {
        let want = problem.wants[model]
        guard let row = want.row else { return 0 }
        let time = pool.choice.time * pool.bears
        let load = PoolTable.load(
            servers: pool.lanes,
            patience: (want.objective - pool.choice.spread * pool.bears) / time,
            row: row
        )
        return load * Double(pool.lanes) / time * 1e6 / want.reserve
    }

    /// Gives a pool its gpulets; false, and nothing changed, if they would serve less than
    /// `least`.
    private func seat(
        _ pool: Pool,
        of model: Int,
        _ milliRate: Int64,
        atLeast least: Int64,
        on draft: inout PlanDraft
    ) -> Bool {
        var trial = draft
        var lanes: [Int] = []
        while lanes.count < pool.lanes {
            guard let device = seat(pool, of: model, on: &trial) else { break }
            lanes.append(device)
        }
        var seated = pool
        seated.lanes = lanes.count
        let rate = min(milliRate, Int64(min(cap(of: seated, for: model), 9e15)))
        guard lanes.count >= 2, rate > least, rate >= Int64(lanes.count) else { return false }
        share(rate, of: model, among: lanes.count, on: &trial)
        draft = trial
        return true
    }

    /// Gives the lanes of a model equal parts of `rate`.
    private func share(_ rate: Int64, of model: Int, among count: Int, on draft: inout PlanDraft) {
        var (rest, count) = (rate, Int64(count))
        for device in draft.devices.indices {
            for number in draft.devices[device].gpulets.indices
            where draft.devices[device].gpulets[number].seats[0].model == model {
                let part = rest / count
                draft.devices[device].gpulets[number].seats[0].milliRate = part
                rest -= part
                count -= 1
            }
        }
        draft.left[model] -= rate
    }

    private func seat(_ pool: Pool, of model: Int) -> SeatDraft {
        SeatDraft(
            model: model,
            size: pool.size,
            batch: pool.choice.batch,
            instances: 1,
            milliRate: 1,
            utilization: pool.choice.utilization,
            bears: pool.bears
        )
    }

    /// One more lane, where there is one now, else on the device with the fewest gpulets.
    private func seat(_ pool: Pool, of model: Int, on draft: inout PlanDraft) -> Int? {
        let seat = seat(pool, of: model)
        var keys: [(isNew: Int, gpulets: Int, used: Int32, device: Int)] = []
        for device in problem.classes[pool.group].devices {
            let own = draft.devices[device]
            guard own.free >= pool.units else { continue }
            let hasOne = own.gpulets.contains { $0.seats[0].model == model }
            let isKept = !hasOne && price.holds(model, units: pool.units, at: device)
            keys.append((isKept ? 0 : 1, own.gpulets.count, -own.free, device))
        }
        for key in keys.sorted(by: <).prefix(8) {
            guard let added = draft.devices[key.device].adding(seat, units: pool.units, in: problem)
            else { continue }
            draft.devices[key.device] = added
            return key.device
        }
        return nil
    }
}
