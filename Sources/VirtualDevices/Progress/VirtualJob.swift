public import ServingDomain

/// A stage to begin on a device.
public struct StageOrder: Hashable, Sendable {
    /// The batch, to be told again at the end.
    public var batch: BatchID
    /// The device.
    public var device: DeviceID
    /// The lane, so that batches of one lane know each other.
    public var lane: Int32
    /// Latencies, from `VirtualCluster.row`.
    public var row: Int32
    /// What of the batch runs.
    public var stage: Stage
    /// Items in the batch.
    public var items: Int32
    /// The class of its requests.
    public var priority: PriorityClass
    /// The number of the batch, which picks its noise.
    public var draw: UInt64
    /// Whether it never ends by itself.
    public var hangs: Bool

    /// Creates an order.
    public init(
        batch: BatchID,
        device: DeviceID,
        lane: Int32,
        row: Int32,
        stage: Stage,
        items: Int32,
        priority: PriorityClass = .low,
        draw: UInt64 = 0,
        hangs: Bool = false
    ) {
        self.batch = batch
        self.device = device
        self.lane = lane
        self.row = row
        self.stage = stage
        self.items = items
        self.priority = priority
        self.draw = draw
        self.hangs = hangs
    }
}

/// A stage on its way through a device.
public struct VirtualJob: Sendable {
    /// Where a job is.
    public enum Phase: UInt8, Sendable {
        /// Waits for a copy engine or is copied in; goes to `run` or `ended`.
        case copyIn
        /// Runs; goes to `copyOut` or `ended`.
        case run
        /// Waits for a copy engine or is copied out; goes to `ended`.
        case copyOut
        /// Has ended or was aborted; its number may be used again.
        case ended
    }

    /// The batch.
    public let batch: BatchID
    /// Its model.
    public let model: ModelID
    /// The stage.
    public let stage: Stage
    /// Its items.
    public let items: Int32
    let device: Int32, lane: Int32, row: Int32
    let priority: PriorityClass
    /// Where it is.
    public internal(set) var phase = Phase.ended
    /// When it was begun.
    public let began: Instant
    /// When its copy in and its run had ended.
    public internal(set) var copyInEnded: Instant, runEnded: Instant
    /// Nanoseconds of its run if alone.
    var work = 0.0

    init(_ order: StageOrder, model: ModelID, at now: Instant) {
        batch = order.batch
        self.model = model
        stage = order.stage
        items = order.items
        device = order.device.index
        lane = order.lane
        row = order.row
        priority = order.priority
        began = now
        copyInEnded = now
        runEnded = now
    }
}

/// A stage that has ended.
public struct EndedStage: Hashable, Sendable {
    /// Its number, which may be used again.
    public let job: Int32
    /// Its batch.
    public let batch: BatchID
    /// When it ended.
    public let at: Instant
    /// When it was begun, and when its copy in and its run had ended.
    public let began: Instant, copyInEnded: Instant, runEnded: Instant
}

/// How much of a device was used.
public struct DeviceUsage: Hashable, Sendable {
    /// Time in which anything ran.
    public var busy = TimeSpan.zero
    /// The same, each running stage counted by its gpulet's part of the device, at most all of it.
    public var occupied = TimeSpan.zero

    /// Creates the usage of an idle device.
    public init() {}
}
