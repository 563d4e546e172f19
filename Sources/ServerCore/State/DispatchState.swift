package import ServingDomain

/// What is where: devices, gpulets, lanes, instances, queues and batches, by dense numbers.
///
/// Policies borrow it; only the steps of the pipeline change it. Requests and batches have
/// storage for all that `CoreLimits` allows from the start; the rest grows when models come,
/// never while requests are served.
package struct DispatchState: ~Copyable, Sendable {
    /// The capacities.
    package let limits: CoreLimits
    /// How queues are ordered.
    package let order: QueueOrder

    /// Requests by slot.
    package internal(set) var requests: Table<RequestRecord>
    /// Batches by slot.
    package internal(set) var batches: Table<BatchRecord>
    /// Models by number.
    package internal(set) var models: Table<ModelRecord>
    /// What was said about each model; nil where the place is free.
    package internal(set) var specs: [ModelSpec?]
    /// The batch sizes that each model prefers under `fifo`.
    package internal(set) var preferredSizes: [[Int32]]
    /// Queues by `QueueID`.
    package internal(set) var queues: Table<QueueRecord>
    /// Devices as configured.
    package let devices: [DeviceSpec]
    /// Whether each device answers.
    package internal(set) var present: [Bool]
    /// Gpulets by number.
    package internal(set) var gpulets = Table(repeating: GpuletRecord(), count: 0)
    /// Lanes by number.
    package internal(set) var lanes = Table(repeating: LaneRecord(), count: 0)
    /// Instances by number.
    package internal(set) var instances = Table(repeating: InstanceRecord(), count: 0)

    /// The order inside the queues; nodes are request slots.
    package internal(set) var waiting: OrderedForest
    /// The order of lanes that could start a batch; nodes are 2 x lane + class.
    package internal(set) var ready = OrderedForest(capacity: 0)
    /// When each request wants attention; numbers are request slots.
    package internal(set) var timers: TimerHeap
    /// When parked queues are looked at again; numbers are queues.
    package internal(set) var parking: TimerHeap

    /// Levels of all models: `limits.levels` places per model.
    var levels: Table<LevelRecord>
    /// The instances of all lanes: 64 seats per lane.
    var seats: [InstanceID] = []
    /// One bit per gpulet: open, a slot free, and a lane ready.
    var candidates: [UInt64] = []
    var candidateCount = 0

    /// Requests of class low that wait.
    var waitingLow = 0
    /// Batches between two stages.
    package internal(set) var pausedCount = 0
    /// The first of them; -1 = none.
    package internal(set) var firstPaused: Int32 = -1
    var lastPaused: Int32 = -1
    var freeBatch: Int32 = -1
    var firstWatched: Int32 = -1, lastWatched: Int32 = -1
    var arrivals: Int64 = 0
    /// Room for deadlines that are put in order.
    var dues: [(due: Instant, width: Int32)] = []

    /// The most instances of a lane that a set of bits has room for.
    static let seatsPerLane = 64

    init(_ configuration: CoreConfiguration, order: QueueOrder) {
        let limits = configuration.limits
        let models = Int(limits.models)
        self.limits = limits
        self.order = order
        devices = configuration.devices
        present = Array(repeating: true, count: devices.count)
        requests = Table(repeating: RequestRecord(), count: Int(limits.requests))
        // Two per instance: one that runs, one whose replies wait for those of an earlier one.
        let batchCount = min(Int(limits.requests), Int(limits.instances) * 2)
        batches = Table(repeating: BatchRecord(), count: batchCount)
        self.models = Table(repeating: ModelRecord(), count: models)
        specs = Array(repeating: nil, count: models)
        preferredSizes = Array(repeating: [], count: models)
        queues = Table(repeating: QueueRecord(), count: models * 2)
        waiting = OrderedForest(capacity: Int(limits.requests))
        timers = TimerHeap(capacity: Int(limits.requests))
        parking = TimerHeap(capacity: models * 2)
        levels = Table(repeating: LevelRecord(), count: models * Int(limits.levels))
        for slot in batches.indices.reversed() {
            batches[slot].next = freeBatch
            freeBatch = Int32(slot)
        }
    }

    // MARK: Questions

    /// The slot of `request`, if it is in the core.
    package func slot(of request: RequestID) -> Int32? {
        guard request.slot >= 0, Int(request.slot) < requests.count else { return nil }
        let record = requests[Int(request.slot)]
        guard record.state != .free, record.generation == request.generation else { return nil }
        return request.slot
    }

    /// The place of `batch`, if it is running or paused.
    package func slot(of batch: BatchID) -> Int32? {
        guard batch.slot >= 0, Int(batch.slot) < batches.count else { return nil }
        guard batches[Int(batch.slot)].generation == batch.generation else { return nil }
        switch batches[Int(batch.slot)].state {
        case .running, .paused: return batch.slot
        case .free, .finished, .failed: return nil
        }
    }

    /// Whether any request of class low waits.
    package var waitsLow: Bool { waitingLow > 0 }

    /// Whether any gpulet could start a batch.
    package var hasCandidates: Bool { candidateCount > 0 }

    /// The first gpulet not below `number` that is open, has a free slot and a ready lane.
    package func candidate(from number: Int32) -> GpuletID? {
        var word = Int(number) >> 6
        guard word < candidates.count else { return nil }
        var bits = candidates[word] & (~0 << UInt64(number & 63))
        while bits == 0 {
            word += 1
            guard word < candidates.count else { return nil }
            bits = candidates[word]
        }
        return GpuletID(Int32(word << 6 + bits.trailingZeroBitCount))
    }

    /// The first ready lane of `gpulet` for `priority`, as a node of `ready`; -1 = none, or no
    /// batch of that class may start there now.
    package func firstReady(_ gpulet: GpuletID, _ priority: PriorityClass) -> Int32 {
        let first =
            priority == .high
            ? gpulets[gpulet.position].readyHigh.first : gpulets[gpulet.position].readyLow.first
        return first >= 0 && mayStart(first, on: gpulet, priority) ? first : -1
    }

    /// The next ready lane after `node` of `gpulet` of which a batch may start; -1 = none.
    package func nextReady(
        after node: Int32,
        on gpulet: GpuletID,
        _ priority: PriorityClass
    ) -> Int32 {
        let next = ready.next(after: node)
        return next >= 0 && mayStart(next, on: gpulet, priority) ? next : -1
    }

    /// Whether its units let a batch of a ready lane start: one is free, or it is low and would
    /// have units if those that are due first had them.
    private func mayStart(_ node: Int32, on gpulet: GpuletID, _ priority: PriorityClass) -> Bool {
        if gpulets[gpulet.position].hasUnits(for: priority) { return true }
        guard priority == .low, gpulets[gpulet.position].mayOvertake else { return false }
        let head = head(of: QueueID(lanes[Int(node >> 1)].model, .low))
        return head >= 0 && requests[Int(head)].deadline < gpulets[gpulet.position].lastDue
    }

    /// The first request of `queue` in policy order; -1 = none.
    package func head(of queue: QueueID) -> Int32 { queues[queue.position].tree.first }

    /// The level record of `level` of `model`.
    func levelPlace(_ model: ModelID, _ level: Int32) -> Int {
        model.position * Int(limits.levels) + Int(level) - 1
    }
}

/// How a policy wants waiting requests ordered.
package enum QueueOrder: UInt8, Sendable {
    /// One queue per model: by level, then by arrival; delayed ones behind the rest of a level.
    case arrival
    /// Two queues per model, one per class: by deadline, then by arrival; none last.
    case deadline
}
