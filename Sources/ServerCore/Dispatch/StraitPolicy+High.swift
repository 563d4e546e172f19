import ServingDomain

/// High priority: what goes first, and what is done about heads that can't be saved.
extension StraitPolicy {
    mutating func high(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> HighMove {
        let found = gpulets(for: .high, at: now, in: state, using: forecast)
        var harms = false
        var best: Pick?
        for place in found.indices where found[place] >= 0 {
            let gpulet = GpuletID(found[place])
            let move = candidate(
                on: gpulet,
                at: now,
                in: state,
                using: forecast,
                harms: &harms
            )
            switch move {
            case .hopeless(let slot): return .act(.giveUp(slot: slot))
            case .nothing: continue
            case .start(let pick):
                if let present = best {
                    // Another device for the same queue: the earlier safe finish.
                    guard pick.launch.queue == present.launch.queue, pick.safe < present.safe
                    else { continue }
                }
                best = pick
                // Nothing can be better than an idle device of the only kind.
                let device = state.gpulets[gpulet.position].device
                if forecast.kinds.count == 1, forecast.traffic[device.position].flights.isEmpty {
                    return .act(.start(pick.launch))
                }
            }
        }
        if let best { return .act(.start(best.launch)) }
        return harms ? .wait : .nothing
    }

    private enum Move {
        case start(Pick)
        case hopeless(slot: Int32)
        case nothing
    }

    /// The most urgent high batch that `gpulet` can take.
    private mutating func candidate(
        on gpulet: GpuletID,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast,
        harms: inout Bool
    ) -> Move {
        var best: Pick?
        var node = state.firstReady(gpulet, .high)
        var tried = 0
        while node >= 0, tried < Self.queueLimit {
            tried += 1
            let spot = spot(node, .high, on: gpulet, at: now, in: state, using: forecast)
            let head = state.head(of: spot.queue)
            if lastStart(of: state.requests[Int(head)], at: now, using: forecast) < now {
                return .hopeless(slot: head)
            }
            let pick = pickBehindHeads(spot, at: now, in: state, using: forecast, harms: &harms)
            if let pick, best == nil || pick.slack < best?.slack ?? 0 { best = pick }
            node = state.nextReady(after: node, on: gpulet, .high)
        }
        if let best {
            return .start(
                rescue(best, on: gpulet, at: now, in: state, using: forecast)
            )
        }
        return fallback(on: gpulet, at: now, in: state, using: forecast, harms: &harms)
    }

    /// Nothing is safe: a single request that may make it, else those behind the heads.
    private mutating func fallback(
        on gpulet: GpuletID,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast,
        harms: inout Bool
    ) -> Move {
        for skip in Int32(0)...2 {
            var node = state.firstReady(gpulet, .high)
            var tried = 0
            while node >= 0, tried < Self.queueLimit {
                tried += 1
                let spot = spot(node, .high, on: gpulet, at: now, in: state, using: forecast)
                let pick = pick(
                    spot,
                    skip: skip,
                    skip == 0 ? .likely : .safe,
                    at: now,
                    in: state,
                    using: forecast,
                    harms: &harms
                )
                if let pick { return .start(pick) }
                node = state.nextReady(after: node, on: gpulet, .high)
            }
        }
        return .nothing
    }

    /// If the head's deadline keeps the batch small, and the rest would be late after it, the
    /// rest goes without it, provided that saves more requests than the head's batch has.
    private mutating func rescue(
        _ pick: Pick,
        on gpulet: GpuletID,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Pick {
        let queue = pick.launch.queue
        let head = state.head(of: queue)
        guard pick.launch.skip == 0, head >= 0 else { return pick }
        let second = state.waiting.next(after: head)
        let waiting = state.queues[queue.position].tree.count
        guard second >= 0, waiting > pick.launch.count + 1,
            state.gpulets[gpulet.position].slots - state.gpulets[gpulet.position].running == 1,
            let finish = pick.launch.expected
        else { return pick }
        let lane = state.lanes[pick.launch.lane.position]
        let rest = state.prefix(from: second, limit: lane.batchLimit)
        let deadline = state.requests[Int(second)].deadline
        guard rest.count > pick.launch.count, deadline != .distantFuture,
            let alone = forecast.solo(row: lane.row, items: rest.items),
            finish + TimeSpan(nanoseconds: Int64(alone)) > deadline
        else { return pick }
        var spot = Spot(
            lane: pick.launch.lane,
            queue: queue,
            gpulet: gpulet,
            device: state.gpulets[gpulet.position].device,
            row: lane.row,
            view: 0
        )
        spot.view = view(of: spot.device, at: now, in: state, using: forecast)
        var harms = false
        let other = self.pick(
            spot,
            skip: 1,
            .safe,
            at: now,
            in: state,
            using: forecast,
            harms: &harms
        )
        guard let other, other.launch.count > pick.launch.count else { return pick }
        return other
    }
}
