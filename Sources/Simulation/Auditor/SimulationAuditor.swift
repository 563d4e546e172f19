package import ServerCore
package import ServingDomain

/// Watches a core from outside, event by event, with books of its own, and notes whatever must
/// not happen.
///
/// After every event: each request ends exactly once; requests of a batch that ended are answered;
/// no instance has two batches; running stages of a gpulet <= its slots; batches within their
/// lane's limit, on open gpulets, never after `latest`; units of live gpulets <= their device's;
/// time never goes back. Besides, now and then and at the end, the core's own structures are
/// gone through. Cost: O(orders) per event, no allocation in steady state.
package struct SimulationAuditor: Sendable {
    /// One line for everything that went wrong, at most `complaintLimit`.
    package private(set) var complaints: [String] = []
    /// How many complaints are kept.
    package static let complaintLimit = 20
    /// Every so many events the core's own structures are gone through.
    package static let stride = 16_384

    private struct Request {
        var generation: UInt32 = 0
        var isLive = false
        /// The batch that it is in; slot -1 = it waits.
        var batch = BatchID(slot: -1, generation: 0)
    }

    private struct Batch {
        var generation: UInt32 = 0
        var isLive = false, isPaused = false
        /// Requests that have not been answered.
        var open: Int32 = 0
        var instance: Int32 = -1, gpulet: Int32 = -1
        /// Whether its answers wait for those of earlier batches.
        var keepsOrder = false
    }

    private struct Gpulet {
        var device: Int32 = -1
        var units: Int32 = 0
        var isLive = false
        var running: Int32 = 0
        /// Its slots when a stage last began.
        var slots: Int32 = 0
    }

    private let devices: [DeviceSpec]
    private var requests: [Request]
    private var batches: [Batch] = []
    private var gpulets: [Gpulet] = []
    /// The batch of each instance; -1 = none.
    private var batchOfInstance: [Int32] = []
    /// The batch limit of each lane before the present event, where anything changes it.
    private var limits: [Int32] = []
    private let tracksLimits: Bool
    private var live = 0
    private var lastNow = Instant.zero
    private var events = 0

    /// Creates an auditor that has seen nothing.
    package init(_ setup: SimulationSetup) {
        self.init(
            devices: setup.devices,
            requests: Int(setup.limits.requests),
            tracksLimits: setup.scaler != "none" || setup.epochs != nil
        )
    }

    /// Creates an auditor for a table of so many requests.
    ///
    /// - Parameter tracksLimits: Whether lanes' limits change while they serve.
    package init(devices: [DeviceSpec], requests: Int, tracksLimits: Bool = true) {
        self.devices = devices
        self.tracksLimits = tracksLimits
        self.requests = Array(repeating: Request(), count: requests)
    }

    /// Whether so much is wrong that there is no point in going on.
    package var isFull: Bool { complaints.count >= Self.complaintLimit }

    /// Requests that have not ended.
    package var liveCount: Int { live }

    /// Looks at one event and what followed from it.
    package mutating func look(
        at event: Event,
        _ now: Instant,
        _ buffer: borrowing ActionBuffer,
        _ core: borrowing ServerCore
    ) {
        if now < lastNow { complain("time goes back", now) }
        lastNow = now
        events += 1
        let ended = note(event, now, core)
        let actions = buffer.actions
        for place in actions.indices { note(actions[place], now, buffer, core) }
        if ended >= 0, batches[Int(ended)].open > 0, !batches[Int(ended)].keepsOrder,
            !batches[Int(ended)].isLive
        {
            complain("a batch ends and \(batches[Int(ended)].open) have no answer", now)
        }
        if let wake = core.nextWake, wake <= now { complain("wakes in the past", now) }
        if tracksLimits { noteLimits(core) }
        if events % Self.stride == 0 { goThrough(core) }
    }

    private mutating func noteLimits(_ core: borrowing ServerCore) {
        while limits.count < core.state.lanes.count { limits.append(0) }
        for place in limits.indices { limits[place] = core.state.lanes[place].batchLimit }
    }

    /// Looks at the end of a run.
    package mutating func close(_ core: borrowing ServerCore) { goThrough(core) }

    private mutating func goThrough(_ core: borrowing ServerCore) {
        for line in core.state.audit() { complain(line, lastNow) }
        let inside = core.state.requests.count { $0.state != .free }
        if inside != live { complain("\(inside) inside, \(live) outside", lastNow) }
    }

    // MARK: Facts

    /// Returns the place of a batch that has ended with this event; -1 = none.
    private mutating func note(
        _ event: Event,
        _ now: Instant,
        _ core: borrowing ServerCore
    ) -> Int32 {
        switch event {
        case .arrived(let arrival): arrived(arrival.request, now)
        case .batchFinished(let batch, _), .batchFailed(let batch): return end(batch)
        case .batchRefused(let batch): _ = end(batch)
        case .stageFinished(let batch, _): pause(batch)
        case .instanceGone(let instance, _): instanceGone(instance)
        case .deviceLost(let device): lose(device)
        case .cancelled, .instanceReady, .modelAdded, .modelChanged, .modelRemoved, .deviceBack,
            .planReady, .planFailed, .stepDone, .stepFailed, .drainBegan, .measured, .wake:
            break
        }
        return -1
    }

    private mutating func arrived(_ request: RequestID, _ now: Instant) {
        let slot = Int(request.slot)
        if requests[slot].isLive { complain("request \(slot) arrives twice", now) }
        requests[slot] = Request(generation: request.generation, isLive: true)
        live += 1
    }

    private mutating func end(_ batch: BatchID) -> Int32 {
        let slot = Int(batch.slot)
        guard slot < batches.count, batches[slot].isLive,
            batches[slot].generation == batch.generation
        else { return -1 }
        leave(slot)
        return batch.slot
    }

    private mutating func leave(_ slot: Int) {
        if !batches[slot].isPaused { gpulets[Int(batches[slot].gpulet)].running -= 1 }
        batches[slot].isLive = false
        batchOfInstance[Int(batches[slot].instance)] = -1
    }

    private mutating func pause(_ batch: BatchID) {
        let slot = Int(batch.slot)
        guard slot < batches.count, batches[slot].isLive, !batches[slot].isPaused,
            batches[slot].generation == batch.generation
        else { return }
        // One that nobody waits for does not go on.
        guard batches[slot].open > 0 else { return leave(slot) }
        batches[slot].isPaused = true
        gpulets[Int(batches[slot].gpulet)].running -= 1
    }

    private mutating func instanceGone(_ instance: InstanceID) {
        guard instance.position < batchOfInstance.count else { return }
        let slot = batchOfInstance[instance.position]
        if slot >= 0 { leave(Int(slot)) }
    }

    private mutating func lose(_ device: DeviceID) {
        for slot in batches.indices
        where batches[slot].isLive && gpulets[Int(batches[slot].gpulet)].device == device.index {
            leave(slot)
        }
    }

    // MARK: Orders

    private mutating func note(
        _ action: Action,
        _ now: Instant,
        _ buffer: borrowing ActionBuffer,
        _ core: borrowing ServerCore
    ) {
        switch action {
        case .launch(let order): launch(order, now, buffer, core)
        case .reply(let request, let outcome): end(request, outcome, now)
        case .timeout(let request): end(request, .late, now)
        case .drop(let request, _): end(request, .dropped, now)
        case .refuse(let request, _): end(request, .refused, now)
        case .rollout(_, .open(let gpulet, let device, let units)):
            open(gpulet, device, units, now)
        case .abandonInstance(let instance): instanceGone(instance)
        case .rollout, .terminate, .startInstance, .stopInstance, .computePlan: break
        }
    }

    private mutating func end(_ request: RequestID, _ outcome: Outcome, _ now: Instant) {
        let slot = Int(request.slot)
        let record = requests[slot]
        guard record.isLive, record.generation == request.generation else {
            return complain("request \(slot) ends again", now)
        }
        requests[slot].isLive = false
        live -= 1
        let batch = Int(record.batch.slot)
        let isInBatch = batch >= 0 && batches[batch].generation == record.batch.generation
        if isInBatch {
            batches[batch].open -= 1
            // Between two stages a batch that nobody waits for ends without a word.
            if batches[batch].open == 0, batches[batch].isPaused, batches[batch].isLive {
                leave(batch)
            }
        }
        if outcome == .served, !isInBatch || batches[batch].isLive {
            complain("request \(slot) is served without a finished batch", now)
        }
    }

    private mutating func launch(
        _ order: LaunchOrder,
        _ now: Instant,
        _ buffer: borrowing ActionBuffer,
        _ core: borrowing ServerCore
    ) {
        if order.latest < now { complain("launches after latest", now) }
        if order.requests.isEmpty { return complain("launches an empty batch", now) }
        let slot = Int(order.batch.slot)
        while batches.count <= slot { batches.append(Batch()) }
        while batchOfInstance.count <= order.instance.position { batchOfInstance.append(-1) }
        let lane = core.state.lanes[core.state.instances[order.instance.position].lane.position]
        let place = lane.gpulet.position
        let isResumed =
            batches[slot].isLive && batches[slot].isPaused
            && batches[slot].generation == order.batch.generation
        if isResumed {
            batches[slot].isPaused = false
        } else {
            begin(order, slot, lane, now, buffer, core)
            batches[slot].keepsOrder = core.state.models[order.model.position].preservesOrder
        }
        guard place < gpulets.count, gpulets[place].isLive else {
            return complain("launches on gpulet \(place), which is not there", now)
        }
        gpulets[place].running += 1
        let gpulet = core.state.gpulets[place]
        // It may drain since later in this very event.
        if !isResumed, gpulet.state != .open, gpulet.state != .draining {
            complain("launches on a closed gpulet", now)
        }
        let slots = max(gpulet.slots, gpulets[place].slots)
        if gpulets[place].running > slots {
            complain("\(gpulets[place].running) stages on \(slots) slots", now)
        }
        gpulets[place].slots = gpulet.slots
    }

    private mutating func begin(
        _ order: LaunchOrder,
        _ slot: Int,
        _ lane: LaneRecord,
        _ now: Instant,
        _ buffer: borrowing ActionBuffer,
        _ core: borrowing ServerCore
    ) {
        if batches[slot].isLive { complain("batch \(slot) begins twice", now) }
        if batchOfInstance[order.instance.position] >= 0 {
            complain("instance \(order.instance.index) gets a batch over another", now)
        }
        if lane.model != order.model { complain("a batch runs on another model's lane", now) }
        // The limit may have fallen since in this very event: the one before counts too, and the
        // plan's where the lane was given it just now.
        let place = core.state.instances[order.instance.position].lane.position
        let planned = lane.since == now ? lane.plannedBatch : 0
        let limit = max(lane.batchLimit, planned, place < limits.count ? limits[place] : 0)
        if order.requests.count > 1, order.items > limit {
            complain("a batch of \(order.items) exceeds its limit \(limit)", now)
        }
        batchOfInstance[order.instance.position] = order.batch.slot
        var batch = Batch(generation: order.batch.generation, isLive: true)
        batch.open = Int32(order.requests.count)
        batch.instance = order.instance.index
        batch.gpulet = lane.gpulet.index
        batches[slot] = batch
        let all = buffer.requests
        for place in order.requests {
            let request = Int(all[Int(place)].slot)
            let record = requests[request]
            if !record.isLive || record.generation != all[Int(place)].generation {
                complain("launches a request that has ended", now)
            }
            let other = Int(record.batch.slot)
            if other >= 0, batches[other].isLive, other != slot,
                batches[other].generation == record.batch.generation
            {
                complain("request \(request) is in two batches", now)
            }
            requests[request].batch = order.batch
        }
    }

    // MARK: Units

    private mutating func open(
        _ gpulet: GpuletID,
        _ device: DeviceID,
        _ units: Int32,
        _ now: Instant
    ) {
        while gpulets.count <= gpulet.position { gpulets.append(Gpulet()) }
        gpulets[gpulet.position] = Gpulet(device: device.index, units: units, isLive: true)
        checkUnits(of: device.index, now)
    }

    /// Takes note of a step that was carried out, before the core is told.
    package mutating func stepped(_ step: RolloutStep, _ now: Instant) {
        switch step {
        case .open: break
        case .pin(let gpulet, let units):
            if gpulets[gpulet.position].running > 0 {
                complain("gpulet \(gpulet.index) changes while it runs", now)
            }
            gpulets[gpulet.position].units = units
            checkUnits(of: gpulets[gpulet.position].device, now)
        case .close(let gpulet): gpulets[gpulet.position].isLive = false
        }
    }

    private mutating func checkUnits(of device: Int32, _ now: Instant) {
        var units: Int32 = 0
        for gpulet in gpulets where gpulet.isLive && gpulet.device == device {
            units += gpulet.units
        }
        if units > devices[Int(device)].units {
            complain("device \(device) gives away \(units) units", now)
        }
    }

    private mutating func complain(_ line: String, _ now: Instant) {
        guard complaints.count < Self.complaintLimit else { return }
        complaints.append("at \(now.nanoseconds) ns: \(line)")
    }
}
