import ServerCore
import ServingDomain
import VirtualDevices

/// Batches begin and end.
extension Simulator {
    mutating func launch(_ order: LaunchOrder) {
        let slot = Int(order.batch.slot)
        while flights.count <= slot { flights.append(Flight()) }
        if flights[slot].batch != order.batch || !flights[slot].isLive {
            flights[slot] = Flight()
            flights[slot].batch = order.batch
            flights[slot].isLive = true
            let first = buffer.requests[Int(order.requests.lowerBound)]
            let row = tickets[Int(first.slot)].row
            flights[slot].priority = row & 1 == 0 ? .high : .low
            draws[order.model.position] &+= 1
            flights[slot].draw = draws[order.model.position]
        }
        flights[slot].instance = order.instance
        flights[slot].stage = order.stage
        flights[slot].items = order.items
        flights[slot].latest = order.latest
        instances[order.instance.position].isBusy = true
        if setup.durations.launch > .zero {
            heap.note(.begin(order.batch), at: now + setup.durations.launch)
        } else {
            begin(order.batch)
        }
    }

    /// The lane thread has the order: it refuses, or the stage begins.
    mutating func begin(_ batch: BatchID) {
        let slot = Int(batch.slot)
        let flight = flights[slot]
        guard flight.batch == batch, flight.isLive else { return }
        let instance = instances[flight.instance.position]
        if flight.isAborted { return heap.note(.fail(batch), at: now) }
        if now > flight.latest {
            // Not at the same instant: a core that sends it again at once must not stop time.
            return heap.note(.refuse(batch), at: now + .microseconds(1))
        }
        guard instance.row >= 0 else { return heap.note(.fail(batch), at: now) }
        let isDeaf = deafModels[instance.model.position] > 0
        flights[slot].isDeaf = isDeaf
        let order = StageOrder(
            batch: batch,
            device: instance.device,
            lane: instance.lane,
            row: instance.row,
            stage: flight.stage,
            items: flight.items,
            priority: flight.priority,
            draw: flight.draw,
            hangs: isDeaf || hangingModels[instance.model.position] > 0
        )
        guard let job = cluster.begin(order, at: now) else {
            return heap.note(.fail(batch), at: now)
        }
        flights[slot].job = job
    }

    mutating func stageEnded(_ ended: EndedStage) {
        let slot = Int(ended.batch.slot)
        guard flights[slot].batch == ended.batch, flights[slot].isLive else { return }
        let flight = flights[slot]
        let instance = instances[flight.instance.position]
        flights[slot].job = -1
        let times = StageTimes(
            copyInBegan: ended.began,
            copyInEnded: ended.copyInEnded,
            runBegan: ended.copyInEnded,
            runEnded: ended.runEnded,
            copyOutBegan: ended.runEnded,
            copyOutEnded: ended.at
        )
        tell(flight, instance, ended)
        let plan = cluster.stagePlan(
            row: instance.row,
            items: flight.items,
            on: instance.device
        )
        guard plan.isLast(flight.stage) else {
            return send(.stageFinished(ended.batch, times))
        }
        if now >= countsFrom, !isLoadOver { ledger.batchEnded(instance.model, items: flight.items) }
        land(slot)
        send(.batchFinished(ended.batch, times))
        leaveIfStopped(flight.instance)
    }

    private mutating func tell(_ flight: Flight, _ instance: InstanceSeat, _ ended: EndedStage) {
        guard setup.timelineLimit > 0, now >= countsFrom else { return }
        guard ledger.timeline.count < setup.timelineLimit else {
            ledger.untold += 1
            return
        }
        ledger.timeline.append(
            Ledger.Span(
                device: instance.device,
                gpulet: instance.gpulet,
                model: instance.model,
                items: flight.items,
                began: ended.began.since(origin),
                ended: ended.at.since(origin)
            )
        )
    }

    /// Nobody waits for a batch any more: the engine gives up after a while.
    mutating func terminate(_ batch: BatchID) {
        let slot = Int(batch.slot)
        guard slot < flights.count, flights[slot].batch == batch, flights[slot].isLive,
            !flights[slot].isAborted
        else { return }
        flights[slot].isAborted = true
        if flights[slot].job >= 0, !flights[slot].isDeaf {
            heap.note(.fail(batch), at: now + setup.durations.terminate)
        }
    }

    /// A lane thread came too late to begin.
    mutating func refuse(_ batch: BatchID) {
        let slot = Int(batch.slot)
        guard flights[slot].batch == batch, flights[slot].isLive else { return }
        let instance = flights[slot].instance
        land(slot)
        send(.batchRefused(batch))
        leaveIfStopped(instance)
    }

    /// A batch ends without results.
    mutating func fail(_ batch: BatchID) {
        let slot = Int(batch.slot)
        guard flights[slot].batch == batch, flights[slot].isLive else { return }
        let instance = flights[slot].instance
        if flights[slot].job >= 0 { cluster.abort(flights[slot].job, at: now) }
        land(slot)
        send(.batchFailed(batch))
        leaveIfStopped(instance)
    }

    private mutating func land(_ slot: Int) {
        instances[flights[slot].instance.position].isBusy = false
        flights[slot].isLive = false
        flights[slot].job = -1
    }

    /// Everything that runs on `device` is lost, without a word to the core: it will be told
    /// that the device is.
    mutating func loseFlights(on device: DeviceID) {
        for slot in flights.indices where flights[slot].isLive {
            let instance = flights[slot].instance
            guard instances[instance.position].device == device else { continue }
            if flights[slot].job >= 0 { cluster.abort(flights[slot].job, at: now) }
            land(slot)
        }
        endStrays(where: { $0.device == device })
    }
}
