import ServingDomain

/// Carries out what the policy chose; the core checks what no policy may get wrong.
extension ServerCore {
    mutating func start(_ launch: Launch, _ actions: inout ActionBuffer) {
        let slot = state.startBatch(
            lane: launch.lane,
            queue: launch.queue,
            skip: launch.skip,
            count: launch.count,
            at: now
        )
        state.batches[Int(slot)].expected = launch.expected ?? .distantFuture
        send(slot, launch.stage, latest: launch.latest, expected: launch.expected, &actions)
    }

    mutating func resume(_ batch: BatchID, _ stage: Stage, _ actions: inout ActionBuffer) {
        guard let slot = state.slot(of: batch), state.batches[Int(slot)].state == .paused else {
            preconditionFailure("a policy resumed a batch that is not paused")
        }
        state.resume(slot, at: now)
        send(slot, stage, latest: .distantFuture, expected: nil, &actions)
    }

    private mutating func send(
        _ slot: Int32,
        _ stage: Stage,
        latest: Instant,
        expected: Instant?,
        _ actions: inout ActionBuffer
    ) {
        state.batches[Int(slot)].stage = stage
        let batch = state.batches[Int(slot)]
        let begin = Int32(actions.requests.count)
        var request = batch.first
        while request >= 0 {
            actions.append(state.requests[Int(request)].id(at: request))
            request = state.requests[Int(request)].next
        }
        let order = LaunchOrder(
            batch: batch.id(at: slot),
            instance: batch.instance,
            model: batch.model,
            stage: stage,
            items: batch.items,
            requests: begin..<Int32(actions.requests.count),
            latest: latest,
            expected: expected,
            due: batch.first >= 0 ? state.requests[Int(batch.first)].deadline : .distantFuture,
            overtakes: batch.overtakes
        )
        forecast.launched(takeoff(of: slot), at: now)
        actions.append(.launch(order))
    }

    /// What the forecast is told of the stage that the batch at `slot` begins.
    private func takeoff(of slot: Int32) -> Takeoff {
        let batch = state.batches[Int(slot)]
        let lane = state.lanes[batch.lane.position]
        let first = batch.first
        return Takeoff(
            batch: slot,
            row: lane.row,
            device: state.gpulets[lane.gpulet.position].device,
            gpulet: lane.gpulet,
            items: batch.items,
            priority: first >= 0 ? state.requests[Int(first)].priority : .low,
            deadline: first >= 0 ? state.requests[Int(first)].deadline : .distantFuture,
            stage: batch.stage
        )
    }
}
