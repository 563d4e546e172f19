public import ServingDomain

/// Decides, event by event, which batch starts where, who waits and who is refused.
///
/// Facts go in, orders come out; time is an argument. The core holds no clock, no lock and no
/// tensor, so that a server and a simulator can drive the same code.
///
/// Every event takes the same six steps, each the only source of its orders: apply, expire,
/// dispatch (then the replies of what has ended, so that the next batch goes first), scale,
/// control, next wake. No event, in whatever order, can make the core fail: what does not fit
/// its state is ignored or refused.
///
/// Cost: O(log n) per request for queues and timers; no heap allocation unless models, plans,
/// devices or instances change.
public struct ServerCore: ~Copyable, Sendable {
    /// When the driver is to send `wake`; nil = never. The only timer that a driver keeps.
    public private(set) var nextWake: Instant?

    /// What is where.
    package var state: DispatchState
    /// What batches will take.
    package var forecast: Forecast
    /// Plans, rollouts and removals.
    var control: ControlState
    private var policy: any DispatchPolicy
    var scaler: any Scaler

    /// The time of the present event.
    var now = Instant.zero
    /// Batches whose replies go out with this event.
    var ended: [Int32] = []
    /// When the policy wants to be asked again.
    private var policyHold = Instant.distantFuture
    let watchdog: TimeSpan
    /// How long the engine has to end a batch that the watchdog has given up.
    let grace: TimeSpan

    /// Creates a core for the devices, policy and limits of `configuration`.
    ///
    /// - Throws: `ConfigurationError` naming a policy or scaler that there isn't, and those
    ///   that there are, or a limit that makes no sense.
    public init(_ configuration: CoreConfiguration) throws(ConfigurationError) {
        try configuration.validate()
        let policy = try PolicyNames.make(configuration.policy)
        let scaler = try ScalerNames.make(configuration.scaler)
        self.init(configuration, policy: policy, scaler: scaler)
    }

    /// Creates a core with a policy and a scaler that need have no names, for tests.
    ///
    /// - Precondition: the configuration has been validated.
    package init(
        _ configuration: CoreConfiguration,
        policy: any DispatchPolicy,
        scaler: any Scaler = NoScaler()
    ) {
        self.policy = policy
        self.scaler = scaler
        state = DispatchState(configuration, order: policy.order)
        forecast = Forecast(
            models: Int(configuration.limits.models),
            batches: state.batches.count,
            devices: configuration.devices,
            contention: configuration.contention,
            options: policy.forecastOptions
        )
        control = ControlState(configuration)
        watchdog = .seconds(Int64(configuration.limits.watchdogSeconds))
        grace = .seconds(Int64(configuration.limits.graceSeconds))
        nextWake = nil
        ended.reserveCapacity(256)
    }

    /// Takes one fact and appends the orders that follow from it.
    ///
    /// - Parameters:
    ///   - event: What happened.
    ///   - now: When; a point before that of the last call counts as the latter.
    ///   - actions: Where the orders go; what is in it already stays.
    public mutating func handle(
        _ event: Event,
        at now: Instant,
        into actions: inout ActionBuffer
    ) {
        self.now = max(self.now, now)
        forecast.steer(at: self.now)
        apply(event, &actions)
        expire(&actions)
        dispatch(&actions)
        reply(&actions)
        scale(&actions)
        if steer(&actions) {
            dispatch(&actions)
            reply(&actions)
            scale(&actions)
        }
        setNextWake()
    }

    // MARK: What others may ask

    /// How many requests of `model` wait.
    public func waiting(_ model: ModelID) -> Int {
        isKnown(model) ? Int(state.models[model.position].waiting) : 0
    }

    /// How many instances of `model` can run a batch.
    public func readyInstances(of model: ModelID) -> Int {
        isKnown(model) ? Int(state.models[model.position].ready) : 0
    }

    /// How many instances of `model` were given up and have not come back.
    public func abandonedInstances(of model: ModelID) -> Int {
        control.abandoned.count { $0.model == model }
    }

    /// Whether `device` answers.
    public func isPresent(_ device: DeviceID) -> Bool {
        device.index >= 0 && device.position < state.present.count
            && state.present[device.position]
    }

    /// What `items` of `model` would take by themselves, by the forecast; nil where not known.
    public func predictedLatency(of model: ModelID, items: Int32) -> TimeSpan? {
        isKnown(model) ? forecast.shortestLatency(model: model, items: items, at: now) : nil
    }

    /// What is known of `model` now; nil where there is none of that number.
    public func spec(of model: ModelID) -> ModelSpec? {
        isKnown(model) ? state.specs[model.position] : nil
    }

    /// How the scaler stands with the first lane of `model`; nil where nothing is scaled.
    public func scaling(of model: ModelID) -> ScalingStatus? {
        guard isKnown(model), state.models[model.position].firstLane >= 0 else { return nil }
        return scaler.status(of: LaneID(state.models[model.position].firstLane))
    }

    /// Whether an instance waits for memory that others hold.
    public var isShortOfMemory: Bool { control.isStarved }

    /// What co-runners were seen to cost, per kind of device, in the form that
    /// `CoreConfiguration.contention` takes; kinds with few runs in company are left out.
    public var learnedContention: [PlanInputs.KindContention] { forecast.learned }

    /// Puts what was learned until now into `inputs`, in place of what was when they were made,
    /// where the rules say that planners are told. Allocates.
    public func tellLearned(_ inputs: inout PlanInputs) {
        guard control.rules?.feedsBack == true else { return }
        inputs.corrections = []
        inputs.contention = []
        forecast.tell(&inputs, at: now)
    }

    /// How good the forecast was so far. Allocates.
    public var forecastReport: ForecastReport { forecast.report }

    /// Lets a simulator tell in advance what nobody else can know (policy `oracle`).
    public mutating func reveal(_ truth: any ForecastTruth) { forecast.truth = truth }

    /// Whether `model` is in use.
    func isKnown(_ model: ModelID) -> Bool {
        model.index >= 0 && model.position < state.models.count
            && state.models[model.position].state != .free
    }

    // MARK: Step 2, expire

    /// Sets the timer of a waiting request: its end by client, forecast or queue policy.
    mutating func arm(_ slot: Int32) {
        let record = state.requests[Int(slot)]
        let last = policy.lastStart(of: record, at: now, using: forecast)
        var when = min(record.timeout, last + TimeSpan(nanoseconds: 1))
        if !record.delayed { when = min(when, record.queueTimeout) }
        state.timers.set(slot, at: when)
    }

    private mutating func expire(_ actions: inout ActionBuffer) {
        while let slot = state.timers.due(at: now) {
            let record = state.requests[Int(slot)]
            if record.state == .running {
                state.unlink(slot)
                actions.append(.timeout(record.id(at: slot)))
                state.forget(slot)
                terminateIfDeserted(record.batch, &actions)
            } else if record.timeout <= now {
                drop(slot, .expired, &actions)
            } else if policy.lastStart(of: record, at: now, using: forecast) < now {
                drop(slot, record.deadline < now ? .expired : .hopeless, &actions)
            } else if !record.delayed, record.queueTimeout <= now {
                let level = state.levelPlace(record.model, record.level)
                if state.levels[level].rules.timeoutAction == .reject {
                    drop(slot, .queueTimeout, &actions)
                } else {
                    state.delay(slot)
                    arm(slot)
                }
            } else {
                arm(slot)
            }
        }
        while let queue = state.parking.due(at: now) { state.unpark(QueueID(queue)) }
    }

    private mutating func drop(
        _ slot: Int32,
        _ reason: DropReason,
        _ actions: inout ActionBuffer
    ) {
        state.dequeue(slot)
        forecast.ended(state.requests[Int(slot)], isViolation: true)
        actions.append(.drop(state.requests[Int(slot)].id(at: slot), reason))
        state.forget(slot)
    }

    /// Why the policy does not want `arrival`; nil if it does.
    func refusal(of arrival: Arrival) -> Refusal? {
        policy.refuses(arrival, at: now, in: state, using: forecast)
    }

    // MARK: Step 3, dispatch

    private mutating func dispatch(_ actions: inout ActionBuffer) {
        policyHold = .distantFuture
        while state.hasCandidates || state.pausedCount > 0 {
            switch policy.next(at: now, in: state, using: forecast) {
            case .start(let launch):
                guard state.hasBatchRoom else { return }
                start(launch, &actions)
            case .resume(let batch, let stage): resume(batch, stage, &actions)
            case .giveUp(let slot):
                let isLate = state.requests[Int(slot)].deadline < now
                drop(slot, isLate ? .expired : .hopeless, &actions)
            case .park(let queue, let until):
                precondition(until > now, "a policy parked a queue until the past")
                state.park(queue, until: until)
            case .gather(let queue, let size, let until):
                precondition(until > now, "a policy parked a queue until the past")
                state.park(queue, until: until, size: size)
            case .hold(let until):
                policyHold = until ?? .distantFuture
                return
            }
        }
    }

    // MARK: Step 4, scale

    private mutating func scale(_ actions: inout ActionBuffer) {
        guard let due = scaler.due, due <= now else { return }
        var mayStart = false
        while let change = scaler.step(at: now, in: state, using: forecast) {
            switch change {
            case .batchLimit(let lane, let limit):
                state.lanes[lane.position].batchLimit = max(1, limit)
            case .instances(let lane, let count):
                guard state.lanes[lane.position].width == 0 else { continue }
                state.lanes[lane.position].wanted = max(1, count)
                adjustInstances(of: lane, &actions)
            case .active(let lane, let count):
                guard state.lanes[lane.position].width == 0 else { continue }
                state.lanes[lane.position].active = max(1, count)
                state.list(lane)
                mayStart = true
            }
        }
        // A lane that may run more at once can start a batch right away.
        if mayStart { dispatch(&actions) }
    }

    // MARK: Steps 5 and 6, control and next wake

    /// Returns whether something changed that may let a batch start.
    private mutating func steer(_ actions: inout ActionBuffer) -> Bool {
        while state.firstWatched >= 0,
            state.batches[Int(state.firstWatched)].launched + watchdog <= now
        {
            giveUpBatch(state.firstWatched, &actions)
        }
        let hasGivenUp = abandonHung(&actions)
        endEpoch()
        guard control.isBusy else { return hasGivenUp }
        return advanceControl(&actions) || hasGivenUp
    }

    private mutating func setNextWake() {
        var wake = min(state.timers.earliest, state.parking.earliest)
        wake = min(wake, min(policyHold, scaler.due ?? .distantFuture))
        wake = min(wake, control.epochEnd)
        for call in control.hung { wake = min(wake, call.due) }
        if state.firstWatched >= 0 {
            wake = min(wake, state.batches[Int(state.firstWatched)].launched + watchdog)
        }
        nextWake = wake == .distantFuture ? nil : wake
    }
}

/// A configuration that names something that there isn't.
public struct ConfigurationError: Error, Hashable, Sendable {
    /// One line: what, the limit, the next step.
    public let message: String

    /// Creates an error from its one line.
    public init(_ message: String) { self.message = message }
}
