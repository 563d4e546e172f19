import ServingDomain

/// One queue on one gpulet: how many of its requests could start now.
extension StraitPolicy {
    /// Where a batch would start.
    struct Spot {
        var lane: LaneID
        var queue: QueueID
        var gpulet: GpuletID
        var device: DeviceID
        var row: Int32
        /// The view of its device.
        var view: Int
    }

    /// How far the forecast must agree.
    enum Demand {
        /// The safe finish keeps the deadline.
        case safe
        /// One request whose finish is at most a tenth later than its deadline; any, if the
        /// device is idle.
        case likely
    }

    /// Where a node of the ready lanes would start.
    mutating func spot(
        _ node: Int32,
        _ priority: PriorityClass,
        on gpulet: GpuletID,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Spot {
        let lane = LaneID(node >> 1)
        let device = state.gpulets[gpulet.position].device
        return Spot(
            lane: lane,
            queue: QueueID(state.lanes[lane.position].model, priority),
            gpulet: gpulet,
            device: device,
            row: state.lanes[lane.position].row,
            view: view(of: device, at: now, in: state, using: forecast)
        )
    }

    /// The largest batch behind the first `skip` requests that ends in time and harms nobody.
    ///
    /// - Parameter harms: Set if a batch was refused because of high work in flight.
    mutating func pick(
        _ spot: Spot,
        skip: Int32 = 0,
        _ demand: Demand,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast,
        harms: inout Bool
    ) -> Pick? {
        var first = state.head(of: spot.queue)
        for _ in 0..<skip where first >= 0 { first = state.waiting.next(after: first) }
        guard first >= 0 else { return nil }
        let deadline = state.requests[Int(first)].deadline
        var (count, items): (Int32, Int32) = (1, state.requests[Int(first)].items)
        guard forecast.solo(row: spot.row, items: items) != nil else {
            return unknown(spot, skip: skip, deadline, at: now)
        }
        if case .safe = demand, state.models[spot.queue.model.position].dynamic {
            let most = forecast.largestAlone(
                row: spot.row,
                within: deadline == .distantFuture
                    ? .infinity : Double((deadline - now).nanoseconds),
                limit: state.lanes[spot.lane.position].batchLimit
            )
            if most > items { (count, items) = state.prefix(from: first, limit: most) }
        }
        while budget > 0 {
            budget -= 1
            var launch = Launch(lane: spot.lane, queue: spot.queue, count: count)
            launch.skip = skip
            let found = weigh(
                spot,
                &launch,
                items,
                deadline,
                demand,
                at: now,
                in: state,
                using: forecast,
                harms: &harms
            )
            if let found { return found }
            guard count > 1 else { return nil }
            // Down to the next power of two.
            let smaller = Int32(1) << Int32(31 - (items - 1).leadingZeroBitCount)
            (count, items) = state.prefix(from: first, limit: max(1, min(smaller, items - 1)))
        }
        return nil
    }

    /// The largest safe batch behind the heads that a backlog leaves behind, else behind the first
    /// `skip` requests.
    mutating func pickBehindHeads(
        _ spot: Spot,
        skip: Int32 = 0,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast,
        harms: inout Bool
    ) -> Pick? {
        if options.leavesHeads, skip == 0, state.models[spot.queue.model.position].dynamic {
            let limit = state.lanes[spot.lane.position].batchLimit
            let backlog = Backlog(queue: spot.queue, row: spot.row, limit: limit)
            let left = backlog.headsToLeave(at: now, in: state, using: forecast)
            if left > 0 {
                let pick = pick(
                    spot,
                    skip: left,
                    .safe,
                    at: now,
                    in: state,
                    using: forecast,
                    harms: &harms
                )
                if let pick { return pick }
            }
        }
        return pick(
            spot,
            skip: skip,
            .safe,
            at: now,
            in: state,
            using: forecast,
            harms: &harms
        )
    }

    /// A model that nothing was measured of is served one request at a time.
    private func unknown(
        _ spot: Spot,
        skip: Int32,
        _ deadline: Instant,
        at now: Instant
    ) -> Pick? {
        guard skip == 0 else { return nil }
        let launch = Launch(lane: spot.lane, queue: spot.queue, count: 1)
        return Pick(launch: launch, slack: Self.slack(deadline, now))
    }

    /// From `safe` to `deadline` in nanoseconds; much where there is no deadline.
    static func slack(_ deadline: Instant, _ safe: Instant) -> Double {
        deadline == .distantFuture ? 1e18 : Double((deadline - safe).nanoseconds)
    }

    /// Forecasts one batch; nil if it may not start.
    private mutating func weigh(
        _ spot: Spot,
        _ launch: inout Launch,
        _ items: Int32,
        _ deadline: Instant,
        _ demand: Demand,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast,
        harms: inout Bool
    ) -> Pick? {
        let priority = spot.queue.priority
        if priority == .low { views[spot.view].findRooms(at: now, using: forecast) }
        let stage = firstStage(spot, items, using: forecast)
        launch.stage = stage
        guard
            let flight = forecast.candidate(
                row: spot.row,
                items: items,
                priority: priority,
                device: spot.device,
                isStaged: stage != .whole
            )
        else { return nil }
        let verdict = views[spot.view].weigh(flight, on: spot.gpulet, using: forecast)
        if verdict.harms, options.avoidsHarm {
            harms = true
            return nil
        }
        switch demand {
        case .safe: guard deadline == .distantFuture || verdict.safe <= deadline else { return nil }
        case .likely:
            let late = Double((verdict.finish - deadline).nanoseconds)
            let span = Double((verdict.finish - now).nanoseconds)
            guard verdict.company == 0 || late * 10 <= span else { return nil }
        }
        let due = options.ordersBySlack ? verdict.safe : now
        var pick = Pick(launch: launch, slack: Self.slack(deadline, due))
        pick.safe = verdict.safe
        pick.harm = verdict.harm
        pick.launch.expected = verdict.finish
        if deadline != .distantFuture, forecast.isConfirmed(row: spot.row, at: now) {
            let least = forecast.bestCase(row: spot.row, items: 1, device: spot.device)
            pick.launch.latest = max(now, deadline - (least ?? .zero))
        }
        let weight = forecast.weight(row: spot.row)
        if pick.slack > 0 { pick.slack /= weight }
        let span = max(1, Double((verdict.finish - now).nanoseconds))
        pick.value = Double(launch.count) * weight / span * 1e9
        guard priority == .low else { return pick }
        return gated(pick, spot, verdict, flight, at: now, in: state, using: forecast)
    }

    /// Low work goes in stages where its copies are long.
    private func firstStage(
        _ spot: Spot,
        _ items: Int32,
        using forecast: borrowing Forecast
    ) -> Stage {
        guard spot.queue.priority == .low, options.hasChunks,
            forecast.traffic[spot.device.position].hasRoom
        else { return .whole }
        let plan = forecast.stagePlan(row: spot.row, items: items, device: spot.device)
        guard plan.chunksIn > 1, isLong(plan, spot) else { return .whole }
        return plan.first(stride: plan.segments)
    }

    /// Whether high work that may come could not well wait for all of a copy.
    ///
    /// A batch that goes in chunks may lose its slot between them, so it is not done for nothing.
    private func isLong(_ plan: StagePlan, _ spot: Spot) -> Bool {
        let copy = views.span[spot.view].outlook.setting.copy
        let time = copy.time(bytes: Double(plan.inputBytes), inward: true)
        return time > views.span[spot.view].leastRoom * options.chunkPart
    }

    /// Segments of one piece of a low run that is cut: as many as take two milliseconds.
    func stride(
        _ row: Int32,
        _ items: Int32,
        _ segments: Int32,
        using forecast: borrowing Forecast
    ) -> Int32 {
        guard options.hasSegments, segments > 1,
            let solo = forecast.solo(row: row, items: items), solo > StraitOptions.segmentSpan
        else { return segments }
        let pieces = (solo / StraitOptions.segmentSpan).rounded(.up)
        return max(1, Int32((Double(segments) / pieces).rounded(.up)))
    }
}
