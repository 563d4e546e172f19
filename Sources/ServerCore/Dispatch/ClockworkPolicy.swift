package import ServingDomain

/// One batch per device at a time, within a window, by the worst of the last ten times.
///
/// After Clockwork (OSDI'20): every (model, batch) has an estimate, the 99th percentile of its
/// last ten times; the model whose latest start is earliest goes first, with the largest batch
/// that its first deadline allows; what can't make it is dropped. A launch may begin until its
/// latest start, at most ten milliseconds from now; a lane thread that comes later hands the
/// batch back. Clockwork also queues an action ahead of the running one, to hide its network;
/// our launches are decided where the last batch ends, so there is nothing to hide.
package struct ClockworkPolicy: DispatchPolicy {
    package let order = QueueOrder.deadline
    private static let window = TimeSpan.milliseconds(10)

    /// Creates the policy.
    package init() {}

    package var forecastOptions: ForecastOptions {
        var options = ForecastOptions.plain
        options.keepsTimes = true
        return options
    }

    package func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal? {
        guard let deadline = arrival.deadline,
            let worst = forecast.worstOfLast(model: arrival.model, items: arrival.items, at: now)
        else { return nil }
        return now + worst > deadline ? .hopeless : nil
    }

    package func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant {
        guard request.deadline != .distantFuture else { return .distantFuture }
        let worst = forecast.worstOfLast(model: request.model, items: request.items, at: now)
        return request.deadline - (worst ?? .zero)
    }

    package mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        var best: Launch?
        var bestStart = Instant.distantFuture
        var gpulet = state.candidate(from: 0)
        while let present = gpulet {
            defer { gpulet = state.candidate(from: present.index + 1) }
            let device = state.gpulets[present.position].device
            guard isIdle(device, in: state) else { continue }
            for priority in PriorityClass.allCases {
                var node = state.firstReady(present, priority)
                while node >= 0 {
                    let launch = launch(node, priority, at: now, in: state, using: forecast)
                    if best == nil || launch.start < bestStart {
                        best = launch.launch
                        bestStart = launch.start
                    }
                    node = state.nextReady(after: node, on: present, priority)
                }
            }
        }
        guard let best else { return .hold(until: nil) }
        return .start(best)
    }

    private func isIdle(_ device: DeviceID, in state: borrowing DispatchState) -> Bool {
        for place in state.gpulets.indices
        where state.gpulets[place].isLive && state.gpulets[place].device == device {
            if state.gpulets[place].running > 0 { return false }
        }
        return true
    }

    /// What the queue of a ready lane would send, and its latest start: deadline - estimate.
    private func launch(
        _ node: Int32,
        _ priority: PriorityClass,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> (launch: Launch, start: Instant) {
        let lane = LaneID(node >> 1)
        let record = state.lanes[lane.position]
        let queue = QueueID(record.model, priority)
        let head = state.head(of: queue)
        let deadline = state.requests[Int(head)].deadline
        var (count, items): (Int32, Int32) = (1, state.requests[Int(head)].items)
        var limit = state.models[record.model.position].dynamic ? record.batchLimit : 1
        while limit > 1 {
            let prefix = state.prefix(of: queue, limit: limit)
            let worst = forecast.worstOfLast(row: record.row, items: prefix.items, at: now)
            if let worst, deadline == .distantFuture || now + worst <= deadline {
                (count, items) = prefix
                break
            }
            limit /= 2
        }
        var launch = Launch(lane: lane, queue: queue, count: count)
        let worst = forecast.worstOfLast(row: record.row, items: items, at: now)
        guard deadline != .distantFuture else {
            launch.expected = worst.map { now + $0 }
            return (launch, .distantFuture)
        }
        let isSure = forecast.isConfirmed(row: record.row, at: now)
        let start = deadline - (isSure ? worst ?? .zero : .zero)
        launch.latest = max(now, min(start, now + Self.window))
        launch.expected = worst.map { now + $0 }
        return (launch, start)
    }
}
