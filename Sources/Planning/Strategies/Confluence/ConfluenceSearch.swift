import ServingDomain

/// Makes drafts greedily and improves them by taking a few devices apart and filling them anew.
///
/// All choices follow from the inputs and from counters, and work is counted in gpulets tried,
/// never in time, so the same inputs give the same plan on every machine.
struct ConfluenceSearch {
    let problem: ConfluenceProblem
    let price: MovePrice
    /// Whether demand is more than the devices can serve, so that the rate counts, not the units.
    var isOverloaded: Bool
    /// Gpulets that may still be tried.
    var budget: Int
    /// The slowdown that new lanes must be able to bear: mean over possible co-runners.
    let bearing: [[Double]]
    /// The same beside the worst of them.
    let worstBearing: [[Double]]
    let unbearing: [[Double]]
    /// What free units are worth, by class.
    let potentials: [UnitPotential]
    /// Whether models may take turns on a gpulet.
    let mayShare: Bool
    /// Which models have several lanes behind one queue, and no other seats.
    var pooled: [Bool]

    init(
        _ problem: ConfluenceProblem,
        need: Double,
        present: Plan?,
        mayShare: Bool,
        budget: Int
    ) {
        self.problem = problem
        self.mayShare = mayShare
        self.budget = budget
        pooled = problem.wants.map { _ in false }
        price = MovePrice(from: present, in: problem)
        isOverloaded = need > 1
        unbearing = problem.offers.map { $0.map { _ in 1.0 } }
        let (bearing, worst) = Self.bearing(problem)
        self.bearing = bearing
        worstBearing = worst
        potentials = problem.classes.indices.map {
            UnitPotential(problem, group: $0, slowdowns: bearing[$0])
        }
    }

    /// What a model should be able to bear: the mean and the most of what one other does to it,
    /// each on the size that suits it best, twice where a device may have more than two gpulets.
    private static func bearing(
        _ problem: ConfluenceProblem
    ) -> (means: [[Double]], worst: [[Double]]) {
        var means: [[Double]] = []
        var most: [[Double]] = []
        for (group, offers) in problem.offers.enumerated() {
            var (mean, worst) = (offers.map { _ in 1.0 }, offers.map { _ in 1.0 })
            let contention = problem.classes[group].contention
            let models = offers.indices.filter { offers[$0] != nil }
            // A sample is enough for a mean.
            let step = max(1, models.count / 24)
            let sample = stride(from: 0, to: models.count, by: step).map { models[$0] }
            let loads =
                contention == .none ? [] : offers.indices.map { load(of: $0, problem, group) }
            for model in loads.isEmpty ? [] : models {
                guard let own = loads[model] else { continue }
                var (sum, high) = (0.0, 1.0)
                for other in sample {
                    guard let load = loads[other] else { continue }
                    let slowdown = contention.slowdown(of: own, beside: [load])
                    sum += slowdown
                    high = max(high, slowdown)
                }
                (mean[model], worst[model]) = (max(1, sum / Double(max(1, sample.count))), high)
                guard problem.rule == .queue else { continue }
                let others = problem.classes[group].maxGpulets > 2 ? 2.0 : 1.0
                mean[model] = (1 + (mean[model] - 1) * others) * CapacityRule.contentionError
                worst[model] = (1 + (high - 1) * others) * CapacityRule.contentionError
            }
            means.append(mean)
            most.append(worst)
        }
        return (means, most)
    }

    private static func load(
        of model: Int,
        _ problem: ConfluenceProblem,
        _ group: Int
    ) -> ContentionLoad? {
        guard let offer = problem.offers[group][model] else { return nil }
        let places = offer.sizes.indices
        let rates = places.map { offer.caps[$0] / Double(offer.sizes[$0].units) }
        guard let size = places.max(by: { rates[$0] < rates[$1] }),
            let best = problem.rule.best(
                of: offer.sizes[size],
                slowdown: 1,
                for: problem.wants[model]
            )
        else { return nil }
        let choice = offer.sizes[size].choices[best.choice]
        return ContentionLoad(
            model: problem.inputs.models[model].id,
            batch: choice.batch,
            utilization: choice.utilization,
            fraction: Double(offer.sizes[size].units) / Double(problem.classes[group].units)
        )
    }

    // MARK: Order and rating

    /// High class first; what needs most units first, or under overload what serves most per unit.
    func order(_ models: [Int], rates: [Int64], variant: Int, salt: UInt64) -> [Int] {
        let keys = models.map { model -> Double in
            let need = Double(rates[model]) * problem.rateValues[model]
            if isOverloaded, variant % 3 == 0 {
                return problem.wants[model].weight / max(problem.rateValues[model], 1e-12)
            }
            switch variant % 4 {
            case 0: return need
            case 1: return need * (0.5 + SeatFiller.spread(salt &+ UInt64(model)))
            case 2: return -problem.wants[model].objective
            default: return SeatFiller.spread(salt &+ UInt64(model))
            }
        }
        return models.indices.sorted { left, right in
            let (first, second) = (problem.wants[models[left]], problem.wants[models[right]])
            if first.isHigh != second.isHigh { return first.isHigh }
            return (keys[right], models[left]) < (keys[left], models[right])
        }.map { models[$0] }
    }

    /// What `milliRate` of a model left over counts.
    func loss(of model: Int, _ milliRate: Int64) -> Double {
        let rate = Double(milliRate)
        if isOverloaded || problem.rateValues[model] == 0 {
            return rate * problem.wants[model].weight / 1_000
        }
        return rate * problem.rateValues[model]
    }

    /// The rating of some devices and of all that is left.
    func rating(_ draft: PlanDraft, devices: [Int], models: [Int]) -> PlanRating {
        var rating = PlanRating()
        for model in models where draft.left[model] > problem.margins.slackMilliRate {
            let loss = loss(of: model, draft.left[model])
            if problem.wants[model].isHigh {
                rating.leftHigh += loss
            } else {
                rating.leftLow += loss
            }
        }
        for place in devices {
            let device = draft.devices[place]
            let group = problem.classes[device.group]
            var units = Double(group.units - device.free)
            // A device in use at all costs something: fewer of them is better.
            if !device.gpulets.isEmpty { units += Double(group.units) / 20 }
            rating.cost += units * problem.unitPrices[device.group]
            rating.cost += price.price(device, at: place, in: problem)
        }
        return rating
    }

    // MARK: Improving

    /// Takes two or three devices apart, again and again, until `patience` turns in a row were of
    /// no use or the budget is spent.
    mutating func improve(_ draft: inout PlanDraft, patience: Int) {
        guard !draft.devices.isEmpty else { return }
        var idle = 0
        var turn = 0
        var ranking = ranked(draft)
        while budget > 0, idle < patience {
            turn += 1
            idle += 1
            if turn % max(8, ranking.count / 4) == 0 { ranking = ranked(draft) }
            let chosen = neighbourhood(ranking, turn: turn)
            let models = pool(draft, chosen)
            let before = rating(draft, devices: chosen, models: models)
            guard !models.isEmpty else {
                budget -= 1
                continue
            }
            let devices = chosen.map { draft.devices[$0] }
            let left = models.map { draft.left[$0] }
            clear(chosen, of: &draft)
            fill(&draft, models, among: chosen, turn: turn)
            let after = rating(draft, devices: chosen, models: models)
            if after < before { idle = 0 }
            guard before < after else { continue }
            for (place, device) in zip(chosen, devices) { draft.devices[place] = device }
            for (model, rate) in zip(models, left) { draft.left[model] = rate }
        }
    }

    private func clear(_ chosen: [Int], of draft: inout PlanDraft) {
        for place in chosen {
            let group = draft.devices[place].group
            var empty = DeviceDraft(group: group, units: problem.classes[group].units)
            for gpulet in draft.devices[place].gpulets {
                if gpulet.isPooled {
                    empty.gpulets.append(gpulet)
                    empty.free -= gpulet.units
                    continue
                }
                for seat in gpulet.seats { draft.left[seat.model] += seat.milliRate }
            }
            draft.devices[place] = empty
        }
    }

    /// Finds seats, for lanes that can bear co-runners or not.
    func filler(bears: Bool) -> SeatFiller {
        var filler = SeatFiller(
            problem,
            assumed: bears ? bearing : unbearing,
            potentials: potentials
        )
        filler.mayShare = mayShare
        return filler
    }

    private mutating func fill(
        _ draft: inout PlanDraft,
        _ models: [Int],
        among chosen: [Int],
        turn: Int
    ) {
        var filler = filler(bears: turn % 2 == 0)
        filler.maySlow = turn % 4 != 0
        filler.bend = [0.0, 0.2, 0.6][turn % 3]
        filler.salt = UInt64(turn) &* 104_729
        let salt = UInt64(turn) &* 7_919
        let ordered = order(models, rates: draft.left, variant: turn, salt: salt)
        filler.place(ordered, among: chosen, in: &draft)
        budget -= max(1, filler.steps)
    }

    /// Devices that deserve it most: with free units while something is left, else with little on
    /// them, since those may be emptied.
    private func ranked(_ draft: PlanDraft) -> [Int] {
        let isLeft = draft.left.contains { $0 > problem.margins.slackMilliRate }
        let keys = draft.devices.map { device -> Double in
            let units = Double(problem.classes[device.group].units)
            if isLeft { return -Double(device.free) / units }
            return device.gpulets.isEmpty ? 2 : 1 - Double(device.free) / units
        }
        return draft.devices.indices.sorted { (keys[$0], $0) < (keys[$1], $1) }
    }

    /// Two or three devices: one of the most deserving in turn, and others at random.
    private func neighbourhood(_ ranked: [Int], turn: Int) -> [Int] {
        let count = ranked.count
        guard count > 2 else { return ranked.sorted() }
        let spread = SeatFiller.spread(UInt64(turn) &* 31)
        let first = turn % 3 == 0 ? turn % count : turn % max(2, count / 2)
        let second = (first + 1 + Int(spread * Double(count - 1))) % count
        guard turn % 4 == 3, count > 3 else { return [ranked[first], ranked[second]].sorted() }
        var third = (second + 1 + (turn / 4) % (count - 1)) % count
        if third == first { third = (third + 1) % count }
        if third == second { third = (third + 1) % count }
        guard third != first else { return [ranked[first], ranked[second]].sorted() }
        return [ranked[first], ranked[second], ranked[third]].sorted()
    }

    /// Models that sit on these devices, and those of which most is left.
    private func pool(_ draft: PlanDraft, _ chosen: [Int]) -> [Int] {
        var models: [Int] = []
        var isIn = pooled
        for place in chosen {
            for gpulet in draft.devices[place].gpulets {
                for seat in gpulet.seats where !isIn[seat.model] {
                    isIn[seat.model] = true
                    models.append(seat.model)
                }
            }
        }
        // The eight of which most is left, the first of equals.
        var worst: [(model: Int, loss: Double)] = []
        for model in draft.left.indices where draft.left[model] > 0 && !isIn[model] {
            let loss = loss(of: model, draft.left[model])
            if worst.count == 8, let last = worst.last, loss <= last.loss { continue }
            let at = worst.firstIndex { $0.loss < loss } ?? worst.count
            worst.insert((model, loss), at: at)
            if worst.count > 8 { worst.removeLast() }
        }
        return models + worst.map(\.model)
    }
}
