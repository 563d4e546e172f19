import Logging
import ServerCore
import ServingDomain
import Synchronization

/// Drives the core in real time: one lock around the core for one event, everything else after it.
///
/// Any thread may post an event. The orders are looked up under the lock (names become lanes and
/// exchanges) and carried out once it is open again, by the thread that posted.
final class CoreDriver: Sendable {
    /// What is only touched under the lock.
    struct State: ~Copyable {
        var core: ServerCore
        var table: RequestTable
        var lanes: [LaneThread?]
        let urgency: ClassUrgency
        var seats: CoreSeats
        var lows = LowRuns()
        var buffer = ActionBuffer()
        var journal: JournalWriter?
        var losses: DeviceLosses
        var sequence: UInt64 = 0
        var lastNow = Instant.zero
    }

    let logger: Logger
    let control: ControlQueue
    /// How low work gives way to high work on the CPU.
    let urgency: ClassUrgency
    /// What became of plans, layouts, lanes and devices.
    let counters = ControlCounters()
    /// Ends probes when requests come.
    let probes = ProbeGuard()
    private let state: Mutex<State>
    private let traces: TraceWriter
    private let timer = WakeTimer()
    private let taken = Atomic<Int>(0)
    private let isWithoutDevice = Atomic<Bool>(false)
    /// The core's capacities.
    let limits: CoreLimits
    /// A lone request that is expected to take less runs on the submitting thread; zero = none.
    private let inlineBelow: TimeSpan

    init(
        _ configuration: CoreConfiguration,
        inlineBelow: TimeSpan,
        lowGivesWay: Bool = false,
        journal: JournalWriter?,
        traces: TraceWriter,
        logger: Logger
    ) throws(ConfigurationError) {
        let limits = configuration.limits
        let core = try ServerCore(configuration)
        self.logger = logger
        self.traces = traces
        self.inlineBelow = inlineBelow
        urgency = ClassUrgency(isWanted: lowGivesWay)
        self.limits = limits
        control = ControlQueue()
        state = Mutex(
            State(
                core: core,
                table: RequestTable(capacity: limits.requests),
                lanes: Array(repeating: nil, count: Int(limits.instances)),
                urgency: urgency,
                seats: CoreSeats(urgency),
                journal: journal,
                losses: DeviceLosses(configuration.devices)
            )
        )
    }

    /// Starts the timer, the watch over loading threads and the control thread.
    func start(_ carryOut: @escaping @Sendable (ControlQueue.Item) -> Void) {
        timer.start { [unowned self] in post(.wake) }
        StarvationWatch.begin()
        control.start(carryOut)
    }

    /// Ends both threads; requests must have ended before.
    func stop() {
        timer.stop()
        control.stop()
    }

    /// Whether a slot is free, without a lock; may be a request out of date.
    var hasRoom: Bool { taken.load(ordering: .relaxed) < Int(limits.requests) }

    /// Requests that are here.
    var requestsHere: Int { taken.load(ordering: .relaxed) }

    // MARK: Requests

    /// Claims a slot and tells the core; nil when there is no slot, and nothing was done.
    ///
    /// - Throws: `TenureOver` when the version has gone; nothing was done.
    func submit(
        _ exchange: any InferenceExchange,
        to servable: Servable,
        _ ticket: Ticket
    ) throws(TenureOver) -> RequestID? {
        var deeds = Deeds()
        probes.requestCame()
        let request = try state.withLock { state throws(TenureOver) -> RequestID? in
            guard !servable.tenure.isOver else { throw TenureOver() }
            let now = state.clock()
            var arrival = servable.arrival(of: ticket)
            guard let request = state.table.claim(servable.slot(exchange, ticket, arrival)) else {
                return nil
            }
            arrival.request = request
            if arrival.level == 1 { urgency.sawHigh() }
            servable.statistics.waits()
            state.seats.callerGoesOn(true)
            defer { state.seats.callerGoesOn(false) }
            state.take(.arrived(arrival), at: now, .none, &deeds)
            taken.store(state.table.used, ordering: .relaxed)
            return request
        }
        if request != nil { carryOut(&deeds, runner: nil) }
        return request
    }

    /// Tells the core that a client has gone, if its request is still here.
    func cancel(_ request: RequestID) {
        var deeds = Deeds()
        state.withLock { state in
            guard state.table.holds(request) else { return }
            let now = state.clock()
            state.take(.cancelled(request), at: now, .none, &deeds)
            taken.store(state.table.used, ordering: .relaxed)
        }
        carryOut(&deeds, runner: nil)
    }

    /// What `items` of a model would take by themselves, by the forecast; nil where not known.
    func predictedLatency(of model: ModelID, items: Int32) -> TimeSpan? {
        state.withLock { $0.core.predictedLatency(of: model, items: items) }
    }

    /// What the core knows of a model now; nil where there is none of that number.
    func spec(of model: ModelID) -> ModelSpec? { state.withLock { $0.core.spec(of: model) } }

    /// How the scaler stands with a model, and how many of its instances can run a batch.
    func scaling(of model: ModelID) -> (status: ScalingStatus?, ready: Int) {
        state.withLock { ($0.core.scaling(of: model), $0.core.readyInstances(of: model)) }
    }

    /// Every lane as it stands; for scrapes.
    var laneStatus: [LaneStatus] { state.withLock { $0.core.lanes } }

    /// What co-runners were seen to cost, per kind of device.
    var learnedContention: [PlanInputs.KindContention] {
        state.withLock { $0.core.learnedContention }
    }

    /// Puts what was learned until now into `inputs`; for questions about plans.
    func tellLearned(_ inputs: inout PlanInputs) {
        state.withLock { $0.core.tellLearned(&inputs) }
    }

    /// What was predicted against what came. Copies some 50 kB under the lock; for scrapes.
    var forecastReport: ForecastReport { state.withLock { $0.core.forecastReport } }

    // MARK: Events

    /// Tells the core a fact and carries out what follows.
    func post(_ event: Event, _ context: EventContext = .none) {
        var deeds = Deeds()
        post(event, context, from: nil, &deeds)
    }

    /// The same for a lane thread, which brings its own storage and needs no bell for itself.
    func post(
        _ event: Event,
        _ context: EventContext = .none,
        from lane: LaneThread?,
        _ deeds: inout Deeds
    ) {
        state.withLock { state in
            if let lane { state.leave(lane) }
            let now = state.clock()
            state.take(event, at: now, context, &deeds)
            taken.store(state.table.used, ordering: .relaxed)
        }
        carryOut(&deeds, runner: lane)
        deeds.removeAll()
    }

    /// Tells the core that a device is gone with all that ran there, and everybody who waited for
    /// it alone why it ends. Every lane of the device may say so; the first is heeded.
    func lost(_ device: DeviceSpec, _ reason: String) {
        var deeds = Deeds()
        let losses = state.withLock { state -> DeviceLosses? in
            guard state.core.isPresent(device.id) else { return nil }
            state.losses.note(device, reason)
            let context = EventContext(failure: state.losses.whyWaitingEnd)
            let now = state.clock()
            state.take(.deviceLost(device.id), at: now, context, &deeds)
            taken.store(state.table.used, ordering: .relaxed)
            return state.losses
        }
        guard let losses else { return }
        isWithoutDevice.store(losses.isTotal, ordering: .relaxed)
        logger.error("device \(device.name) is taken out of the plan: \(reason)")
        counters.count { $0.devicesLost += 1 }
        let ended = deeds.ends.count
        carryOut(&deeds, runner: nil)
        if losses.isTotal {
            logger.error(
                """
                no device is left: \(ended) waiting requests ended, all further ones are refused, \
                and the server calls itself not ready; restart it once the device is healthy, or \
                say that it is: POST /v1/devices/\(device.name)/back
                """
            )
        } else if ended > 0 {
            logger.error("\(ended) requests ended that waited for \(device.name) alone")
        }
    }

    /// Whether a device is there.
    func isPresent(_ device: DeviceID) -> Bool { state.withLock { $0.core.isPresent(device) } }

    /// Whether every device was lost, without a lock.
    var hasLostAll: Bool { isWithoutDevice.load(ordering: .relaxed) }

    /// Tells the core that a device is there again.
    func back(_ device: DeviceID) {
        var deeds = Deeds()
        state.withLock { state in
            state.losses.forget(device)
            let now = state.clock()
            state.take(.deviceBack(device), at: now, .none, &deeds)
            taken.store(state.table.used, ordering: .relaxed)
            isWithoutDevice.store(state.losses.isTotal, ordering: .relaxed)
        }
        carryOut(&deeds, runner: nil)
    }

    /// Tells the core that a version goes; it gets no further request from this moment on.
    func retire(_ servable: Servable) {
        let id = servable.id
        var deeds = Deeds()
        state.withLock { state in
            servable.tenure.end()
            let now = state.clock()
            state.take(.modelRemoved(id), at: now, .none, &deeds)
            taken.store(state.table.used, ordering: .relaxed)
        }
        carryOut(&deeds, runner: nil)
        control.add(.retired(id))
    }

    // MARK: Lanes

    /// Makes a lane known before its instance is reported ready.
    func add(_ lane: LaneThread) {
        state.withLock { $0.lanes[lane.id.position] = lane }
    }

    /// Finds a lane by its instance.
    func lane(_ id: InstanceID) -> LaneThread? {
        state.withLock { $0.lanes[id.position] }
    }

    /// The lanes whose instances sit on a gpulet, in order of their numbers.
    func lanes(on gpulet: GpuletID) -> [LaneThread] {
        state.withLock { $0.lanes.compactMap { $0?.order.gpulet == gpulet ? $0 : nil } }
    }

    /// Forgets a lane that never began.
    func forget(_ lane: LaneThread) {
        state.withLock { $0.lanes[lane.id.position] = nil }
    }

    /// A lane has come to its end; called by its own thread, last.
    func laneEnded(_ lane: LaneThread, _ end: InstanceEnd) {
        forget(lane)
        control.add(.ended(lane.id, lane.servable.id, end))
    }

    private func carryOut(_ deeds: inout Deeds, runner: LaneThread?) {
        // The next batch first, then the replies: a device must not wait for sockets. But a batch
        // that wants this thread's own core would take it, and the replies would wait for its end.
        let sharesCore = runner?.computesHere == true
        if sharesCore { answer(deeds) }
        let own = launch(&deeds, runner)
        for lane in deeds.hastened { lane.hasten() }
        for (lane, batch) in deeds.terminations { lane.terminate(batch) }
        if !sharesCore { answer(deeds) }
        for order in deeds.control { control.add(.order(order)) }
        timer.want(deeds.wake, after: deeds.sequence)
        if let own { runInline(own) }
    }

    /// Wakes the lanes whose mailboxes were filled; returns one that this thread is to run itself.
    private func launch(_ deeds: inout Deeds, _ runner: LaneThread?) -> LaneThread? {
        guard let first = deeds.firstLaunch else { return nil }
        var own: LaneThread?
        if runner == nil, runsInline(first) {
            own = first
        } else if first === runner {
            deeds.hasEarnedNext = true
        } else {
            first.wake()
        }
        for lane in deeds.launches {
            if lane === runner { deeds.hasEarnedNext = true } else { lane.wake() }
        }
        return own
    }

    /// Hands out what requests ended with.
    private func answer(_ deeds: Deeds) {
        guard !deeds.ends.isEmpty else { return }
        let now = MonotonicTime.now()
        // A loop that was woken by the first reply of a batch would be asleep again before the next
        // one came, so each bell is rung after the last of its replies.
        var bell: (any ReplyBell)?
        for end in deeds.ends {
            end.servable.statistics.count(end, at: now)
            traces.note(end)
            end.exchange.finish(end.ending)
            let next = end.exchange.bell
            if let bell, bell !== next { bell.ring() }
            bell = next
        }
        bell?.ring()
    }

    /// Whether the submitting thread runs the batch itself: it is short, and no other request is
    /// here, so nobody waits for that thread meanwhile. Under load lanes run everything, since two
    /// threads do more than one.
    private func runsInline(_ lane: LaneThread) -> Bool {
        inlineBelow > .zero && taken.load(ordering: .relaxed) <= 1
            && lane.isShort(below: inlineBelow)
    }

    /// Runs the batch of an idle lane, and those that follow from it, on this thread.
    private func runInline(_ lane: LaneThread) {
        var deeds = Deeds()
        lane.runBatch(&deeds)
        if deeds.hasEarnedNext { lane.wake() }
    }
}
