package import ServingDomain

/// Triton's dynamic batching: the first come goes first, deadlines are not looked at.
///
/// Within a model: by level, then by arrival. Across models: the same. A batch starts when a
/// preferred size has gathered (any size, without preferred ones, if there is no delay), when it
/// can't grow, or when its oldest request has waited for the maximum delay.
package struct FifoPolicy: DispatchPolicy {
    package let order = QueueOrder.arrival

    /// Creates the policy.
    package init() {}

    package func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal? {
        nil
    }

    package func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant {
        .distantFuture
    }

    package mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        guard let lane = firstLane(at: now, in: state) else { return .hold(until: nil) }
        let queue = QueueID(state.lanes[lane.position].model, .high)
        let (count, items, until) = gather(queue, lane, at: now, in: state)
        guard count > 0 else { return .park(queue, until: until) }
        var launch = Launch(lane: lane, queue: queue, count: count)
        launch.expected =
            forecast.latency(row: state.lanes[lane.position].row, items: items, at: now)
            .map { now + $0 }
        return .start(launch)
    }

    /// The ready lane whose queue has the first request of all.
    private func firstLane(at now: Instant, in state: borrowing DispatchState) -> LaneID? {
        var best: Int32 = -1
        var gpulet = state.candidate(from: 0)
        while let present = gpulet {
            let node = state.firstReady(present, .high)
            if node >= 0, best < 0 || precedes(node, best, at: now, in: state) { best = node }
            gpulet = state.candidate(from: present.index + 1)
        }
        return best < 0 ? nil : LaneID(best >> 1)
    }

    private func precedes(
        _ left: Int32,
        _ right: Int32,
        at now: Instant,
        in state: borrowing DispatchState
    ) -> Bool {
        if state.ready.precedes(left, right) { return true }
        if state.ready.precedes(right, left) { return false }
        return state.isFurtherBehind(LaneID(left >> 1), than: LaneID(right >> 1), at: now)
    }

    /// How many requests go now; 0 = none before `until`.
    private func gather(
        _ queue: QueueID,
        _ lane: LaneID,
        at now: Instant,
        in state: borrowing DispatchState
    ) -> (count: Int32, items: Int32, until: Instant) {
        let head = state.head(of: queue)
        guard state.models[queue.model.position].dynamic else {
            return (1, state.requests[Int(head)].items, now)
        }
        let maxDelay = state.models[queue.model.position].maxDelay
        let limit = state.lanes[lane.position].batchLimit
        let preferred = state.preferredSizes[queue.model.position]
        let pending = Pending(queue, limit: limit, preferred: preferred, in: state)
        let ripe = pending.oldest + maxDelay
        if maxDelay > .zero, now >= ripe { return (pending.count, pending.items, now) }
        if pending.bestCount > 0 { return (pending.bestCount, pending.bestItems, now) }
        if maxDelay <= .zero || pending.isComplete {
            return (pending.count, pending.items, now)
        }
        return (0, 0, ripe)
    }
}

/// What a queue could send as one batch.
private struct Pending {
    /// All that fits.
    var count: Int32 = 0, items: Int32 = 0
    /// The largest preferred size that the first requests add up to; 0 = none.
    var bestCount: Int32 = 0, bestItems: Int32 = 0
    /// When the oldest of them came.
    var oldest = Instant.distantFuture
    /// Whether nothing that may yet come could join.
    var isComplete = false

    init(
        _ queue: QueueID,
        limit: Int32,
        preferred: [Int32],
        in state: borrowing DispatchState
    ) {
        var slot = state.head(of: queue)
        let shape = state.requests[Int(slot)].shape
        while slot >= 0 {
            let request = state.requests[Int(slot)]
            if count > 0, request.shape != shape || request.items > limit - items {
                isComplete = true
                return
            }
            count += 1
            items += request.items
            oldest = min(oldest, request.arrival)
            if preferred.contains(items) {
                bestCount = count
                bestItems = items
            }
            if items >= limit {
                isComplete = true
                return
            }
            slot = state.waiting.next(after: slot)
        }
    }
}
