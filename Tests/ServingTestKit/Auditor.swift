public import ServerCore
public import ServingDomain

/// Watches a core from outside and notes whatever must not happen.
public struct Auditor: Sendable {
    /// One line for everything that went wrong.
    public private(set) var complaints: [String] = []
    /// How many requests ended in each way, by outcome.
    public private(set) var ends: [Outcome: Int] = [:]

    private var live: Set<RequestID> = []
    private var busy: [InstanceID: BatchID] = [:]
    /// Batches between two stages: the core may end those by itself.
    private var paused: Set<BatchID> = []
    /// The batch limit of each lane after the last event.
    private var limits: [Int32] = []
    private var lastNow = Instant.zero

    /// Creates an auditor that has seen nothing.
    public init() {}

    /// Requests that have not ended.
    public var liveCount: Int { live.count }

    /// Looks at one event and what followed from it.
    public mutating func look(
        at event: Event,
        _ now: Instant,
        _ buffer: borrowing ActionBuffer,
        _ core: borrowing ServerCore
    ) {
        if now < lastNow { complain("time goes back", now) }
        lastNow = now
        note(event, now)
        for action in buffer.actions { note(action, now, buffer, core) }
        limits = core.state.lanes.indices.map { core.state.lanes[$0].batchLimit }
        if let wake = core.nextWake, wake <= now { complain("wakes in the past", now) }
        for line in core.state.audit() { complain(line, now) }
        let inside = core.state.requests.count { $0.state != .free }
        if inside != live.count { complain("\(inside) inside, \(live.count) outside", now) }
    }

    private mutating func note(_ event: Event, _ now: Instant) {
        switch event {
        case .arrived(let arrival):
            if !live.insert(arrival.request).inserted { complain("arrives twice", now) }
        case .batchFinished(let batch, _), .batchFailed(let batch), .batchRefused(let batch):
            for (instance, present) in busy where present == batch { busy[instance] = nil }
        case .stageFinished(let batch, _): paused.insert(batch)
        case .instanceGone(let instance, _): busy[instance] = nil
        default: break
        }
    }

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
        case .terminate(let batch, let instance):
            if let present = busy[instance], present != batch {
                complain("terminates a batch that another has followed", now)
            }
        case .abandonInstance(let instance):
            if busy.removeValue(forKey: instance) == nil {
                complain("instance \(instance.index) is given up without a batch", now)
            }
        case .startInstance, .stopInstance, .computePlan, .rollout: break
        }
    }

    private mutating func end(_ request: RequestID, _ outcome: Outcome, _ now: Instant) {
        ends[outcome, default: 0] += 1
        if live.remove(request) == nil { complain("request \(request.slot) ends again", now) }
    }

    private mutating func launch(
        _ order: LaunchOrder,
        _ now: Instant,
        _ buffer: borrowing ActionBuffer,
        _ core: borrowing ServerCore
    ) {
        if let other = busy[order.instance], other != order.batch, !paused.contains(other) {
            complain("instance \(order.instance.index) gets a batch over another", now)
        }
        paused.remove(order.batch)
        busy[order.instance] = order.batch
        if order.latest < now { complain("launches after latest", now) }
        if order.requests.isEmpty { complain("launches an empty batch", now) }
        let lane = core.state.instances[order.instance.position].lane
        let record = core.state.lanes[lane.position]
        // A scaler may lower the limit after the batch was launched, within the same event: the one
        // before counts too, and the plan's where the lane was given it just now.
        let before = lane.position < limits.count ? limits[lane.position] : 0
        let limit = max(before, record.batchLimit, record.since == now ? record.plannedBatch : 0)
        if order.requests.count > 1, order.items > limit {
            complain("a batch of \(order.items) exceeds its limit \(limit)", now)
        }
        let gpulet = core.state.gpulets[record.gpulet.position]
        if gpulet.running > gpulet.slots { complain("more stages than slots", now) }
        for place in order.requests where !live.contains(buffer.requests[Int(place)]) {
            complain("launches a request that has ended", now)
        }
    }

    private mutating func complain(_ line: String, _ now: Instant) {
        guard complaints.count < 20 else { return }
        complaints.append("at \(now.nanoseconds) ns: \(line)")
    }
}
