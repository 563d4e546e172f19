package import ServerCore
package import ServingDomain
import VirtualDevices
import Workloads

/// One model on one device in virtual time, always with work waiting: the world in which the
/// paper's controllers live. The scaler decides inside a real `ServerCore`.
package struct ClosedLoop: ~Copyable {
    /// What the world does.
    package struct World: Sendable {
        /// The mean latency in ms of a batch while so many run.
        package var mean: @Sendable (_ batch: Int32, _ instances: Int32) -> Double
        /// The spread of a latency's logarithm around it; 0 = none.
        package var spread = 0.0
        /// What an instance takes to come.
        package var start = TimeSpan.milliseconds(1)
        /// What the first batch of each size pays in addition.
        package var firstUse = TimeSpan.zero
        /// The largest batch and the most instances.
        package var maxBatch: Int32 = 128, maxInstances: Int32 = 10
        /// The objective and its percentile.
        package var slo = TimeSpan.milliseconds(100)
        package var percentile = 95.0
        /// What the model brings along about settings that were not measured.
        package var estimates: [LatencyEstimate] = []
        /// Requests per second that arrive independently; nil = there is always work.
        package var poisson: Double?
        /// Who starts batches: `fifo`, as a server without a plan, or another policy.
        package var policy = "fifo"
        /// Whether the means of one instance are known beforehand.
        package var isProfiled = false
        /// The batch limit that the plan begins with.
        package var planned: Int32 = 1
        /// Whether the engine fails at this batch size.
        package var fails: @Sendable (_ batch: Int32) -> Bool = { _ in false }
        /// Whether instance number n (counted from 1) can't be started.
        package var startFails: @Sendable (_ number: Int) -> Bool = { _ in false }

        /// A world of this mean latency.
        package init(mean: @escaping @Sendable (Int32, Int32) -> Double) { self.mean = mean }
    }

    /// What was seen.
    package private(set) var ledger = LoopLedger()
    /// The present time.
    package private(set) var now = Instant.zero
    private var core: ServerCore
    private var world: World
    private var buffer = ActionBuffer()
    private var pending: [(when: Instant, number: UInt64, event: Event)] = []
    private var number: UInt64 = 0
    private var free: [RequestID] = []
    private var running: [(batch: BatchID, instance: InstanceID, items: Int32)] = []
    private var stopping: [InstanceID] = []
    private var seen: [Bool] = Array(repeating: false, count: 1_025)
    private let noise: LatencyNoise
    private var draws: UInt64 = 0
    private var starts = 0
    private var arrivals: Arrivals?
    private var nextArrival = Instant.distantFuture
    private let model = ModelID(0)

    /// Creates a world with a core whose scaler is called `scaler`.
    ///
    /// - Throws: What the core says of the scaler's name.
    package init(
        scaler: String,
        _ world: World,
        seed: UInt64
    ) throws(ConfigurationError) {
        var limits = CoreLimits()
        limits.requests = 4_096
        limits.models = 1
        limits.levels = 2
        limits.lanes = 4
        limits.gpulets = 4
        limits.instances = 64
        let device = DeviceSpec(id: DeviceID(0), name: "p40", kind: "tesla-p40", units: 1)
        core = try ServerCore(
            CoreConfiguration(
                devices: [device],
                policy: world.policy,
                scaler: scaler,
                limits: limits
            )
        )
        self.world = world
        noise = LatencyNoise(seed: seed, spread: world.spread)
        free = (0..<limits.requests).map { RequestID(slot: $0, generation: 0) }
        ledger.objective = world.slo
        if let rate = world.poisson {
            var process = Arrivals(.poisson(rate: rate), seed: seed)
            nextArrival = process.next().map { .zero + $0 } ?? .distantFuture
            arrivals = process
        }
        send(.modelAdded(spec))
    }

    private var spec: ModelSpec {
        ModelSpec(
            id: model,
            name: "job",
            maxBatch: world.maxBatch,
            slo: world.slo,
            percentile: world.percentile,
            instances: 1,
            instanceLimit: world.maxInstances,
            surface: world.isProfiled ? surface : nil,
            estimates: world.estimates
        )
    }

    private var surface: LatencySurface {
        let points = (1...world.maxBatch).map { batch in
            LatencySurface.Point(
                batch: batch,
                units: 1,
                latency: .milliseconds(rounding: world.mean(batch, 1))
            )
        }
        return LatencySurface(points)
    }

    /// How the scaler stands.
    package var status: ScalingStatus? { core.scaling(of: model) }

    /// Changes the objective.
    package mutating func setObjective(_ slo: TimeSpan) {
        world.slo = slo
        ledger.objective = slo
        send(.modelChanged(spec))
    }

    /// Lets time pass until `end`.
    package mutating func run(until end: Instant) {
        refill()
        while let next = nextPoint(), next <= end {
            now = max(now, next)
            step()
            refill()
        }
        now = end
        ledger.close(at: now)
    }

    /// Lets time pass until the core wants to be woken: with this policy that is the scaler.
    package mutating func runToWake() {
        refill()
        while let next = nextPoint() {
            now = max(now, next)
            let isWake =
                nextArrival > now && !pending.contains { $0.when <= now }
            if isWake { return }
            step()
            refill()
        }
    }

    /// Tells the core that the time it asked for has come.
    package mutating func wake() { send(.wake) }

    private func nextPoint() -> Instant? {
        var next = core.nextWake ?? .distantFuture
        for entry in pending { next = min(next, entry.when) }
        next = min(next, nextArrival)
        return next == .distantFuture ? nil : next
    }

    private mutating func step() {
        var first: Int?
        for place in pending.indices where pending[place].when <= now {
            guard let best = first else {
                first = place
                continue
            }
            if (pending[place].when, pending[place].number)
                < (pending[best].when, pending[best].number)
            {
                first = place
            }
        }
        if let first {
            let event = pending.remove(at: first).event
            deliver(event)
        } else if nextArrival <= now {
            nextArrival = arrivals?.next().map { .zero + $0 } ?? .distantFuture
            arrive(deadline: now + world.slo)
        } else {
            send(.wake)
        }
    }

    /// Keeps two full batches' worth of requests waiting, once there is somebody to run them.
    private mutating func refill() {
        guard world.poisson == nil, core.readyInstances(of: model) > 0 else { return }
        let target = Int(world.maxBatch) * 2
        while core.waiting(model) < target, !free.isEmpty { arrive(deadline: nil) }
    }

    private mutating func arrive(deadline: Instant?) {
        guard let request = free.popLast() else { return }
        ledger.arrived()
        send(
            .arrived(Arrival(request: request, model: model, arrival: now, deadline: deadline))
        )
    }

    // MARK: Orders

    private mutating func send(_ event: Event) {
        buffer.removeAll()
        core.handle(event, at: now, into: &buffer)
        for action in buffer.actions { carryOut(action) }
        if core.state.lanes.count > 0, core.state.lanes[0].exists {
            let lane = core.state.lanes[0]
            let setting = LaneSetting(
                batch: lane.batchLimit,
                instances: max(1, min(lane.wanted, lane.active))
            )
            ledger.note(setting, at: now)
        }
    }

    private mutating func schedule(_ event: Event, after span: TimeSpan) {
        number += 1
        pending.append((now + span, number, event))
    }

    private mutating func carryOut(_ action: Action) {
        switch action {
        case .launch(let order): launch(order)
        case .reply(let request, let outcome): ended(request, outcome)
        case .timeout(let request): ended(request, .late)
        case .drop(let request, _): ended(request, .dropped)
        case .refuse(let request, _): ended(request, .refused)
        case .startInstance(let order):
            starts += 1
            ledger.started(world.start)
            let event: Event =
                world.startFails(starts)
                ? .instanceGone(order.instance, .failed) : .instanceReady(order.instance, [])
            schedule(event, after: world.start)
        case .stopInstance(let instance): stop(instance)
        case .computePlan(let epoch, let inputs):
            schedule(.planReady(epoch, plan(inputs)), after: .milliseconds(1))
        case .rollout(let epoch, let step):
            schedule(.stepDone(epoch, step), after: .milliseconds(1))
        case .terminate, .abandonInstance: break
        }
    }

    private func plan(_ inputs: PlanInputs) -> Plan {
        let lanes = inputs.models.map {
            Plan.LanePlacement(model: $0.id, batchLimit: world.planned, instances: 1)
        }
        let gpulet = Plan.GpuletLayout(
            units: 1,
            slots: world.maxInstances,
            dutyCycle: nil,
            lanes: lanes
        )
        let layout = Plan.DeviceLayout(device: DeviceID(0), gpulets: [gpulet])
        return Plan(planner: "closed-loop", devices: [layout])
    }

    private mutating func launch(_ order: LaunchOrder) {
        running.append((order.batch, order.instance, order.items))
        let mean = world.mean(order.items, Int32(running.count))
        draws += 1
        // The noise has median 1; its mean must be 1.
        let scale = noise.factor(draw: draws) / noise.meanFactor
        var latency = TimeSpan.milliseconds(rounding: mean * scale)
        let size = Int(min(order.items, 1_024))
        if !seen[size] {
            seen[size] = true
            latency = latency + world.firstUse
        }
        let ended = now + latency
        let times = StageTimes(
            copyInBegan: now,
            copyInEnded: now,
            runBegan: now,
            runEnded: ended,
            copyOutBegan: ended,
            copyOutEnded: ended
        )
        let event: Event =
            world.fails(order.items)
            ? .batchFailed(order.batch) : .batchFinished(order.batch, times)
        schedule(event, after: latency)
    }

    private mutating func deliver(_ event: Event) {
        switch event {
        case .batchFinished(let batch, let times):
            let done = take(batch)
            if let done { ledger.finished(done.items, times.total, at: now) }
            send(event)
            if let done { leaveIfStopped(done.instance) }
        case .batchFailed(let batch):
            let done = take(batch)
            send(event)
            if let done { leaveIfStopped(done.instance) }
        case .instanceReady(let instance, _):
            send(event)
            leaveIfStopped(instance)
        default: send(event)
        }
    }

    private mutating func take(
        _ batch: BatchID
    ) -> (batch: BatchID, instance: InstanceID, items: Int32)? {
        running.firstIndex { $0.batch == batch }.map { running.remove(at: $0) }
    }

    private mutating func stop(_ instance: InstanceID) {
        stopping.append(instance)
        let isComing = pending.contains {
            if case .instanceReady(instance, _) = $0.event { true } else { false }
        }
        if !isComing, !running.contains(where: { $0.instance == instance }) {
            leaveIfStopped(instance)
        }
    }

    private mutating func leaveIfStopped(_ instance: InstanceID) {
        guard let place = stopping.firstIndex(of: instance) else { return }
        stopping.remove(at: place)
        schedule(.instanceGone(instance, .stopped), after: .milliseconds(1))
    }

    private mutating func ended(_ request: RequestID, _ outcome: Outcome) {
        ledger.ended(outcome)
        free.append(RequestID(slot: request.slot, generation: request.generation &+ 1))
    }
}
