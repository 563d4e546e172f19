import ServingDomain

/// Step 1: the fact changes the state. Refusals of arrivals are said here.
extension ServerCore {
    mutating func apply(_ event: Event, _ actions: inout ActionBuffer) {
        switch event {
        case .arrived(let arrival): arrived(arrival, &actions)
        case .cancelled(let request): cancelled(request, &actions)
        case .stageFinished(let batch, let times): stageFinished(batch, times)
        case .batchFinished(let batch, let times): batchFinished(batch, times)
        case .batchFailed(let batch):
            if let slot = state.slot(of: batch) {
                tellScaler(slot, .zero, failed: true)
                close(slot, as: .failed)
            }
        case .batchRefused(let batch): batchRefused(batch)
        case .instanceReady(let instance, let points): instanceReady(instance, points)
        case .instanceGone(let instance, let end): instanceGone(instance, end, &actions)
        case .modelAdded(let spec): modelAdded(spec)
        case .modelChanged(let spec): modelChanged(spec)
        case .measured(let model, let kind, let points): measured(model, kind, points)
        case .modelRemoved(let model): modelRemoved(model)
        case .deviceLost(let device): deviceLost(device, &actions)
        case .deviceBack(let device): deviceBack(device)
        case .planReady(let epoch, let plan): planAnswered(epoch, plan)
        case .planFailed(let epoch): planAnswered(epoch, nil)
        case .stepDone(let epoch, let step): stepDone(epoch, step, &actions)
        case .stepFailed(let epoch, let step): stepFailed(epoch, step, &actions)
        case .drainBegan: control.isDraining = true
        case .wake: break
        }
    }

    // MARK: Requests

    private mutating func arrived(_ arrival: Arrival, _ actions: inout ActionBuffer) {
        if let refusal = refusalByState(of: arrival) ?? refusal(of: arrival) {
            if isKnown(arrival.model), arrival.deadline != nil {
                forecast.violations.note(arrival.priority, isViolation: true)
            }
            actions.append(.refuse(arrival.request, refusal))
            return
        }
        forecast.arrived(arrival, at: now)
        state.admit(arrival, at: now)
        arm(arrival.request.slot)
    }

    private mutating func refusalByState(of arrival: Arrival) -> Refusal? {
        let slot = arrival.request.slot
        if control.isDraining { return .draining }
        guard isKnown(arrival.model) else { return .notReady }
        let model = arrival.model.position
        if state.models[model].state == .removing { return .unloading }
        state.models[model].rate.count(at: now)
        noteDemand(of: arrival.model)
        if state.models[model].ready == 0 { return .notReady }
        guard slot >= 0, Int(slot) < state.requests.count,
            state.requests[Int(slot)].state == .free
        else { return .noRoom }
        if state.models[model].waiting >= state.limits.queue { return .queueFull }
        let level = min(max(arrival.level, 1), state.models[model].levels)
        let place = state.levelPlace(arrival.model, level)
        let bound = state.levels[place].rules.maxSize
        if bound > 0, state.levels[place].waiting >= bound { return .queueFull }
        return nil
    }

    private mutating func cancelled(_ request: RequestID, _ actions: inout ActionBuffer) {
        guard let slot = state.slot(of: request) else { return }
        let batch = state.requests[Int(slot)].batch
        if batch >= 0 { state.unlink(slot) } else { state.dequeue(slot) }
        actions.append(.reply(request, .cancelled))
        state.forget(slot)
        terminateIfDeserted(batch, &actions)
    }

    // MARK: Batches

    private mutating func stageFinished(_ batch: BatchID, _ times: StageTimes) {
        guard let slot = state.slot(of: batch),
            state.batches[Int(slot)].state == .running,
            state.batches[Int(slot)].stage != .whole
        else { return }
        noteHost(slot, times)
        forecast.stageEnded(batch: slot, times, at: now)
        // Nobody waits for it any more: no further stage is worth a slot.
        guard state.batches[Int(slot)].count > 0 else { return close(slot, as: .failed) }
        state.pause(slot)
    }

    private mutating func batchFinished(_ batch: BatchID, _ times: StageTimes) {
        guard let slot = state.slot(of: batch) else { return }
        noteHost(slot, times)
        let record = state.batches[Int(slot)]
        // A batch in stages took what its stages took; only the forecast has added them up.
        let inAll = forecast.ended(batch: slot, times, at: now)
        // Whether or not anybody still waits for it: where all come too late, nothing else tells
        // that the setting is too slow.
        if let span = record.stage == .whole ? times.total : inAll {
            let row = state.lanes[record.lane.position].row
            forecast.learn(row: row, items: record.items, span: span, at: now)
            forecast.learnHost(row: row, items: record.items, span: record.host)
            tellScaler(slot, times.total, failed: false)
        }
        close(slot, as: .finished)
    }

    /// Adds what the host took around a stage that has just ended.
    private mutating func noteHost(_ slot: Int32, _ times: StageTimes) {
        let whole = now - state.batches[Int(slot)].launched
        let device = times.total
        // Times that can't be right say nothing of the host either.
        guard device > .zero, device <= whole else { return }
        let host = state.batches[Int(slot)].host
        state.batches[Int(slot)].host = host + (whole - device)
    }

    /// Tells the scaler of a batch that has ended. One that failed counts if somebody still waits
    /// for it: else it was ended for that.
    private mutating func tellScaler(_ slot: Int32, _ latency: TimeSpan, failed: Bool) {
        let batch = state.batches[Int(slot)]
        guard scaler.ownsLanes, batch.count > 0 || !failed else { return }
        let lane = state.lanes[batch.lane.position]
        let ended = EndedBatch(
            lane: batch.lane,
            seat: state.instances[batch.instance.position].seat,
            items: batch.items,
            running: lane.ready - Int32(truncatingIfNeeded: lane.idle.nonzeroBitCount),
            launched: batch.launched,
            latency: latency,
            waited: batch.launched - batch.oldest,
            failed: failed
        )
        scaler.batchEnded(ended, at: now)
    }

    private mutating func batchRefused(_ batch: BatchID) {
        guard let slot = state.slot(of: batch) else { return }
        state.releasePlace(of: slot, instanceTo: true)
        requeue(slot)
    }

    /// Puts the requests of a batch that has given its place back into their queues.
    mutating func requeue(_ slot: Int32) {
        forecast.gone(batch: slot, at: now)
        let model = state.batches[Int(slot)].model
        while case let request = state.batches[Int(slot)].first, request >= 0 {
            state.unlink(request)
            state.enqueue(request)
            arm(request)
        }
        state.freeBatchPlace(slot)
        releaseInOrder(model)
    }

    /// Ends a batch: its place is free at once, its replies go out after the next launch.
    mutating func close(_ slot: Int32, as end: BatchRecord.State) {
        forecast.gone(batch: slot, at: now)
        state.releasePlace(of: slot, instanceTo: true)
        state.batches[Int(slot)].state = end
        if state.batches[Int(slot)].ordered {
            releaseInOrder(state.batches[Int(slot)].model)
        } else {
            release(slot)
        }
    }

    private mutating func releaseInOrder(_ model: ModelID) {
        while case let slot = state.models[model.position].firstInOrder, slot >= 0,
            state.batches[Int(slot)].state == .finished || state.batches[Int(slot)].state == .failed
        {
            state.removeInOrder(slot)
            release(slot)
        }
    }

    private mutating func release(_ slot: Int32) {
        state.disarm(slot)
        ended.append(slot)
    }

    // MARK: What several steps share

    /// Answers the requests of the batches that ended with this event.
    mutating func reply(_ actions: inout ActionBuffer) {
        guard !ended.isEmpty else { return }
        for place in ended.indices {
            let slot = ended[place]
            let hasResults = state.batches[Int(slot)].state == .finished
            var request = state.batches[Int(slot)].first
            while request >= 0 {
                let isLate = now > state.requests[Int(request)].deadline
                let outcome: Outcome = hasResults ? (isLate ? .late : .served) : .failed
                forecast.ended(
                    state.requests[Int(request)],
                    isViolation: outcome != .served
                )
                actions.append(.reply(state.requests[Int(request)].id(at: request), outcome))
                request = state.release(request)
            }
            state.clear(slot)
            state.freeBatchPlace(slot)
        }
        ended.empty()
    }

    /// Stops a running batch when nobody waits for it any more.
    mutating func terminateIfDeserted(_ batch: Int32, _ actions: inout ActionBuffer) {
        guard batch >= 0, state.batches[Int(batch)].count == 0 else { return }
        switch state.batches[Int(batch)].state {
        case .running:
            let record = state.batches[Int(batch)]
            actions.append(.terminate(record.id(at: batch), record.instance))
        case .paused: close(batch, as: .failed)
        case .free, .finished, .failed: break
        }
    }

    /// Ends all requests of a batch as failed.
    mutating func failRequests(of slot: Int32, _ actions: inout ActionBuffer) {
        while case let request = state.batches[Int(slot)].first, request >= 0 {
            let id = state.requests[Int(request)].id(at: request)
            actions.append(.reply(id, .failed))
            state.unlink(request)
            state.forget(request)
        }
    }
}
