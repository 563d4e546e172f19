public import ServerCore
public import ServingDomain

/// Drives a core in virtual time with an engine whose latencies a test scripts.
///
/// Plans, rollout steps and instances are carried out by themselves after stated delays; batches
/// take what `latency` says. An auditor looks at every event.
public final class CoreHarness {
    /// How the world around the core behaves.
    public struct World {
        /// How long a batch of so many items takes.
        public var latency: (ModelID, Int32) -> TimeSpan = { _, items in
            .milliseconds(10) + .milliseconds(Int64(items))
        }
        /// How a batch of so many items is cut into stages, where the core asks for stages.
        public var stages: (ModelID, Int32) -> StagePlan = { _, _ in
            StagePlan(inputBytes: 0, outputBytes: 0, segments: 1, copyEngines: 0)
        }
        /// From a launch until the lane thread begins.
        public var wakeDelay = TimeSpan.microseconds(20)
        /// From `terminate` until the engine gives up.
        public var terminateDelay = TimeSpan.milliseconds(1)
        /// How long planning, a rollout step, and starting or stopping an instance take.
        public var controlDelay = TimeSpan.milliseconds(5)
        /// Whether a batch fails.
        public var fails: (BatchID) -> Bool = { _ in false }
        /// Whether a batch ends only after `hangTime`, whatever the engine is told.
        public var hangs: (BatchID) -> Bool = { _ in false }
        /// How long a batch that hangs takes.
        public var hangTime = TimeSpan.seconds(5)
        /// Whether an instance of a model fails to start.
        public var startFails: (ModelID) -> Bool = { _ in false }
        /// Whether a step fails.
        public var stepFails: (RolloutStep) -> Bool = { _ in false }
        /// Whether wakes are delivered when they are asked for.
        public var wakes = true
        /// The planner.
        public var plan: (PlanInputs) -> Plan? = { Plan.whole($0) }

        /// A world in which all goes well.
        public init() {}
    }

    /// What the auditor found.
    public private(set) var auditor = Auditor()
    /// The hash of all orders so far.
    public var digest: UInt64 { total.value }
    /// The journal of all events so far, header included.
    public private(set) var journal: [UInt8] = []
    /// The present time.
    public private(set) var now = Instant.zero
    /// How many events the core was told.
    public private(set) var events: UInt64 = 0
    /// The items of every batch in order of launch.
    public private(set) var batchSizes: [Int32] = []
    /// How every request ended, in order.
    public private(set) var ends: [(request: RequestID, outcome: Outcome)] = []

    /// How many instances were given up.
    public private(set) var abandoned = 0

    private var core: ServerCore
    private var world: World
    private var buffer = ActionBuffer()
    private var total = OrderHash()
    private var queue: [(when: Instant, number: UInt64, event: Event)] = []
    private var scheduled: UInt64 = 0
    private var generations: [UInt32]
    private var free: [Int32]
    private var running: [InstanceID: BatchID] = [:]
    private var stopped: Set<InstanceID> = []
    private var hanging: Set<BatchID> = []

    /// Creates a harness around a fresh core.
    public init(
        _ configuration: CoreConfiguration,
        _ world: World = World()
    ) throws(ConfigurationError) {
        core = try ServerCore(configuration)
        self.world = world
        let slots = configuration.limits.requests
        generations = Array(repeating: 0, count: Int(slots))
        free = Array((0..<slots).reversed())
        Journal.write(JournalHeader(build: "test", configuration: configuration), to: &journal)
    }

    /// Whether the request table has a free slot.
    public var hasRoom: Bool { !free.isEmpty }

    /// When the core wants to be woken.
    public var nextWake: Instant? { core.nextWake }

    /// How good the core's forecast was.
    public var forecastReport: ForecastReport { core.forecastReport }

    /// Lets a test set what would take it long to bring about.
    public func adjust(_ body: (inout ServerCore) -> Void) { body(&core) }

    /// Hands one request in; times are relative to now.
    @discardableResult
    public func arrive(
        _ model: ModelID,
        items: Int32 = 1,
        shape: Int32 = 0,
        level: Int32 = 2,
        deadline: TimeSpan? = nil,
        timeout: TimeSpan? = nil
    ) -> RequestID? {
        guard let slot = free.popLast() else { return nil }
        let request = RequestID(slot: slot, generation: generations[Int(slot)])
        send(
            .arrived(
                Arrival(
                    request: request,
                    model: model,
                    items: items,
                    shape: ShapeKey(shape),
                    level: level,
                    arrival: now,
                    deadline: deadline.map { now + $0 },
                    timeout: timeout.map { now + $0 }
                )
            )
        )
        return request
    }

    /// Tells the core a fact, now.
    public func send(_ event: Event) {
        buffer.removeAll()
        core.handle(event, at: now, into: &buffer)
        events += 1
        let orders = OrderHash.of(buffer)
        total.add(orders)
        Journal.write(sequence: events, now: now, event: event, orders: orders, to: &journal)
        auditor.look(at: event, now, buffer, core)
        for action in buffer.actions { carryOut(action) }
    }

    /// Lets time pass until `end`, with all that happens meanwhile.
    public func run(until end: Instant) {
        while let next = nextPoint(), next <= end {
            now = max(now, next)
            if let first = queue.first, first.when <= now {
                queue.removeFirst()
                deliver(first.event)
            } else {
                send(.wake)
            }
        }
        now = max(now, end)
    }

    /// Lets `span` pass.
    public func run(for span: TimeSpan) { run(until: now + span) }

    private func nextPoint() -> Instant? {
        let wake = world.wakes ? core.nextWake : nil
        guard let first = queue.first?.when else { return wake }
        return wake.map { min($0, first) } ?? first
    }

    // MARK: The world

    private func deliver(_ event: Event) {
        switch event {
        case .stageFinished: send(event)
        case .batchFinished(let batch, _), .batchFailed(let batch), .batchRefused(let batch):
            let instance = running.first { $0.value == batch }?.key
            if let instance { running[instance] = nil }
            send(event)
            if let instance, stopped.contains(instance) { leave(instance) }
        case .instanceReady(let instance, _):
            send(event)
            if stopped.contains(instance) { leave(instance) }
        default: send(event)
        }
    }

    private func leave(_ instance: InstanceID) {
        stopped.remove(instance)
        schedule(.instanceGone(instance, .stopped), after: world.controlDelay)
    }

    private func schedule(_ event: Event, after span: TimeSpan) {
        let when = now + span
        scheduled += 1
        let place = queue.firstIndex { $0.when > when } ?? queue.count
        queue.insert((when, scheduled, event), at: place)
    }

    private func carryOut(_ action: Action) {
        switch action {
        case .launch(let order): launch(order)
        case .terminate(let batch, _): terminate(batch)
        case .reply(let request, let outcome): release(request, outcome)
        case .timeout(let request): release(request, .late)
        case .drop(let request, _): release(request, .dropped)
        case .refuse(let request, _): release(request, .refused)
        case .startInstance(let order):
            let event: Event =
                world.startFails(order.model)
                ? .instanceGone(order.instance, .failed) : .instanceReady(order.instance, [])
            schedule(event, after: world.controlDelay)
        case .stopInstance(let instance): stop(instance)
        case .abandonInstance(let instance):
            abandoned += 1
            stop(instance)
        case .computePlan(let epoch, let inputs):
            let plan = world.plan(inputs)
            let event = plan.map { Event.planReady(epoch, $0) } ?? .planFailed(epoch)
            schedule(event, after: world.controlDelay)
        case .rollout(let epoch, let step):
            let event: Event =
                world.stepFails(step) ? .stepFailed(epoch, step) : .stepDone(epoch, step)
            schedule(event, after: world.controlDelay)
        }
    }

    private func launch(_ order: LaunchOrder) {
        running[order.instance] = order.batch
        batchSizes.append(order.items)
        let began = now + world.wakeDelay
        if began > order.latest {
            return schedule(.batchRefused(order.batch), after: world.wakeDelay)
        }
        let plan = world.stages(order.model, order.items)
        let hangs = world.hangs(order.batch)
        if hangs { hanging.insert(order.batch) }
        let ended = began + (hangs ? world.hangTime : span(of: order, plan))
        let times = StageTimes.run(from: began, to: ended)
        var event = Event.batchFinished(order.batch, times)
        if world.fails(order.batch) {
            event = .batchFailed(order.batch)
        } else if !plan.isLast(order.stage) {
            event = .stageFinished(order.batch, times)
        }
        schedule(event, after: ended - now)
    }

    /// Copies take a tenth of a whole batch, runs their part of it.
    private func span(of order: LaunchOrder, _ plan: StagePlan) -> TimeSpan {
        let whole = world.latency(order.model, order.items)
        switch order.stage {
        case .whole: return whole
        case .copyIn, .copyOut: return TimeSpan(nanoseconds: whole.nanoseconds / 10)
        case .run(let part):
            let share = whole.nanoseconds / Int64(plan.segments) * Int64(part.count)
            return TimeSpan(nanoseconds: share)
        }
    }

    private func terminate(_ batch: BatchID) {
        guard !hanging.contains(batch) else { return }
        let place = queue.firstIndex {
            switch $0.event {
            case .batchFinished(batch, _), .batchFailed(batch), .batchRefused(batch): true
            case .stageFinished(batch, _): true
            default: false
            }
        }
        guard let place else { return }
        let when = min(queue[place].when, now + world.terminateDelay)
        queue.remove(at: place)
        schedule(.batchFailed(batch), after: when - now)
    }

    private func stop(_ instance: InstanceID) {
        stopped.insert(instance)
        let isStarting = queue.contains {
            switch $0.event {
            case .instanceReady(instance, _), .instanceGone(instance, _): true
            default: false
            }
        }
        if running[instance] == nil, !isStarting { leave(instance) }
    }

    private func release(_ request: RequestID, _ outcome: Outcome) {
        ends.append((request, outcome))
        generations[Int(request.slot)] &+= 1
        free.append(request.slot)
    }
}
