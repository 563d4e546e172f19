public import ServingDomain

/// An order that the core gives a driver.
///
/// Combined orders are several small ones in a row; a driver carries them out in that order.
public enum Action: Hashable, Sendable {
    /// Run a stage of a batch on an instance.
    case launch(LaunchOrder)
    /// Stop a running batch as soon as the engine allows; nobody waits for it any more.
    case terminate(BatchID, InstanceID)
    /// Answer a request: served or late with its result, failed or cancelled without one.
    case reply(RequestID, Outcome)
    /// Answer a running request whose client's own timeout has passed; outcome `late`.
    case timeout(RequestID)
    /// Answer a waiting request that won't be run.
    case drop(RequestID, DropReason)
    /// Answer a request that is not admitted.
    case refuse(RequestID, Refusal)
    /// Load and warm an instance on a lane thread of its own.
    case startInstance(InstanceOrder)
    /// End an instance when its last batch has ended.
    case stopInstance(InstanceID)
    /// Leave an instance to itself whose engine does not end a batch even when told to. Its number
    /// stays taken until `instanceGone` says that it has come back and ended.
    case abandonInstance(InstanceID)
    /// Make a plan; answer with `planReady` or `planFailed`.
    indirect case computePlan(Epoch, PlanInputs)
    /// Carry out one step of a rollout; answer with `stepDone` or `stepFailed`.
    case rollout(Epoch, RolloutStep)
}

/// What to run, where, and within which window (after Clockwork's worker orders).
public struct LaunchOrder: Hashable, Sendable {
    /// The batch.
    public var batch: BatchID
    /// Where it runs.
    public var instance: InstanceID
    /// Its model.
    public var model: ModelID
    /// What of it runs now.
    public var stage: Stage
    /// The sum of the requests' items.
    public var items: Int32
    /// Its requests: a range of `ActionBuffer.requests`, in the order of the batch's rows.
    public var requests: Range<Int32>
    /// The lane thread refuses to begin after this point.
    public var latest: Instant
    /// When it should end, by the forecast; nil where nothing has been measured.
    public var expected: Instant?
    /// The earliest deadline of its requests.
    public var due: Instant
    /// Whether it is low and the cores are to take it before other low batches: all but those that
    /// are due before it.
    public var overtakes: Bool

    /// Creates a launch order.
    public init(
        batch: BatchID,
        instance: InstanceID,
        model: ModelID,
        stage: Stage,
        items: Int32,
        requests: Range<Int32>,
        latest: Instant,
        expected: Instant?,
        due: Instant = .distantFuture,
        overtakes: Bool = false
    ) {
        self.batch = batch
        self.instance = instance
        self.model = model
        self.stage = stage
        self.items = items
        self.requests = requests
        self.latest = latest
        self.expected = expected
        self.due = due
        self.overtakes = overtakes
    }
}

/// Which instance to start, and for what.
public struct InstanceOrder: Hashable, Sendable {
    /// The new instance.
    public var instance: InstanceID
    /// The lane it belongs to.
    public var lane: LaneID
    /// The model to load.
    public var model: ModelID
    /// The gpulet to sit on.
    public var gpulet: GpuletID
    /// How many instances share the gpulet's units for this model, this one included.
    public var siblings: Int32
    /// The units that its batches run on, anywhere on the gpulet; 0 = its part of them.
    public var width: Int32
    /// The largest batch to warm; every size up to it may be used.
    public var batchLimit: Int32

    /// Creates a start order.
    public init(
        instance: InstanceID,
        lane: LaneID,
        model: ModelID,
        gpulet: GpuletID,
        siblings: Int32,
        width: Int32 = 0,
        batchLimit: Int32
    ) {
        self.instance = instance
        self.lane = lane
        self.model = model
        self.gpulet = gpulet
        self.siblings = siblings
        self.width = width
        self.batchLimit = batchLimit
    }
}
