import Planning
package import ServerCore
import ServingDomain
import VirtualDevices
import Workloads

/// Drives a `ServerCore` in virtual time: the same facts and orders as in a server, with devices
/// that exist as arithmetic.
///
/// Of things that happen at the same time, ends of stages come first, then what the driver noted
/// (in the order it was noted), then arrivals (by the number of the load), then the core's wake.
/// Nothing depends on anything but the setup.
public struct Simulator: ~Copyable {
    let setup: SimulationSetup
    let planner: (any Planner)?

    var core: ServerCore
    var cluster: VirtualCluster
    var ledger: Ledger
    var auditor: SimulationAuditor?

    /// The present time, from the first model's load on.
    var now = Instant.zero
    /// When the load began; before that `isPreparing`.
    var origin = Instant.zero
    var isPreparing = true, isLoadOver = false
    var windowEnd = Instant.distantFuture
    var window: Int32 = 0
    var countsFrom = Instant.distantFuture

    var heap = EventHeap()
    var board: Tournament
    var streams: [Arrivals] = []
    let facts: [LoadFacts]
    var buffer = ActionBuffer()
    var followUps: [FollowUp] = []
    var total = OrderHash()

    var tickets: [Ticket]
    var freeSlots: [Int32]
    var live = 0
    var runs: [GraphRun] = []
    var freeRuns: [Int32] = []
    /// The request of each stage of each run: `stagesPerRun` places per run.
    var runRequests: [RequestID] = []
    let stagesPerRun: Int
    /// By application, by stage: what is kept of its deadline for the stages behind it.
    var rests: [[TimeSpan]]

    var gpulets: [GpuletSeat] = []
    var instances: [InstanceSeat] = []
    var flights: [Flight] = []
    /// Batches that the core has given up and the engine has not.
    var strays: [Flight] = []
    var draws: [UInt64]
    var answers: [PlanAnswer] = []
    var steps: [(epoch: Epoch, step: RolloutStep)] = []
    var absent: [Bool]
    var failingLoads: [Int32], hangingModels: [Int32], deafModels: [Int32]
    var usageAtBegin: [DeviceUsage]

    /// Creates a simulation of a setup.
    ///
    /// - Throws: `SimulationError` with the setup's flaw, or a name that there isn't.
    public init(_ setup: SimulationSetup) throws(SimulationError) {
        let core: ServerCore
        if let flaw = setup.flaw { throw SimulationError(flaw) }
        do { core = try ServerCore(Self.configuration(of: setup)) } catch {
            throw SimulationError(error.message)
        }
        try self.init(setup, core: core)
    }

    /// Creates a simulation around a core with a policy or scaler that need have no name.
    ///
    /// - Throws: `SimulationError` with the setup's flaw, or a planner that there isn't.
    package init(
        _ setup: SimulationSetup,
        policy: any DispatchPolicy,
        scaler: any Scaler = NoScaler()
    ) throws(SimulationError) {
        if let flaw = setup.flaw { throw SimulationError(flaw) }
        let configuration = Self.configuration(of: setup)
        try self.init(
            setup,
            core: ServerCore(configuration, policy: policy, scaler: scaler)
        )
    }

    private init(_ setup: SimulationSetup, core: consuming ServerCore) throws(SimulationError) {
        self.setup = setup
        self.core = core
        planner = try Self.planner(of: setup)
        facts = setup.loads.map { LoadFacts($0, of: setup.models[$0.model.position].spec) }
        let truths =
            setup.truths.isEmpty
            ? setup.devices.map { _ in NoContention() as any TrueContention } : setup.truths
        cluster = VirtualCluster(
            devices: setup.devices,
            models: setup.models.map(\.truth),
            truths: truths,
            seed: setup.seed
        )
        if OptionedName(setup.policy).name == "oracle" { self.core.reveal(RunTruth(setup, truths)) }
        ledger = Ledger(setup)
        auditor = setup.audits ? SimulationAuditor(setup) : nil
        board = Tournament(sources: setup.loads.count + setup.graphs.count)
        let slots = setup.limits.requests
        tickets = Array(repeating: Ticket(), count: Int(slots))
        freeSlots = Array((0..<slots).reversed())
        stagesPerRun = setup.graphs.map(\.graph.stages.count).max() ?? 0
        rests = setup.graphs.map { $0.graph.stages.map { _ in .zero } }
        draws = setup.models.map { _ in 0 }
        absent = setup.devices.map { _ in false }
        failingLoads = setup.models.map { _ in 0 }
        hangingModels = setup.models.map { _ in 0 }
        deafModels = setup.models.map { _ in 0 }
        usageAtBegin = setup.devices.map { _ in DeviceUsage() }
    }

    /// Runs a setup from begin to end.
    ///
    /// - Throws: `SimulationError` with the setup's flaw, or a name that there isn't.
    public static func run(_ setup: SimulationSetup) throws(SimulationError) -> Ledger {
        var simulator = try Simulator(setup)
        return simulator.run()
    }

    /// Loads the models, plays the load, and waits until every request has ended; gives up when
    /// the auditor has found more than it keeps.
    public mutating func run() -> Ledger {
        prepare()
        beginLoad()
        let limit = origin + setup.duration + setup.patience
        while !(isLoadOver && live == 0), auditor?.isFull != true, step(until: limit) {}
        return finish()
    }

    // MARK: Time

    /// Lets the next thing happen; false when there is nothing more until `limit`.
    mutating func step(until limit: Instant) -> Bool {
        let ends = cluster.next
        let tasks = heap.earliest
        let arrivals = board.earliest
        let wake = core.nextWake ?? .distantFuture
        let next = min(min(ends, tasks), min(arrivals, wake))
        guard next <= limit, next != .distantFuture else { return false }
        now = max(now, next)
        if ends <= next {
            if let ended = cluster.finish(at: now) { stageEnded(ended) }
        } else if tasks <= next {
            perform(heap.removeFirst())
        } else if arrivals <= next {
            arrive(board.source)
        } else {
            send(.wake)
        }
        while !followUps.isEmpty { follow(followUps.removeFirst()) }
        return true
    }

    /// Tells the core a fact and carries its orders out.
    mutating func send(_ event: Event) {
        buffer.removeAll()
        core.handle(event, at: now, into: &buffer)
        ledger.events += 1
        total.add(UInt64(bitPattern: now.nanoseconds))
        total.add(buffer)
        if auditor != nil { auditor?.look(at: event, now, buffer, core) }
        let actions = buffer.actions
        for place in actions.indices { carryOut(actions[place]) }
    }

    private mutating func carryOut(_ action: Action) {
        switch action {
        case .reply(let request, let outcome): ended(request, outcome)
        case .launch(let order): launch(order)
        case .drop(let request, _): ended(request, .dropped)
        case .refuse(let request, _): ended(request, .refused)
        case .timeout(let request): ended(request, .late)
        case .terminate(let batch, _): terminate(batch)
        case .startInstance(let order): startInstance(order)
        case .stopInstance(let instance): stopInstance(instance)
        case .abandonInstance(let instance): abandonInstance(instance)
        case .computePlan(let epoch, let inputs): computePlan(epoch, inputs)
        case .rollout(let epoch, let step): rollOut(epoch, step)
        }
    }

    // MARK: Begin and end

    private mutating func prepare() {
        for model in setup.models { send(.modelAdded(model.spec)) }
        isPreparing = false
        // What models need is noted; wakes of a scaler may go on for ever and don't count.
        let limit = now + .seconds(3_600)
        while !heap.isEmpty, step(until: limit) {}
    }

    private mutating func beginLoad() {
        origin = now
        ledger.beginLoad()
        countsFrom = origin + setup.warmUp
        windowEnd = origin + setup.window
        for (place, load) in setup.loads.enumerated() {
            begin(load.process, place)
        }
        for (place, load) in setup.graphs.enumerated() {
            begin(load.process, setup.loads.count + place)
        }
        heap.note(.warm, at: countsFrom)
        heap.note(.loadOver, at: origin + setup.duration)
        for (place, fault) in setup.faults.enumerated() {
            heap.note(.fault(Int32(place), begins: true), at: origin + (fault.at - .zero))
            if fault.end != .distantFuture {
                heap.note(.fault(Int32(place), begins: false), at: origin + (fault.end - .zero))
            }
        }
    }

    private mutating func begin(_ process: ArrivalProcess, _ place: Int) {
        streams.append(Arrivals(process, seed: setup.seed, stream: UInt64(place)))
        if case .closed(let concurrency) = process {
            for _ in 0..<concurrency { heap.note(.again(Int32(place)), at: origin) }
        } else {
            scheduleArrival(place)
        }
    }

    mutating func scheduleArrival(_ place: Int) {
        guard let next = streams[place].next(), next < setup.duration else {
            return board.set(place, at: .distantFuture)
        }
        board.set(place, at: origin + next)
    }

    private mutating func finish() -> Ledger {
        if live > 0 { ledger.complaints.append("\(live) requests have not ended") }
        ledger.finished = now.since(origin)
        ledger.digest = total.value
        ledger.close()
        if var auditor {
            auditor.close(core)
            ledger.complaints += auditor.complaints
        }
        return ledger
    }

    /// Notes how much of the devices was used since the end of the warm-up.
    mutating func takeUsage() {
        let span = max(1, Double(setup.duration.nanoseconds - setup.warmUp.nanoseconds))
        ledger.usage = setup.devices.map { device in
            let usage = cluster.usage(of: device.id, at: now)
            let before = usageAtBegin[device.id.position]
            return Ledger.DeviceUsageRow(
                busy: Double((usage.busy - before.busy).nanoseconds) / span,
                occupied: Double((usage.occupied - before.occupied).nanoseconds) / span,
                peakKiB: cluster.memories[device.id.position].peakKiB
            )
        }
    }

    private static func configuration(of setup: SimulationSetup) -> CoreConfiguration {
        var name = "given"
        if case .planner(let text) = setup.plans { name = text }
        return CoreConfiguration(
            devices: setup.devices,
            policy: setup.policy,
            scaler: setup.scaler,
            planner: name,
            limits: setup.limits,
            epochs: setup.epochs,
            contention: setup.priors
        )
    }

    private static func planner(
        of setup: SimulationSetup
    ) throws(SimulationError) -> (any Planner)? {
        switch setup.plans {
        case .planner(let name):
            do { return try PlannerCatalogue.planner(named: name) } catch {
                throw SimulationError(error.message)
            }
        case .custom(let planner): return planner
        case .fixed: return nil
        }
    }
}

extension Instant {
    /// This point on the time line that begins at `origin`.
    func since(_ origin: Instant) -> Instant { .zero + (self - origin) }
}
