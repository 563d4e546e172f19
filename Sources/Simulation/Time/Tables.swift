import Planning
import ServerCore
import ServingDomain
import Workloads

/// What a load's requests have in common, looked up once.
struct LoadFacts: Sendable {
    var model: ModelID
    var row: Int32
    var items: Int32
    var level: Int32
    /// From arrival to deadline, and to the client's own end; `endless` = none.
    var objective: TimeSpan, timeout: TimeSpan
    var isClosed: Bool

    /// Longer than anything.
    static let endless = TimeSpan(nanoseconds: .max)

    init(_ load: RequestLoad, of model: ModelSpec) {
        self.model = load.model
        items = load.items
        level = load.level ?? model.priorities.defaultLevel
        row = Int32(Ledger.place(load.model, PriorityClass(level: level)))
        timeout = load.timeout ?? Self.endless
        objective = min(load.slo ?? model.slo ?? Self.endless, timeout)
        isClosed = if case .closed = load.process { true } else { false }
    }
}

/// What the driver keeps about a request, at its slot of the table.
struct Ticket: Sendable {
    /// Which use of the slot it is.
    var generation: UInt32 = 0
    /// Its row of the ledger.
    var row: Int32 = 0
    /// The load that sent it; -1 = an application.
    var load: Int32 = -1
    /// The application's run that it is a stage of, and which; -1 = none.
    var run: Int32 = -1, stage: Int32 = 0
    /// The window that it came in.
    var window: Int32 = 0
    /// Whether it came after the warm-up.
    var counts = false
    var arrival = Instant.zero
    var deadline = Instant.distantFuture
}

/// One request to an application, from its first stage to its last.
struct GraphRun: Sendable {
    var graph: Int32 = 0
    var window: Int32 = 0
    var counts = false
    var arrival = Instant.zero
    var deadline = Instant.distantFuture
    /// Stages that have been handed in, and that have a result: a bit each.
    var sent: UInt64 = 0, done: UInt64 = 0
    /// Stages that are in the core.
    var live: Int32 = 0
    /// How it was lost; nil = it was not.
    var loss: Outcome?
}

/// A gpulet as the driver made it.
struct GpuletSeat: Sendable {
    var device = DeviceID(0)
    var units: Int32 = 0
    var isOpen = false
    var instances: Int32 = 0
}

/// An instance as the driver made it.
struct InstanceSeat: Sendable {
    /// Where an instance is.
    enum State: UInt8, Sendable {
        /// Not in use; goes to `starting`.
        case free
        /// Being loaded; goes to `ready` or `free`.
        case starting
        /// Can run; goes to `leaving`.
        case ready
        /// To end after its batch; goes to `free`.
        case leaving
    }

    var state = State.free
    var model = ModelID(0)
    var gpulet = GpuletID(0)
    var device = DeviceID(0)
    var lane: Int32 = 0
    var batchLimit: Int32 = 1
    /// Its row in the cluster; -1 = it can't run.
    var row: Int32 = -1
    /// Whether it has memory.
    var hasMemory = false
    /// Whether it was told to stop while it was being loaded.
    var isStopped = false
    /// Whether it has a batch.
    var isBusy = false
    /// Whether its end is on the way.
    var hasLeft = false
}

/// A batch on its way, at its slot of the core's batch table.
struct Flight: Sendable {
    var batch = BatchID(slot: -1, generation: 0)
    /// The job in the cluster; -1 = none (not begun, or between stages).
    var job: Int32 = -1
    var instance = InstanceID(0)
    var stage = Stage.whole
    var items: Int32 = 0
    var latest = Instant.distantFuture
    var draw: UInt64 = 0
    var priority = PriorityClass.low
    /// Whether it is in the air.
    var isLive = false
    /// Whether the engine was told to end it, and whether it does not listen.
    var isAborted = false, isDeaf = false
}

/// A question for a plan that has been answered and not yet delivered.
struct PlanAnswer: Sendable {
    var epoch: Epoch
    var milliRates: [Int64]
    var plan: Plan?
}

/// What is to be told the core right after the present event.
enum FollowUp: Sendable {
    /// The client of an application gives its stage up.
    case cancel(RequestID)
    /// A stage has all that it needs.
    case stage(run: Int32, stage: Int32)
}

/// Why a simulation can't be made.
public struct SimulationError: Error, Hashable, Sendable {
    /// One line: what, the limit, the next step.
    public let message: String

    /// Creates an error from its one line.
    public init(_ message: String) { self.message = message }
}
