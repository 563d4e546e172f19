package import ServingDomain

/// gpu-lets' own discipline (Choi et al., ATC'22; the released system's batching, routing and
/// dropping): batches gather until they are full or their gpulet's duty cycle is over.
///
/// Within a queue: by arrival. A lane is ripe when its batch is full, or cannot grow, or when its
/// gpulet's duty cycle has passed since the first request came; without a duty cycle it always
/// is. Of ripe queues the one goes first that has been ripe for longest; of a model's lanes the
/// one furthest behind its planned rate. Deadlines decide nothing but that a request is dropped
/// when it has waited for its whole objective; service time is not looked at ("lazy" dropping).
package struct DutyPolicy: DispatchPolicy {
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
        request.deadline
    }

    package mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        var best: (lane: LaneID, batch: Gathering)?
        var hold = Instant.distantFuture
        var gpulet = state.candidate(from: 0)
        while let present = gpulet {
            var node = state.firstReady(present, .high)
            while node >= 0 {
                let lane = LaneID(node >> 1)
                if isAhead(lane, at: now, in: state) {
                    node = state.ready.next(after: node)
                    continue
                }
                let batch = Gathering(lane, at: now, in: state)
                if batch.ripe <= now {
                    let precedes =
                        best.map { ($0.batch.ripe, $0.lane) > (batch.ripe, lane) } ?? true
                    if precedes { best = (lane, batch) }
                } else if best == nil {
                    if let choice = gather(lane, at: now, in: state) { return choice }
                    // Ripe for a lane that is busy: not hidden, so that it starts there at once.
                    hold = min(hold, batch.ripe)
                }
                node = state.ready.next(after: node)
            }
            gpulet = state.candidate(from: present.index + 1)
        }
        guard let best else { return .hold(until: hold == .distantFuture ? nil : hold) }
        return .start(launch(best.lane, best.batch, at: now, in: state, using: forecast))
    }

    /// Whether a lane has had more than its planned part of its model's requests, by a whole batch,
    /// while another lane has had less: then it leaves the next ones to that lane.
    ///
    /// Without this a lane that was planned for little and takes small batches, which are ripe
    /// at once, takes everything: its neighbours in time never get their turn.
    private func isAhead(
        _ lane: LaneID,
        at now: Instant,
        in state: borrowing DispatchState
    ) -> Bool {
        let own = state.lanes[lane.position]
        guard own.milliRate > 0, own.arrears(at: now) < -1_000 * Int64(own.batchLimit) else {
            return false
        }
        var other = state.models[own.model.position].firstLane
        while other >= 0 {
            let record = state.lanes[Int(other)]
            if other != lane.index, record.ready > 0, record.arrears(at: now) > 0 { return true }
            other = record.nextOfModel
        }
        return false
    }

    /// Hides the queue of a lane until one of the model's lanes is ripe; nil where one is, and
    /// only has no instance or slot free.
    private func gather(
        _ lane: LaneID,
        at now: Instant,
        in state: borrowing DispatchState
    ) -> Choice? {
        let model = state.lanes[lane.position].model
        let queue = QueueID(model, .high)
        let waiting = state.queues[queue.position].tree.count
        var until = Instant.distantFuture
        var size = Int32.max
        var other = state.models[model.position].firstLane
        while other >= 0 {
            let record = state.lanes[Int(other)]
            if record.ready > 0, !record.isDormant {
                until = min(until, Gathering.end(of: record, queue, in: state))
                size = min(size, record.batchLimit)
            }
            other = record.nextOfModel
        }
        guard until > now, waiting < size else { return nil }
        return .gather(queue, size: size, until: until)
    }

    private func launch(
        _ first: LaneID,
        _ batch: Gathering,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Launch {
        let model = state.lanes[first.position].model
        var (lane, batch) = (first, batch)
        var other = state.models[model.position].firstLane
        while other >= 0 {
            let record = state.lanes[Int(other)]
            let gpulet = state.gpulets[record.gpulet.position]
            if other != lane.index, record.hasFreeInstance, gpulet.state == .open,
                gpulet.running < gpulet.slots,
                state.isFurtherBehind(LaneID(other), than: lane, at: now)
            {
                let found = Gathering(LaneID(other), at: now, in: state)
                if found.ripe <= now { (lane, batch) = (LaneID(other), found) }
            }
            other = record.nextOfModel
        }
        var launch = Launch(lane: lane, queue: QueueID(model, .high), count: batch.count)
        let row = state.lanes[lane.position].row
        launch.expected =
            forecast.latency(row: row, items: batch.items, at: now).map { now + $0 }
        return launch
    }
}

/// The batch that a lane could start now, and when it is or was ripe.
private struct Gathering {
    var count: Int32 = 0, items: Int32 = 0
    var ripe: Instant

    /// Looks at the first requests of the lane's queue, which is not empty.
    init(_ lane: LaneID, at now: Instant, in state: borrowing DispatchState) {
        let record = state.lanes[lane.position]
        let queue = QueueID(record.model, .high)
        ripe = Self.end(of: record, queue, in: state)
        let isDynamic = state.models[record.model.position].dynamic
        let limit = isDynamic ? record.batchLimit : 1
        var slot = state.head(of: queue)
        let shape = state.requests[Int(slot)].shape
        while slot >= 0 {
            let request = state.requests[Int(slot)]
            let fits = count == 0 || (request.shape == shape && request.items <= limit - items)
            if fits {
                count += 1
                items += request.items
                slot = state.waiting.next(after: slot)
            }
            // Full, or closed by one that can't join: since that one came.
            if !fits || items >= limit {
                ripe = min(ripe, request.arrival)
                return
            }
        }
    }

    /// When the duty cycle that the head of `queue` began on `lane` ends.
    static func end(
        of lane: LaneRecord,
        _ queue: QueueID,
        in state: borrowing DispatchState
    ) -> Instant {
        let head = state.requests[Int(state.head(of: queue))]
        return head.arrival + (state.gpulets[lane.gpulet.position].dutyCycle ?? .zero)
    }
}
