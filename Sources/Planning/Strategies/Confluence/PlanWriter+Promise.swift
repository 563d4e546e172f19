import ServingDomain

/// What each lane promises: computed at the end, and never more than is allowed.
extension PlanWriter {
    /// Computes every lane's violation and lowers rates where the tables promised too much; what
    /// no rate can keep gets none, and counts as unserved.
    mutating func verify() {
        violations = draft.devices.map { $0.gpulets.map { $0.seats.map { _ in 0 } } }
        guard problem.rule == .queue else { return }
        var pools: [Int: [(device: Int, gpulet: Int)]] = [:]
        for device in draft.devices.indices {
            for number in draft.devices[device].gpulets.indices {
                let gpulet = draft.devices[device].gpulets[number]
                if gpulet.isPooled {
                    pools[gpulet.seats[0].model, default: []].append((device, number))
                } else if gpulet.turns == .oldestFirst {
                    verifyOldest(device, number)
                } else {
                    verify(device, number)
                }
            }
        }
        for model in problem.wants.indices {
            if let places = pools[model] { verifyPool(places) }
        }
    }

    /// The part of its target that a finished lane may show.
    private func target(of seat: SeatDraft) -> Double {
        problem.wants[seat.model].target * CapacityRule.promisedTarget
    }

    /// Lowers rates together until they keep their promise: by 64ths, as the tables are a little
    /// above the truth here and there, then by halving what is between. Nothing is kept of rates
    /// that no part of can be promised.
    ///
    /// - Parameter mayStay: Whether what is left after that may stay, though it is not as good.
    private func lowered(
        _ rates: [Int64],
        until holds: ([Int64]) -> Bool,
        or mayStay: ([Int64]) -> Bool
    ) -> [Int64] {
        var rates = rates
        for _ in 0..<40 {
            if holds(rates) { return rates }
            rates = rates.map { max(0, $0 - max(1, $0 / 64)) }
        }
        if mayStay(rates) { return rates }
        var (low, high) = (0.0, 1.0)
        for _ in 0..<20 {
            let middle = (low + high) / 2
            let tried = rates.map { Int64(Double($0) * middle) }
            if holds(tried) { low = middle } else { high = middle }
        }
        return rates.map { Int64(Double($0) * low) }
    }

    private mutating func set(_ rate: Int64, of place: Int, _ device: Int, _ number: Int) {
        let seat = draft.devices[device].gpulets[number].seats[place]
        draft.left[seat.model] += seat.milliRate - rate
        draft.devices[device].gpulets[number].seats[place].milliRate = rate
    }

    private mutating func verify(_ device: Int, _ number: Int) {
        let group = draft.devices[device].group
        let gpulet = draft.devices[device].gpulets[number]
        for place in gpulet.seats.indices {
            let seat = gpulet.seats[place]
            var violation = violation(of: seat, gpulet, group)
            if violation > target(of: seat) {
                func late(_ rates: [Int64]) -> Double {
                    var trial = seat
                    trial.milliRate = rates[0]
                    return computed(trial, gpulet, group)
                }
                let most = problem.wants[seat.model].target
                let rates = lowered(
                    [seat.milliRate],
                    until: { late($0) <= target(of: seat) },
                    or: { late($0) <= most }
                )
                set(rates[0], of: place, device, number)
                let kept = draft.devices[device].gpulets[number].seats[place]
                violation = self.violation(of: kept, gpulet, group)
            }
            violations[device][number][place] = violation
        }
    }

    /// As `computed`, once for equal lanes.
    private mutating func violation(
        of seat: SeatDraft,
        _ gpulet: GpuletDraft,
        _ group: Int
    ) -> Double {
        let key = LaneKey(group: group, seat: seat, units: gpulet.units, turns: gpulet.turns)
        if let found = known[key] { return found }
        let violation = computed(seat, gpulet, group)
        known[key] = violation
        return violation
    }

    /// The part of a lane's requests that is late by `BatchQueue`, or where several instances run
    /// behind one queue by `PooledQueue` if that is less: both are bounds from above.
    private func computed(_ seat: SeatDraft, _ gpulet: GpuletDraft, _ group: Int) -> Double {
        let want = problem.wants[seat.model]
        guard want.objective.isFinite, seat.milliRate > 0 else { return 0 }
        guard let times = times(of: seat, gpulet, group), let last = times.last else { return 1 }
        let spread = (choice(of: seat, group)??.spread ?? 0) * seat.slowdown
        let rate = Double(seat.milliRate) / 1e6
        let objective = want.objective - spread
        if case .rounds(let all, let high) = gpulet.turns {
            let round = want.isHigh ? high : all
            let rounds = times.map { _ in round }
            return BatchQueue(times: rounds, rate: rate, objective: objective).violation()
        }
        let count = Int(seat.instances)
        let alone = BatchQueue(times: times, rate: rate / Double(count), objective: objective)
            .violation()
        guard count > 1 else { return alone }
        let shared = PooledQueue(rate: rate, time: last, servers: count)
        return min(alone, shared.later(than: objective - last))
    }

    /// The seat's row among the model's choices, if it is one of them.
    private func choice(of seat: SeatDraft, _ group: Int) -> SeatChoice?? {
        problem.offers[group][seat.model].map { offer in
            offer.sizes[seat.size].choices.first {
                $0.batch == seat.batch && $0.instances == seat.instances
            }
        }
    }

    /// Batch times beside the co-runners, by size, never falling.
    private func times(of seat: SeatDraft, _ gpulet: GpuletDraft, _ group: Int) -> [Double]? {
        let kind = problem.classes[group].kind
        guard let latencies = ModelLatencies(of: seat.model, on: kind, in: problem.inputs) else {
            return nil
        }
        let times = problem.times(
            of: seat.model,
            latencies,
            units: gpulet.units,
            instances: seat.instances,
            on: problem.classes[group]
        )
        guard times.count >= Int(seat.batch) else { return nil }
        return times.prefix(Int(seat.batch)).map { $0 * seat.slowdown }
    }

    // MARK: Several lanes

    /// Lanes of several models that take turns by age.
    private mutating func verifyOldest(_ device: Int, _ number: Int) {
        let group = draft.devices[device].group
        let gpulet = draft.devices[device].gpulets[number]
        func oldest(_ rates: [Int64]) -> [Double] {
            var trial = gpulet
            for place in rates.indices { trial.seats[place].milliRate = rates[place] }
            return self.oldest(trial, group)
        }
        let targets = gpulet.seats.map { problem.wants[$0.model].target }
        func holds(_ rates: [Int64]) -> Bool {
            zip(oldest(rates), targets).allSatisfy { $0 <= $1 }
        }
        let rates = lowered(gpulet.seats.map(\.milliRate), until: holds, or: holds)
        for place in rates.indices { set(rates[place], of: place, device, number) }
        violations[device][number] = oldest(rates)
    }

    private func oldest(_ gpulet: GpuletDraft, _ group: Int) -> [Double] {
        var streams: [SharedQueue.Stream] = []
        var windows: [Double] = []
        for seat in gpulet.seats {
            let time = times(of: seat, gpulet, group)?.last ?? .infinity
            let spread = (choice(of: seat, group)??.spread ?? 0) * seat.slowdown
            streams.append(SharedQueue.Stream(rate: Double(seat.milliRate) / 1e6, time: time))
            windows.append(problem.wants[seat.model].objective - time - spread)
        }
        let isHigh = gpulet.seats.map { problem.wants[$0.model].isHigh }
        let queue = SharedQueue(streams: streams)
        let ahead = problem.yields(gpulet.seats, on: group) ? queue.only(isHigh) : queue
        let late = queue.late(windows, ahead: ahead, of: isHigh)
        return zip(late, windows).map { $1.isFinite ? $0 : 0 }
    }

    /// Lanes of one model behind one queue, as if all were as slow as the slowest.
    private mutating func verifyPool(_ places: [(device: Int, gpulet: Int)]) {
        var (longest, spread) = (0.0, 0.0)
        var seats: [SeatDraft] = []
        for place in places {
            let gpulet = draft.devices[place.device].gpulets[place.gpulet]
            let group = draft.devices[place.device].group
            let seat = gpulet.seats[0]
            seats.append(seat)
            longest = max(longest, times(of: seat, gpulet, group)?.last ?? .infinity)
            spread = max(spread, (choice(of: seat, group)??.spread ?? 0) * seat.slowdown)
        }
        let window = problem.wants[seats[0].model].objective - longest - spread
        func late(_ rates: [Int64]) -> Double {
            let rate = Double(rates.reduce(0, +)) / 1e6
            return PooledQueue(rate: rate, time: longest, servers: rates.count).later(than: window)
        }
        let most = target(of: seats[0])
        let rates = lowered(
            seats.map(\.milliRate),
            until: { late($0) <= most },
            or: { late($0) <= most }
        )
        let violation = late(rates)
        for (place, rate) in zip(places, rates) {
            set(rate, of: 0, place.device, place.gpulet)
            violations[place.device][place.gpulet] = [violation]
        }
    }
}
