package import ServingDomain

/// Earliest deadline first in two classes, with the largest batch that the first deadline allows.
///
/// What can't make its deadline even alone is not admitted, or dropped as soon as that is so,
/// provided that a batch of the model ran lately; else it runs and shows how long it takes. A
/// model that nothing was measured of is served one request at a time and never refused. In a
/// backlog a batch may begin behind the heads (`Backlog`): deadlines alone would
/// keep it there.
package struct EdfPolicy: DispatchPolicy {
    package let order = QueueOrder.deadline

    /// Creates the policy.
    package init() {}

    package func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal? {
        guard let deadline = arrival.deadline,
            let latency = forecast.shortestLatency(
                model: arrival.model,
                items: arrival.items,
                at: now
            )
        else { return nil }
        return now + latency > deadline ? .hopeless : nil
    }

    package func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant {
        guard request.deadline != .distantFuture else { return .distantFuture }
        let latency = forecast.shortestLatency(
            model: request.model,
            items: request.items,
            at: now
        )
        return request.deadline - (latency ?? .zero)
    }

    package mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        choice(of: .high, at: now, in: state, using: forecast)
            ?? choice(of: .low, at: now, in: state, using: forecast) ?? .hold(until: nil)
    }

    /// What to do about one class, on the gpulets that `isAllowed` lets it use; nil = nothing.
    func choice(
        of priority: PriorityClass,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast,
        where isAllowed: (GpuletID, borrowing DispatchState) -> Bool = { _, _ in true }
    ) -> Choice? {
        var best = Candidate.none
        var gpulet = state.candidate(from: 0)
        while let present = gpulet {
            guard isAllowed(present, state) else {
                gpulet = state.candidate(from: present.index + 1)
                continue
            }
            let found = candidate(on: present, priority, at: now, in: state, using: forecast)
            switch found {
            case .hopeless(let slot): return .giveUp(slot: slot)
            case .lane(let node): if best.isBehind(node, at: now, in: state) { best = found }
            case .none: break
            }
            gpulet = state.candidate(from: present.index + 1)
        }
        guard case .lane(let node) = best else { return nil }
        return .start(launch(node, priority, at: now, in: state, using: forecast))
    }

    /// The first ready lane of `gpulet` on which its queue's head makes its deadline.
    ///
    /// Usually the very first; on one that is too slow for it the head is left to a faster one.
    private func candidate(
        on gpulet: GpuletID,
        _ priority: PriorityClass,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Candidate {
        var node = state.firstReady(gpulet, priority)
        while node >= 0 {
            let lane = state.lanes[Int(node >> 1)]
            let head = state.head(of: QueueID(lane.model, priority))
            let deadline = state.requests[Int(head)].deadline
            if deadline == .distantFuture { return .lane(node) }
            let items = state.requests[Int(head)].items
            let here = forecast.latency(row: lane.row, items: items, at: now) ?? .zero
            if now + here <= deadline || !forecast.isConfirmed(row: lane.row, at: now) {
                return .lane(node)
            }
            if lastStart(of: state.requests[Int(head)], at: now, using: forecast) < now {
                return .hopeless(slot: head)
            }
            node = state.nextReady(after: node, on: gpulet, priority)
        }
        return .none
    }

    private func launch(
        _ node: Int32,
        _ priority: PriorityClass,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Launch {
        let lane = LaneID(node >> 1)
        let record = state.lanes[lane.position]
        let queue = QueueID(record.model, priority)
        var head = state.head(of: queue)
        var skip: Int32 = 0
        if state.models[record.model.position].dynamic {
            let backlog = Backlog(queue: queue, row: record.row, limit: record.batchLimit)
            skip = backlog.headsToLeave(at: now, in: state, using: forecast)
            for _ in 0..<skip { head = state.waiting.next(after: head) }
        }
        let deadline = state.requests[Int(head)].deadline
        var (count, items): (Int32, Int32) = (1, state.requests[Int(head)].items)
        if state.models[record.model.position].dynamic {
            let size = forecast.largestBatch(
                row: record.row,
                within: deadline == .distantFuture ? .forever : deadline - now,
                limit: record.batchLimit,
                at: now
            )
            if size > items { (count, items) = state.prefix(from: head, limit: size) }
        }
        var launch = Launch(lane: lane, queue: queue, count: count)
        launch.skip = skip
        let alone = forecast.latency(
            row: record.row,
            items: state.requests[Int(head)].items,
            at: now
        )
        // Of the head alone, not of the batch: batches are made as large as the slack allows, so a
        // thread's wake-up would often pass the latest start of the whole batch by microseconds,
        // and all of it would go back for nothing. After this point the head is lost in any batch.
        if deadline != .distantFuture {
            let isSure = forecast.isConfirmed(row: record.row, at: now)
            launch.latest = deadline - (isSure ? alone ?? .zero : .zero)
        }
        launch.expected =
            (count == 1
            ? alone : forecast.latency(row: record.row, items: items, at: now)).map { now + $0 }
        return launch
    }
}

/// What a gpulet offers.
private enum Candidate {
    case none
    /// A node of the ready lanes.
    case lane(Int32)
    /// A request that can't make it anywhere.
    case hopeless(slot: Int32)

    /// Whether `node` is to be preferred.
    func isBehind(_ node: Int32, at now: Instant, in state: borrowing DispatchState) -> Bool {
        guard case .lane(let present) = self else { return true }
        if state.ready.precedes(node, present) { return true }
        if state.ready.precedes(present, node) { return false }
        return state.isFurtherBehind(LaneID(node >> 1), than: LaneID(present >> 1), at: now)
    }
}

extension TimeSpan {
    /// Longer than any latency.
    fileprivate static let forever = TimeSpan(nanoseconds: .max)
}
