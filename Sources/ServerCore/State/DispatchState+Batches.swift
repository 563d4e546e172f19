import ServingDomain

/// Batches from launch to reply.
extension DispatchState {
    /// Whether one more batch has a place.
    var hasBatchRoom: Bool { freeBatch >= 0 }

    /// Forms a batch of `count` requests of `queue` after the first `skip`, on an idle instance.
    ///
    /// - Precondition: the lane is listed as ready for `queue`, its gpulet has a free slot, a
    ///   batch place is free, and the queue holds that many requests.
    /// - Returns: The batch's place.
    mutating func startBatch(
        lane: LaneID,
        queue: QueueID,
        skip: Int32,
        count: Int32,
        at now: Instant
    ) -> Int32 {
        let slot = freeBatch
        precondition(slot >= 0 && count >= 1 && lanes[lane.position].idle != 0)
        let gpulet = lanes[lane.position].gpulet
        precondition(gpulets[gpulet.position].state == .open)
        precondition(gpulets[gpulet.position].running < gpulets[gpulet.position].slots)
        freeBatch = batches[Int(slot)].next
        let seat = lanes[lane.position].idle.trailingZeroBitCount
        let instance = seats[lane.position * Self.seatsPerLane + seat]
        var batch = BatchRecord()
        batch.state = .running
        batch.generation = batches[Int(slot)].generation
        batch.lane = lane
        batch.instance = instance
        batch.model = queue.model
        batch.launched = now
        batch.isHigh = requests[Int(head(of: queue))].priority == .high
        batch.overtakes =
            !batch.isHigh && lanes[lane.position].width > 0
            && goesFirst(requests[Int(head(of: queue))].deadline, on: gpulet)
        batches[Int(slot)] = batch
        lanes[lane.position].idle &= ~(1 << UInt64(seat))
        lanes[lane.position].served += Int64(count)
        instances[instance.position].batch = slot
        models[queue.model.position].batches += 1
        if models[queue.model.position].preservesOrder { appendInOrder(slot) }
        fill(slot, from: queue, skip: skip, count: count)
        watch(slot)
        listLanes(of: queue)
        if order == .deadline, !lanes[lane.position].hasFreeInstance {
            let other: PriorityClass = queue.priority == .high ? .low : .high
            list(lane, QueueID(queue.model, other))
        }
        occupy(slot, 1)
        return slot
    }

    private mutating func fill(_ slot: Int32, from queue: QueueID, skip: Int32, count: Int32) {
        var request = head(of: queue)
        for _ in 0..<skip { request = waiting.next(after: request) }
        var items: Int32 = 0
        var last: Int32 = -1
        batches[Int(slot)].first = request
        batches[Int(slot)].oldest = requests[Int(request)].arrival
        for _ in 0..<count {
            precondition(request >= 0, "a policy asked for more requests than wait")
            let next = waiting.next(after: request)
            takeOut(request, of: queue)
            if last >= 0 { requests[Int(last)].next = request }
            items &+= board(request, batch: slot, behind: last)
            timers.set(request, at: requests[Int(request)].timeout)
            last = request
            request = next
        }
        batches[Int(slot)].last = last
        batches[Int(slot)].count = count
        batches[Int(slot)].items = items
    }

    /// Makes a request one of a batch's; returns its items.
    private mutating func board(_ request: Int32, batch: Int32, behind last: Int32) -> Int32 {
        requests[Int(request)].board(batch, behind: last)
        return requests[Int(request)].items
    }

    // MARK: A batch's requests

    /// Takes a running request out of its batch; its record stays.
    mutating func unlink(_ request: Int32) {
        let record = requests[Int(request)]
        precondition(record.state == .running && record.batch >= 0)
        if record.previous >= 0 {
            requests[Int(record.previous)].next = record.next
        } else {
            batches[Int(record.batch)].first = record.next
        }
        if record.next >= 0 {
            requests[Int(record.next)].previous = record.previous
        } else {
            batches[Int(record.batch)].last = record.previous
        }
        batches[Int(record.batch)].count -= 1
        requests[Int(request)].batch = -1
    }

    /// Takes the requests of a batch that has ended off the timers.
    mutating func disarm(_ slot: Int32) {
        var request = batches[Int(slot)].first
        while request >= 0 {
            if requests[Int(request)].timeout != .distantFuture { timers.remove(request) }
            request = requests[Int(request)].next
        }
    }

    /// Frees the record of a request that is answered with its whole batch.
    ///
    /// - Precondition: `disarm` was called and `clear` follows.
    /// - Returns: The batch's next request; -1 = none.
    mutating func release(_ request: Int32) -> Int32 {
        requests[Int(request)].leave()
        return requests[Int(request)].next
    }

    /// Forgets the requests of a batch after all of them were released.
    mutating func clear(_ slot: Int32) {
        batches[Int(slot)].first = -1
        batches[Int(slot)].last = -1
        batches[Int(slot)].count = 0
    }

    // MARK: The end

    /// Gives the slot and the instance of a batch back; the batch itself stays.
    mutating func releasePlace(of slot: Int32, instanceTo idle: Bool) {
        let batch = batches[Int(slot)]
        unwatch(slot)
        if batch.state == .paused { unlinkPaused(slot) }
        let freesSlot = batch.state == .running
        if !freesSlot { pausedCount -= 1 }
        models[batch.model.position].batches -= 1
        instances[batch.instance.position].batch = -1
        if idle, instances[batch.instance.position].state == .ready {
            let seat = instances[batch.instance.position].seat
            lanes[batch.lane.position].idle |= 1 << UInt64(seat)
            list(batch.lane)
        }
        if freesSlot { occupy(slot, -1) }
    }

    /// Counts a stage that begins (1) or has ended (-1) for its gpulet.
    private mutating func occupy(_ slot: Int32, _ change: Int32) {
        let batch = batches[Int(slot)]
        let lane = lanes[batch.lane.position]
        gpulets[lane.gpulet.position].count(change, width: lane.width, of: batch)
        if lane.width > 0 { noteDue(lane.gpulet) }
        judge(lane.gpulet)
    }

    /// Takes a batch off its slot between two stages; it keeps its instance.
    mutating func pause(_ slot: Int32) {
        unwatch(slot)
        batches[Int(slot)].state = .paused
        pausedCount += 1
        linkPaused(slot)
        occupy(slot, -1)
    }

    /// Puts a paused batch on a slot again.
    ///
    /// - Precondition: its gpulet has a free one.
    mutating func resume(_ slot: Int32, at now: Instant) {
        let record = gpulets[lanes[batches[Int(slot)].lane.position].gpulet.position]
        precondition(record.running < record.slots)
        unlinkPaused(slot)
        pausedCount -= 1
        batches[Int(slot)].state = .running
        batches[Int(slot)].launched = now
        watch(slot)
        occupy(slot, 1)
    }

    /// Frees the place of a batch without requests.
    mutating func freeBatchPlace(_ slot: Int32) {
        precondition(batches[Int(slot)].count == 0)
        if batches[Int(slot)].ordered { removeInOrder(slot) }
        batches[Int(slot)].state = .free
        batches[Int(slot)].generation &+= 1
        batches[Int(slot)].next = freeBatch
        freeBatch = slot
    }

    // MARK: The order of launch

    /// Puts a batch last on the watchdog's list: all have the same time, so it is sorted.
    mutating func watch(_ slot: Int32) {
        batches[Int(slot)].watched = true
        batches[Int(slot)].previous = lastWatched
        batches[Int(slot)].next = -1
        if lastWatched >= 0 {
            batches[Int(lastWatched)].next = slot
        } else {
            firstWatched = slot
        }
        lastWatched = slot
    }

    /// Takes a batch off the watchdog's list, if it is on it.
    mutating func unwatch(_ slot: Int32) {
        guard batches[Int(slot)].watched else { return }
        let (previous, next) = (batches[Int(slot)].previous, batches[Int(slot)].next)
        if previous >= 0 { batches[Int(previous)].next = next } else { firstWatched = next }
        if next >= 0 { batches[Int(next)].previous = previous } else { lastWatched = previous }
        batches[Int(slot)].watched = false
    }

    /// The paused batch after `slot`, by the time they were paused; -1 = none.
    package func paused(after slot: Int32) -> Int32 { batches[Int(slot)].next }

    /// Puts a batch last on the list of paused ones, which uses the watchdog's links: a batch is
    /// on one of both at most.
    private mutating func linkPaused(_ slot: Int32) {
        batches[Int(slot)].previous = lastPaused
        batches[Int(slot)].next = -1
        if lastPaused >= 0 {
            batches[Int(lastPaused)].next = slot
        } else {
            firstPaused = slot
        }
        lastPaused = slot
    }

    private mutating func unlinkPaused(_ slot: Int32) {
        let (previous, next) = (batches[Int(slot)].previous, batches[Int(slot)].next)
        if previous >= 0 { batches[Int(previous)].next = next } else { firstPaused = next }
        if next >= 0 { batches[Int(next)].previous = previous } else { lastPaused = previous }
    }

    private mutating func appendInOrder(_ slot: Int32) {
        let model = batches[Int(slot)].model.position
        let last = models[model].lastInOrder
        batches[Int(slot)].ordered = true
        batches[Int(slot)].previousInOrder = last
        batches[Int(slot)].nextInOrder = -1
        if last >= 0 {
            batches[Int(last)].nextInOrder = slot
        } else {
            models[model].firstInOrder = slot
        }
        models[model].lastInOrder = slot
    }

    /// Takes a batch out of its model's order of replies.
    mutating func removeInOrder(_ slot: Int32) {
        let batch = batches[Int(slot)]
        let model = batch.model.position
        if batch.previousInOrder >= 0 {
            batches[Int(batch.previousInOrder)].nextInOrder = batch.nextInOrder
        } else {
            models[model].firstInOrder = batch.nextInOrder
        }
        if batch.nextInOrder >= 0 {
            batches[Int(batch.nextInOrder)].previousInOrder = batch.previousInOrder
        } else {
            models[model].lastInOrder = batch.previousInOrder
        }
        batches[Int(slot)].ordered = false
    }
}
