import ServingDomain

/// Low priority: what is left over, and what it may not take.
extension StraitPolicy {
    /// Beyond this part of low requests missing their deadline, not all can be served.
    private static let overload = 0.12

    mutating func low(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Pick? {
        let found = gpulets(for: .low, at: now, in: state, using: forecast)
        let isOverloaded = options.weighsValue && forecast.violations.low > Self.overload
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
        if isOverloaded {
            best = mostValuable(on: gpulet, at: now, in: state, using: forecast)
            if best != nil { return best }
        }
        for skip in Int32(0)...1 {
            var node = state.firstReady(gpulet, .low)
            var tried = 0
            while node >= 0, tried < Self.queueLimit {
                tried += 1
                let spot = spot(node, .low, on: gpulet, at: now, in: state, using: forecast)
                let pick = pickBehindHeads(
                    spot,
                    skip: skip,
                    at: now,
                    in: state,
                    using: forecast,
                    harms: &harms
                )
                if let pick, pick.slack < best?.slack ?? .infinity { best = pick }
                node = state.nextReady(after: node, on: gpulet, .low)
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

    /// Beyond capacity not all can be served: of up to sixteen queues the three that promise the
    /// most requests in time per second of a slot are forecast, and the best of those goes.
    private mutating func mostValuable(
        on gpulet: GpuletID,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Pick? {
        var nodes = InlineArray<3, Int32>(repeating: -1)
        var values = InlineArray<3, Double>(repeating: -1)
        var node = state.firstReady(gpulet, .low)
        var seen = 0
        while node >= 0, seen < 16 {
            seen += 1
            var value = promise(of: node, in: state, using: forecast)
            var id = node
            for place in 0..<3 where value > values[place] {
                (value, values[place]) = (values[place], value)
                (id, nodes[place]) = (nodes[place], id)
            }
            node = state.nextReady(after: node, on: gpulet, .low)
        }
        var best: Pick?
        var harms = false
        for place in nodes.indices where nodes[place] >= 0 {
            let spot = spot(nodes[place], .low, on: gpulet, at: now, in: state, using: forecast)
            for skip in Int32(0)...1 {
                let pick = pickBehindHeads(
                    spot,
                    skip: skip,
                    at: now,
                    in: state,
                    using: forecast,
                    harms: &harms
                )
                guard let pick else { continue }
                if pick.value > best?.value ?? -1 { best = pick }
                break
            }
        }
        return best
    }

    /// Requests per second of a slot, if all that fit a batch ran alone.
    private func promise(
        of node: Int32,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Double {
        let lane = state.lanes[Int(node >> 1)]
        let queue = QueueID(lane.model, .low)
        let isDynamic = state.models[lane.model.position].dynamic
        let most = state.prefix(of: queue, limit: isDynamic ? lane.batchLimit : 1)
        guard let solo = forecast.solo(row: lane.row, items: most.items), solo > 0 else { return 0 }
        return Double(most.count) * forecast.weight(row: lane.row) / solo
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
        let isOpen = passesGates(
            spot,
            verdict,
            flight,
            at: now,
            in: state,
            using: forecast
        )
        if isOpen { return pick }
        var pick = pick
        if let stage = cutStage(spot, flight, in: state, using: forecast) {
            pick.launch.stage = stage
            return pick
        }
        let cost = Int64(min(flight.solo, 1e15))
        guard options.hasCredit else { return nil }
        if credit < cost {
            wanted = min(wanted, cost - credit)
            return nil
        }
        pick.credit = cost
        return pick
    }

    /// The first piece of a run that the gates refuse as a whole, where the engine can cut it and
    /// one piece leaves high work the time that it needs; nil elsewhere.
    private func cutStage(
        _ spot: Spot,
        _ flight: Flight,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Stage? {
        guard options.hasSegments, !flight.isStaged,
            forecast.traffic[spot.device.position].hasRoom
        else { return nil }
        let plan = forecast.stagePlan(row: spot.row, items: flight.items, device: spot.device)
        let stride = stride(spot.row, flight.items, plan.segments, using: forecast)
        guard stride < plan.segments, plan.chunksIn <= 1 else { return nil }
        // A piece beside others takes at most five times as long; twice is what they cost.
        let piece = 2 * flight.solo * Double(stride) / Double(plan.segments)
        let copy = views.span[spot.view].outlook.setting.copy
        let chunk = copy.time(bytes: Double(plan.inputBytes), inward: true)
        guard max(piece, chunk) <= views.span[spot.view].leastRoom else { return nil }
        return plan.first(stride: stride)
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
        let copies = flight.isCopying || views.span[spot.view].outlook.setting.copy.engines > 0
        guard isLastSlot || copies else { return true }
        return leavesRoom(
            spot,
            verdict,
            flight,
            isLastSlot: isLastSlot,
            at: now,
            in: state,
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
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Bool {
        let copy = views.span[spot.view].outlook.setting.copy
        let chunks = forecast.traffic[spot.device.position].lowChunks(inward: true)
        let queued =
            flight.isStaged
            ? Double(min(1, chunks)) * copy.time(bytes: flight.chunk, inward: true) : 0
        let backlog = queued + copy.time(bytes: flight.bytes, inward: true)
        let wait = verdict.firstFree
        for place in views.span[spot.view].rooms.indices {
            let (model, room, gap) = views.span[spot.view].rooms[place]
            // Beyond a hundredth of a chance (1 - exp(-t / gap)) it is expected to come. Who has
            // no lane here wants no slot here.
            if isLastSlot, wait >= gap * 0.01, wait > room,
                state.hasLane(of: model, on: spot.gpulet)
            {
                return false
            }
            if backlog > 0, backlog >= gap * 0.01, backlog > room * 0.5 { return false }
        }
        return true
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
                // Only a run that began in pieces goes on in pieces.
                let isCut = if case .run = batch.stage { true } else { plan.chunksIn == 1 }
                let stride =
                    isCut
                    ? stride(lane.row, batch.items, plan.segments, using: forecast)
                    : plan.segments
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
