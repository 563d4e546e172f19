package import ServingDomain

/// Moves a lane's batch limit and instances within what the plan allows, window by window.
///
/// The core tells it every lane that is new or was changed by a plan, and every batch that ended.
package protocol Scaler: Sendable {
    /// When it wants to be asked next; nil = never.
    var due: Instant? { get }

    /// Whether lanes belong to it once a plan has placed them: plans then give their ceilings
    /// and their starting point, and leave settled lanes alone.
    var ownsLanes: Bool { get }

    /// A plan opened `lane`, changed its units or ceilings, or took it away.
    mutating func laneChanged(_ lane: LaneID, at now: Instant)

    /// A batch ended. Cost: O(1), no allocation.
    mutating func batchEnded(_ batch: EndedBatch, at now: Instant)

    /// One change, now that the time has come; nil when there is none (left). Asked until nil,
    /// which begins the next window.
    mutating func step(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> ScalingChange?

    /// How it stands with `lane`; nil where it has nothing to say.
    func status(of lane: LaneID) -> ScalingStatus?

    /// What it found out about `lane` for the planner; nil while it still searches.
    func settled(_ lane: LaneID) -> SettledLane?
}

extension Scaler {
    package func settled(_ lane: LaneID) -> SettledLane? { nil }
}

/// One change of a lane.
package enum ScalingChange: Hashable, Sendable {
    /// Batches of at most this many items from now on.
    case batchLimit(LaneID, Int32)
    /// This many instances from now on.
    case instances(LaneID, Int32)
    /// At most this many batches at once; the other instances stand by, loaded and warm.
    case active(LaneID, Int32)
}

/// What a scaler is told of a batch that ended.
package struct EndedBatch: Hashable, Sendable {
    /// The lane that ran it.
    package var lane: LaneID
    /// The seat of its instance in the lane; 0 is the first.
    package var seat: Int32
    /// Its items.
    package var items: Int32
    /// Batches of the lane that ran when it ended, this one included.
    package var running: Int32
    /// When it was launched.
    package var launched: Instant
    /// From the first copy to the last.
    package var latency: TimeSpan
    /// How long its oldest request had waited when it was launched.
    package var waited: TimeSpan
    /// Whether the engine failed; then the latency says nothing.
    package var failed: Bool

    /// Creates the record of one batch.
    package init(
        lane: LaneID,
        seat: Int32 = 0,
        items: Int32,
        running: Int32,
        launched: Instant,
        latency: TimeSpan,
        waited: TimeSpan = .zero,
        failed: Bool = false
    ) {
        self.lane = lane
        self.seat = seat
        self.items = items
        self.running = running
        self.launched = launched
        self.latency = latency
        self.waited = waited
        self.failed = failed
    }
}

/// How a scaler stands with one lane, for people.
public struct ScalingStatus: Hashable, Sendable {
    /// Where it stands.
    public enum Phase: UInt8, Hashable, Sendable {
        /// It measures settings.
        case probing
        /// It searches along its knob.
        case searching
        /// It holds what it found.
        case settled
        /// No setting meets the objective: the lowest latency is served.
        case infeasible
        /// Nothing to steer by: the model has no objective, or one that is not above 0.
        case idle
    }

    /// Where it stands.
    public var phase: Phase
    /// The setting that it wants.
    public var setting: LaneSetting
    /// How many decisions it has made.
    public var decisions: Int
    /// What there is to say in one line; empty = nothing.
    public var note: String

    /// Creates a status.
    public init(phase: Phase, setting: LaneSetting, decisions: Int, note: String = "") {
        self.phase = phase
        self.setting = setting
        self.decisions = decisions
        self.note = note
    }
}

/// The two knobs of a lane.
public struct LaneSetting: Hashable, Sendable {
    /// The most items in a batch.
    public var batch: Int32
    /// Batches that may run at once.
    public var instances: Int32

    /// One item, one instance.
    public static let least = LaneSetting(batch: 1, instances: 1)

    /// Creates a setting.
    public init(batch: Int32, instances: Int32) {
        precondition(batch >= 1 && instances >= 1)
        self.batch = batch
        self.instances = instances
    }
}

/// Leaves all as planned.
package struct NoScaler: Scaler {
    package let due: Instant? = nil
    package let ownsLanes = false

    /// Creates it.
    package init() {}

    package mutating func laneChanged(_ lane: LaneID, at now: Instant) {}
    package mutating func batchEnded(_ batch: EndedBatch, at now: Instant) {}
    package mutating func step(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> ScalingChange? {
        nil
    }
    package func status(of lane: LaneID) -> ScalingStatus? { nil }
}
