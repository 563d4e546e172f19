import ServerCore
import ServingDomain

/// What is to be done once the core's lock is open again, with every name looked up.
///
/// Empty arrays take no memory, so the usual arrival (one lane to wake) allocates nothing.
struct Deeds: Sendable {
    /// A request's end, with what the counters want to know.
    struct End: Sendable {
        var exchange: any InferenceExchange
        var ending: Ending
        var outcome: Outcome
        var servable: Servable
        var arrival: Instant
        var level: Int32
        var items: Int32
        var hasDeadline: Bool
        /// The times of its batch, when it brings a result.
        var times: StageTimes?
    }

    /// Lanes whose mailbox was filled, in order.
    var launches: [LaneThread] = []
    /// The first of them, kept out of the array.
    var firstLaunch: LaneThread?
    /// Lanes whose low batches are to go before other low ones.
    var hastened: [LaneThread] = []
    /// Batches that nobody waits for any more.
    var terminations: [(lane: LaneThread, batch: BatchID)] = []
    /// Requests that ended.
    var ends: [End] = []
    /// Orders for the control thread.
    var control: [ControlOrder] = []
    /// What the timer is to wait for now.
    var wake: Instant?
    /// The number of the event that `wake` was known after.
    var sequence: UInt64 = 0
    /// Whether a lane's own report filled its mailbox again; no ring comes for that. It stays
    /// when the rest is removed: the lane asks for it afterwards.
    var hasEarnedNext = false

    mutating func launch(_ lane: LaneThread) {
        if firstLaunch == nil { firstLaunch = lane } else { launches.append(lane) }
    }

    mutating func removeAll() {
        firstLaunch = nil
        launches.removeAll(keepingCapacity: true)
        hastened.removeAll(keepingCapacity: true)
        terminations.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
        control.removeAll(keepingCapacity: true)
    }
}

/// Orders that take time, carried out in turn by the control thread.
enum ControlOrder: Sendable {
    case plan(Epoch, PlanInputs)
    case step(Epoch, RolloutStep)
    case start(InstanceOrder)
    case stop(InstanceID)
    case abandon(InstanceID)
    /// An instance waits for memory, which none did before.
    case tellOfMemory
}

/// What an event brings along that its orders may need.
struct EventContext: Sendable {
    /// The times of the batch whose requests are replied to.
    var times: StageTimes?
    /// Why a batch failed.
    var failure: String?

    static let none = EventContext()
}
