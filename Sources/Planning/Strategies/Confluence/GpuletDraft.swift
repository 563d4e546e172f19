import ServingDomain

/// One model's seat on a gpulet while a plan is being made.
struct SeatDraft: Hashable {
    /// The model's place in the inputs.
    var model: Int
    /// The place of the size in the model's offer.
    var size: Int
    /// The batch limit, and how many batches at once.
    var batch: Int32, instances: Int32
    /// The planned rate in thousandths of a request per second.
    var milliRate: Int64
    /// How busy the batch keeps the device.
    var utilization: Utilization
    /// How much longer everything takes beside the co-runners.
    var slowdown = 1.0
    /// How much longer it may take at most where it is one of several lanes behind one queue; nil
    /// for a lane that keeps its promise by itself.
    var bears: Double?
}

/// A gpulet while a plan is being made.
struct GpuletDraft: Hashable {
    /// How its lanes follow each other.
    enum Turns: Hashable {
        /// One lane; or none.
        case alone
        /// One request at a time, the oldest first.
        case oldestFirst
        /// Each lane has a batch in each round of this many ms, `high` of them for those that high
        /// lanes wait for: as many, but where low ones give way.
        case rounds(Double, high: Double)
    }

    /// The size in units.
    var units: Int32
    /// The lanes.
    var seats: [SeatDraft]
    /// How they follow each other.
    var turns = Turns.alone

    /// Whether its lane is one of several behind one queue.
    var isPooled: Bool { seats.contains { $0.bears != nil } }

    /// The round of `model`'s turns in ms; nil where there are none.
    func round(of model: Int, in problem: ConfluenceProblem) -> Double? {
        guard case .rounds(let all, let high) = turns else { return nil }
        return problem.wants[model].isHigh ? high : all
    }

    /// Finds batch limits with which all seats keep their rates at their slowdowns.
    ///
    /// - Returns: nil if there are none; else whether any changed.
    ///
    /// Cost: O(choices) for one seat, some microseconds for several.
    mutating func settle(in problem: ConfluenceProblem, on group: Int) -> Bool? {
        if seats.count == 1 { return settleAlone(problem, group) }
        if seats.isEmpty { return false }
        for seat in seats where problem.wants[seat.model].milliRate <= 0 || seat.bears != nil {
            return nil
        }
        switch problem.rule {
        case .paper: return settlePaper(problem, group)
        case .queue: return settleRounds(problem, group) ?? settleOldest(problem, group)
        }
    }

    private mutating func settleAlone(_ problem: ConfluenceProblem, _ group: Int) -> Bool? {
        guard let offer = problem.offers[group][seats[0].model] else { return nil }
        let seat = seats[0]
        if let bears = seat.bears {
            turns = .alone
            return seat.slowdown <= bears ? false : nil
        }
        let want = problem.wants[seat.model]
        let size = offer.sizes[seat.size]
        turns = .alone
        let present = size.choices.first {
            $0.batch == seat.batch && $0.instances == seat.instances
        }
        if let present,
            problem.rule.serves(seat.milliRate, present, slowdown: seat.slowdown, for: want)
        {
            return false
        }
        guard
            let place = problem.rule.choice(
                of: size,
                for: seat.milliRate,
                slowdown: seat.slowdown,
                want: want
            )
        else { return nil }
        return take(size.choices[place], at: 0)
    }

    /// Lowers the rate of a lone seat to what it can still serve; false if that is nothing.
    mutating func slow(in problem: ConfluenceProblem, on group: Int) -> Bool {
        guard seats.count == 1, seats[0].bears == nil,
            let offer = problem.offers[group][seats[0].model],
            let best = problem.rule.best(
                of: offer.sizes[seats[0].size],
                slowdown: seats[0].slowdown,
                for: problem.wants[seats[0].model]
            )
        else { return false }
        seats[0].milliRate = min(seats[0].milliRate, Int64(best.cap))
        _ = take(offer.sizes[seats[0].size].choices[best.choice], at: 0)
        return true
    }

    private mutating func take(_ choice: SeatChoice, at place: Int) -> Bool {
        let isNew =
            seats[place].batch != choice.batch
            || seats[place].instances != choice.instances
        seats[place].batch = choice.batch
        seats[place].instances = choice.instances
        seats[place].utilization = choice.utilization
        return isNew
    }

    // MARK: Several models, by the queue

    /// Rounds: as if each lane's own batch took the whole round.
    ///
    /// Where turns are taken by age, a lane with a backlog may have two turns in a row; the
    /// difference between its own batch and a round is room for that.
    /// Starting from batches of 1, whoever cannot keep up takes its next larger batch until all
    /// can or the round has become too long. A round and a turn must fit into every objective
    /// twice over, so that even a batch that gathers for a whole round ends in time. Where low
    /// lanes give way, a round is for high ones what high ones take.
    private mutating func settleRounds(_ problem: ConfluenceProblem, _ group: Int) -> Bool? {
        guard let choices = choices(problem, group) else { return nil }
        var picks = Array(repeating: 0, count: seats.count)
        let isHigh = seats.map { problem.wants[$0.model].isHigh }
        let yields = problem.yields(seats, on: group)
        var (tightest, tightestHigh) = (Double.infinity, Double.infinity)
        for (place, seat) in seats.enumerated() {
            let objective = problem.wants[seat.model].objective
            if yields, isHigh[place] {
                tightestHigh = min(tightestHigh, objective)
            } else {
                tightest = min(tightest, objective)
            }
        }
        while true {
            var (round, high) = (0.0, 0.0)
            for place in seats.indices {
                let time = choices[place][picks[place]].time * seats[place].slowdown
                round += time
                if isHigh[place] { high += time }
            }
            if !yields { high = round }
            guard 2 * round <= tightest, 2 * high <= tightestHigh else { return nil }
            var isEnough = true
            for place in seats.indices {
                let own = isHigh[place] ? high : round
                let most = roundCap(choices[place][picks[place]], seats[place], own, problem)
                guard Double(seats[place].milliRate) > most else { continue }
                isEnough = false
                picks[place] += 1
                guard picks[place] < choices[place].count,
                    choices[place][picks[place]].instances == 1
                else { return nil }
            }
            guard isEnough else { continue }
            var isNew = false
            for place in seats.indices where take(choices[place][picks[place]], at: place) {
                isNew = true
            }
            turns = .rounds(round, high: high)
            return isNew
        }
    }

    /// The choices of every seat; nil where one has none of a single instance.
    private func choices(_ problem: ConfluenceProblem, _ group: Int) -> [[SeatChoice]]? {
        var found: [[SeatChoice]] = []
        found.reserveCapacity(seats.count)
        for seat in seats {
            guard let choices = problem.offers[group][seat.model]?.sizes[seat.size].choices,
                choices.first?.instances == 1
            else { return nil }
            found.append(choices)
        }
        return found
    }

    private func roundCap(
        _ choice: SeatChoice,
        _ seat: SeatDraft,
        _ round: Double,
        _ problem: ConfluenceProblem
    ) -> Double {
        let want = problem.wants[seat.model]
        let full = Double(choice.batch) / round * 1e6 / want.reserve
        guard want.objective.isFinite else { return full * CapacityRule.freeLoad }
        guard want.row != nil else { return 0 }
        let patience = (want.objective - choice.spread * seat.slowdown) / round
        return full * CapacityTable.load(choice.roundLoads, patience: patience)
    }

    /// Choice number `pick` among those of one instance.
    private func single(
        _ seat: SeatDraft,
        _ pick: Int,
        _ problem: ConfluenceProblem,
        _ group: Int
    ) -> SeatChoice? {
        guard let offer = problem.offers[group][seat.model] else { return nil }
        let choices = offer.sizes[seat.size].choices
        guard pick < choices.count, choices[pick].instances == 1 else { return nil }
        return choices[pick]
    }

    /// Batches of 1, the oldest request first.
    private mutating func settleOldest(_ problem: ConfluenceProblem, _ group: Int) -> Bool? {
        var streams: [SharedQueue.Stream] = []
        var windows: [Double] = []
        var filled = 0.0
        for seat in seats {
            let want = problem.wants[seat.model]
            guard let choice = single(seat, 0, problem, group), choice.batch == 1 else {
                return nil
            }
            let time = choice.time * seat.slowdown
            let rate = Double(seat.milliRate) * want.reserve
            streams.append(SharedQueue.Stream(rate: rate / 1e6, time: time))
            windows.append(want.objective - time - choice.spread * seat.slowdown)
            let alone = problem.rule.cap(of: choice, slowdown: seat.slowdown, for: want)
            guard alone >= 1 else { return nil }
            filled += Double(seat.milliRate) / alone
        }
        guard filled <= 1 else { return nil }
        let queue = SharedQueue(streams: streams)
        guard queue.load < CapacityRule.freeLoad else { return nil }
        // Where low lanes give way, high ones wait for each other only.
        let ahead = problem.yields(seats, on: group) ? queue.only(isHigh(problem)) : queue
        // Whoever comes while a longer rest than its window runs is late for certain.
        for (place, seat) in seats.enumerated() where windows[place].isFinite {
            let want = problem.wants[seat.model]
            let most = want.target * CapacityRule.plannedTarget
            let sure = (want.isHigh ? ahead : queue).surelyLater(than: windows[place])
            guard sure <= most else { return nil }
        }
        let late = queue.late(windows, ahead: ahead, of: isHigh(problem))
        for (place, seat) in seats.enumerated() where windows[place].isFinite {
            let most = problem.wants[seat.model].target * CapacityRule.plannedTarget
            guard late[place] <= most else { return nil }
        }
        var isNew = false
        for place in seats.indices {
            guard let choice = single(seats[place], 0, problem, group) else { return nil }
            if take(choice, at: place) { isNew = true }
        }
        turns = .oldestFirst
        return isNew
    }

    private func isHigh(_ problem: ConfluenceProblem) -> [Bool] {
        seats.map { problem.wants[$0.model].isHigh }
    }

    // MARK: Several models, by the papers

    /// A duty cycle with sum L <= duty and duty + sum L <= every objective, where each batch is
    /// what a cycle brings, rounded down.
    ///
    /// Longer than half the tightest objective no cycle is of use. Below that the batches change
    /// only where a cycle brings a whole request less, so just below those points is where to look.
    private mutating func settlePaper(_ problem: ConfluenceProblem, _ group: Int) -> Bool? {
        var curves: [[Double]] = []
        var tightest = Double.infinity
        for seat in seats {
            guard let offer = problem.offers[group][seat.model] else { return nil }
            curves.append(offer.sizes[seat.size].curve)
            tightest = min(tightest, problem.wants[seat.model].objective)
        }
        var duty = tightest.isFinite ? tightest / 2 : 1_000
        for _ in 0..<40 {
            var sum = 0.0
            var next = 0.0
            for (place, seat) in seats.enumerated() {
                let rate = Double(seat.milliRate) * problem.wants[seat.model].reserve / 1e6
                let batch = max(1, Int(duty * rate))
                guard batch <= curves[place].count else {
                    sum = .infinity
                    next = max(next, Double(curves[place].count + 1) / rate)
                    continue
                }
                sum += curves[place][batch - 1] * seat.slowdown
                if Double(batch) <= duty * rate { next = max(next, Double(batch) / rate) }
            }
            if sum <= duty, duty + sum <= tightest { return takePaper(duty, problem, group) }
            guard next > 0 else { return nil }
            duty = min(duty, next) * (1 - 1e-9)
        }
        return nil
    }

    private mutating func takePaper(
        _ duty: Double,
        _ problem: ConfluenceProblem,
        _ group: Int
    ) -> Bool {
        var isNew = false
        for (place, seat) in seats.enumerated() {
            let rate = Double(seat.milliRate) * problem.wants[seat.model].reserve / 1e6
            let batch = Int32(max(1, Int(duty * rate)))
            if seat.batch != batch || seat.instances != 1 { isNew = true }
            seats[place].batch = batch
            seats[place].instances = 1
            let kind = problem.classes[group].kind
            let model = problem.inputs.models[seat.model]
            seats[place].utilization =
                model.profile(on: kind)?.utilization(batch: batch)
                ?? Utilization(batch: batch, sm: 0, l2: 0, dram: 0)
        }
        turns = .rounds(duty, high: duty)
        return isNew
    }
}
