import ServingDomain

/// Low priority: what is left over, and what it may not take.
extension StraitPolicy {
    mutating func low(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Pick? {
        let found = gpulets(for: .low, in: state, using: forecast)
        let isOverloaded = options.weighsValue && forecast.violations.low > 0.05
        var best: Pick?
        for place in found.indices where found[place] >= 0 {
            let gpulet = GpuletID(found[place])
            let pick = lowCandidate(
                on: gpulet,
                isOverloaded,
                at: now,
                in: state,
                using: forecast
            )
            guard let pick else { continue }
            if pick.harm == 0 { return pick }
            if best == nil || pick.harm < best?.harm ?? 0 { best = pick }
        }
        return best
    }

    private mutating func lowCandidate(
        on gpulet: GpuletID,
        _ isOverloaded: Bool,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Pick? {
        var best: Pick?
        var harms = false
        for skip in Int32(0)...1 {
            var node = state.firstReady(gpulet, .low)
            var tried = 0
            while node >= 0, tried < Self.queueLimit {
                tried += 1
                let spot = spot(node, .low, on: gpulet, at: now, in: state, using: forecast)
                let pick = pick(
                    spot,
                    skip: skip,
                    .safe,
                    at: now,
                    in: state,
                    using: forecast,
                    harms: &harms
                )
                if let pick {
                    let isBetter =
                        isOverloaded
                        ? pick.value > best?.value ?? -1 : pick.slack < best?.slack ?? .infinity
                    if isBetter { best = pick }
                }
                node = state.ready.next(after: node)
            }
            if best != nil { return best }
        }
        // An idle device runs what may be late rather than nothing.
        let node = state.firstReady(gpulet, .low)
        let device = state.gpulets[gpulet.position].device
        guard forecast.traffic[device.position].flights.isEmpty, node >= 0 else { return nil }
        let spot = spot(node, .low, on: gpulet, at: now, in: state, using: forecast)
        budget = max(budget, 1)
        return pick(spot, .likely, at: now, in: state, using: forecast, harms: &harms)
    }

    /// Whether low work may start where it would; its credit may buy what the gates refuse.
    mutating func gated(
        _ pick: Pick,
        _ spot: Spot,
        _ verdict: DeviceView.Verdict,
        _ flight: Flight,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Pick? {
        views[spot.view].findRooms(at: now, using: forecast)
        let isOpen = passesGates(
            spot,
            verdict,
            flight,
            at: now,
            in: state,
            using: forecast
        )
        if isOpen { return pick }
        let cost = Int64(min(flight.solo, 1e15))
        guard options.hasCredit, credit >= cost else { return nil }
        var pick = pick
        pick.credit = cost
        return pick
    }

    private func passesGates(
        _ spot: Spot,
        _ verdict: DeviceView.Verdict,
        _ flight: Flight,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Bool {
        let record = state.gpulets[spot.gpulet.position]
        let last = forecast.demand.last
        guard last >= 0, now.nanoseconds - last < HighDemand.memory else { return true }
        if options.sparesSlot, now.nanoseconds - last < 1_000_000_000, record.slots > 1,
            record.running - record.runningHigh + 1 > record.slots - 1
        {
            return false
        }
        guard options.hasReserve else { return true }
        let isLastSlot = record.running + 1 >= record.slots && state.candidateCount <= 1
        let copies = flight.isCopying || views[spot.view].outlook.setting.copy.engines > 0
        guard isLastSlot || copies else { return true }
        return leavesRoom(
            spot,
            verdict,
            flight,
            isLastSlot: isLastSlot,
            at: now,
            using: forecast
        )
    }

    /// Whether a high request of each model that is likely to come meanwhile would still find a
    /// slot, and its copy a way, in time.
    private func leavesRoom(
        _ spot: Spot,
        _ verdict: DeviceView.Verdict,
        _ flight: Flight,
        isLastSlot: Bool,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Bool {
        let copy = views[spot.view].outlook.setting.copy
        let chunks = forecast.traffic[spot.device.position].lowChunks(inward: true)
        let queued =
            flight.isStaged
            ? Double(min(1, chunks)) * copy.time(bytes: flight.chunk, inward: true) : 0
        let backlog = queued + copy.time(bytes: flight.bytes, inward: true)
        let wait = firstFree(verdict, flight, spot, using: forecast)
        for place in views[spot.view].rooms.indices {
            let (room, gap) = views[spot.view].rooms[place]
            // Beyond a hundredth of a chance (1 - exp(-t / gap)) it is expected to come.
            if isLastSlot, wait >= gap * 0.01, wait > room { return false }
            if backlog > 0, backlog >= gap * 0.01, backlog > room * 0.5 { return false }
        }
        return true
    }

    /// When a slot is free again if `flight` takes one: between pieces of a run it gives way.
    private func firstFree(
        _ verdict: DeviceView.Verdict,
        _ flight: Flight,
        _ spot: Spot,
        using forecast: borrowing Forecast
    ) -> Double {
        guard flight.isStaged, options.hasSegments else { return verdict.firstFree }
        let segments = forecast.segments(row: spot.row)
        let stride = stride(spot.row, flight.items, segments, using: forecast)
        guard stride < segments else { return verdict.firstFree }
        let copy = views[spot.view].outlook.setting.copy
        let chunk = copy.time(bytes: flight.bytes, inward: true)
        // A piece beside others takes at most five times as long; twice is what they cost.
        let piece = 2 * flight.solo * Double(stride) / Double(segments)
        return min(verdict.firstFree, max(chunk, piece))
    }

    // MARK: Between two stages

    /// The first paused batch that may go on.
    mutating func resumed(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice? {
        var slot = state.firstPaused
        while slot >= 0 {
            let batch = state.batches[Int(slot)]
            let lane = state.lanes[batch.lane.position]
            if state.mayResume(on: lane.gpulet) {
                let device = state.gpulets[lane.gpulet.position].device
                let plan = forecast.stagePlan(row: lane.row, items: batch.items, device: device)
                let stride = stride(lane.row, batch.items, plan.segments, using: forecast)
                let stage = plan.next(after: batch.stage, stride: stride)
                if let stage,
                    mayGoOn(slot, stage, lane.gpulet, at: now, in: state, using: forecast)
                {
                    return .resume(batch.id(at: slot), stage)
                }
            }
            slot = state.paused(after: slot)
        }
        return nil
    }

    /// At most two low chunks are with the driver per direction; a run must harm no high batch.
    private mutating func mayGoOn(
        _ slot: Int32,
        _ stage: Stage,
        _ gpulet: GpuletID,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Bool {
        let device = state.gpulets[gpulet.position].device
        switch stage {
        case .whole: return false
        case .copyIn: return forecast.traffic[device.position].lowChunks(inward: true) < 2
        case .copyOut: return forecast.traffic[device.position].lowChunks(inward: false) < 2
        case .run:
            guard budget > 0 else { return true }
            budget -= 1
            let view = view(of: device, at: now, in: state, using: forecast)
            let verdict = views[view].weigh(resuming: slot, on: gpulet)
            return !(verdict?.harms ?? false)
        }
    }
}
