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
            expected: expected
        )
        actions.append(.launch(order))
    }
}
