import ServingDomain

/// Requests in their queues, and which lanes could start a batch because of them.
extension DispatchState {
    // MARK: Requests

    /// Takes a request in; it waits then.
    ///
    /// - Precondition: the slot is free, the model serves and has room.
    mutating func admit(_ arrival: Arrival, at now: Instant) {
        let place = Int(arrival.request.slot)
        precondition(requests[place].state == .free)
        let level = min(max(arrival.level, 1), models[arrival.model.position].levels)
        let rules = levels[levelPlace(arrival.model, level)].rules
        var record = RequestRecord()
        record.generation = arrival.request.generation
        record.model = arrival.model
        record.level = level
        record.priority = PriorityClass(level: level)
        record.items = max(1, arrival.items)
        record.shape = arrival.shape
        record.arrival = arrival.arrival
        record.deadline = arrival.deadline ?? .distantFuture
        record.timeout = arrival.timeout ?? .distantFuture
        if let span = rules.timeout {
            record.queueTimeout = arrival.arrival + span
        }
        if rules.allowsOverride { record.queueTimeout = min(record.queueTimeout, record.timeout) }
        record.sequence = arrivals
        arrivals += 1
        record.state = .waiting
        requests[place] = record
        enqueue(record, at: arrival.request.slot)
    }

    /// Puts a request that was in a batch, or is to go behind others, back into its queue.
    mutating func enqueue(_ slot: Int32) {
        requests[Int(slot)].state = .waiting
        requests[Int(slot)].batch = -1
        enqueue(requests[Int(slot)], at: slot)
    }

    private mutating func enqueue(_ record: borrowing RequestRecord, at slot: Int32) {
        let model = record.model
        let queue = queueID(of: record)
        waiting.insert(
            slot,
            high: rank(of: record),
            sequence: record.sequence,
            into: &queues[queue.position].tree
        )
        models[model.position].waiting += 1
        if record.priority == .low { waitingLow += 1 }
        levels[levelPlace(model, record.level)].waiting += 1
        if queues[queue.position].parked, isWorthALook(queue, slot) { unpark(queue) }
        if queues[queue.position].tree.first == slot { listLanes(of: queue) }
    }

    /// Takes a waiting request out of its queue; its record stays.
    mutating func dequeue(_ slot: Int32) {
        precondition(requests[Int(slot)].state == .waiting)
        let queue = queueID(of: requests[Int(slot)])
        let wasHead = head(of: queue) == slot
        takeOut(slot, of: queue)
        if wasHead { listLanes(of: queue) }
    }

    /// Takes a waiting request out of its queue and leaves the lists of lanes to the caller.
    mutating func takeOut(_ slot: Int32, of queue: QueueID) {
        let model = requests[Int(slot)].model
        let level = requests[Int(slot)].level
        waiting.remove(slot, from: &queues[queue.position].tree)
        models[model.position].waiting -= 1
        if requests[Int(slot)].priority == .low { waitingLow -= 1 }
        levels[levelPlace(model, level)].waiting -= 1
    }

    /// Puts a waiting request behind all of its level that have not timed out.
    mutating func delay(_ slot: Int32) {
        dequeue(slot)
        requests[Int(slot)].delayed = true
        enqueue(slot)
    }

    /// Frees the record of a request that is in no queue and no batch.
    mutating func forget(_ slot: Int32) {
        timers.remove(slot)
        requests[Int(slot)].state = .free
    }

    /// The queue that `record` belongs to.
    func queueID(of record: borrowing RequestRecord) -> QueueID {
        QueueID(record.model, order == .arrival ? .high : record.priority)
    }

    private func rank(of record: borrowing RequestRecord) -> Int64 {
        switch order {
        case .arrival: Int64(record.level) * 2 + (record.delayed ? 1 : 0)
        case .deadline: record.delayed ? .max : min(record.deadline.nanoseconds, .max - 1)
        }
    }

    // MARK: Parking

    /// Hides `queue` from the policy until `when`, or until it grows to `size` requests.
    mutating func park(_ queue: QueueID, until when: Instant, size: Int32 = 0) {
        queues[queue.position].parked = true
        queues[queue.position].awaited = size
        parking.set(queue.index, at: when)
        listLanes(of: queue)
    }

    /// Whether the request that has just joined a parked queue is what the policy waits for.
    private func isWorthALook(_ queue: QueueID, _ slot: Int32) -> Bool {
        let record = queues[queue.position]
        return record.tree.count >= record.awaited || record.tree.first == slot
            || requests[Int(slot)].items > 1
    }

    /// Shows a parked queue again.
    mutating func unpark(_ queue: QueueID) {
        queues[queue.position].parked = false
        parking.remove(queue.index)
        listLanes(of: queue)
    }

    // MARK: Ready lanes

    /// Brings the lists of ready lanes up to date after the head of `queue` changed.
    mutating func listLanes(of queue: QueueID) {
        var lane = models[queue.model.position].firstLane
        while lane >= 0 {
            list(LaneID(lane), queue)
            lane = lanes[Int(lane)].nextOfModel
        }
    }

    /// Brings the lists of ready lanes up to date after `lane` or its gpulet changed.
    mutating func list(_ lane: LaneID) {
        let model = lanes[lane.position].model
        list(lane, QueueID(model, .high))
        if order == .deadline { list(lane, QueueID(model, .low)) }
    }

    /// The same for one of the lane's two queues.
    mutating func list(_ lane: LaneID, _ queue: QueueID) {
        let place = lane.position
        let isHigh = queue.priority == .high
        let wasListed = isHigh ? lanes[place].listedHigh : lanes[place].listedLow
        let head = queues[queue.position].tree.first
        let isReady =
            head >= 0 && lanes[place].hasFreeInstance && !queues[queue.position].parked
        guard isReady || wasListed else { return }
        let node = lane.index * 2 + (isHigh ? 0 : 1)
        let gpulet = lanes[place].gpulet.position
        let key = isReady ? waiting.key(of: head) : (high: 0, sequence: 0)
        // The usual case of a head that stayed: nothing to move.
        if isReady, wasListed, ready.key(of: node) == key { return }
        let members =
            isHigh
            ? Self.move(node, wasListed, isReady ? key : nil, &ready, &gpulets[gpulet].readyHigh)
            : Self.move(node, wasListed, isReady ? key : nil, &ready, &gpulets[gpulet].readyLow)
        guard isReady != wasListed else { return }
        if isHigh { lanes[place].listedHigh = isReady } else { lanes[place].listedLow = isReady }
        // Only the first to come and the last to go can change what the gpulet may do.
        if members == (isReady ? 1 : 0) { judge(lanes[place].gpulet) }
    }

    /// Takes `node` out of a tree of ready lanes, puts it in, or both; how many are in it then.
    private static func move(
        _ node: Int32,
        _ wasListed: Bool,
        _ key: (high: Int64, sequence: Int64)?,
        _ ready: inout OrderedForest,
        _ tree: inout OrderedForest.Tree
    ) -> Int32 {
        if wasListed { ready.remove(node, from: &tree) }
        if let key { ready.insert(node, high: key.high, sequence: key.sequence, into: &tree) }
        return tree.count
    }

    /// Notes whether `gpulet` could start a batch.
    mutating func judge(_ gpulet: GpuletID) {
        let place = gpulet.position
        let can = gpulets[place].isCandidate
        let bit: UInt64 = 1 << UInt64(gpulet.index & 63)
        let word = gpulet.position >> 6
        let could = candidates[word] & bit != 0
        guard can != could else { return }
        candidates[word] ^= bit
        candidateCount += can ? 1 : -1
    }
}
