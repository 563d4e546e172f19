package import ServingDomain

/// What the core keeps about one model for decisions; what it rarely needs is in its spec.
package struct ModelRecord: Sendable {
    /// Where a model stands.
    package enum State: UInt8, Sendable {
        /// The place is not in use; goes to `serving`.
        case free
        /// Known; requests are admitted when an instance is ready. Goes to `removing`.
        case serving
        /// Nothing is admitted, what waits is finished; goes to `free`.
        case removing
    }

    /// Where the model stands.
    package internal(set) var state = State.free
    /// Whether requests of different clients may share a batch.
    package internal(set) var dynamic = true
    /// Whether replies keep the order of arrival.
    package internal(set) var preservesOrder = false
    /// How long `fifo` may hold a batch back.
    package internal(set) var maxDelay = TimeSpan.zero
    /// How many priority levels its requests may name.
    package internal(set) var levels: Int32 = 1
    /// Requests that wait.
    package internal(set) var waiting: Int32 = 0
    /// Batches that are in the core.
    package internal(set) var batches: Int32 = 0
    /// Instances that can run a batch.
    package internal(set) var ready: Int32 = 0
    /// Instances that are being loaded.
    package internal(set) var starting: Int32 = 0
    /// Instances that are to stop and have not gone.
    package internal(set) var stopping: Int32 = 0
    /// Arrivals per second.
    package internal(set) var rate = RateMeter()
    /// The first of its lanes, ascending by number; -1 = none.
    var firstLane: Int32 = -1
    /// Its batches whose replies keep order; -1 = none.
    var firstInOrder: Int32 = -1, lastInOrder: Int32 = -1

    /// Instances that exist in any state.
    package var instances: Int32 { ready + starting + stopping }
}

/// The rules of one level's queue, and how many wait there.
struct LevelRecord: Sendable {
    /// The rules as the spec states them.
    var rules = QueueRules.standard
    /// Requests that wait at this level.
    var waiting: Int32 = 0
}

/// The waiting requests of one model and class.
package struct QueueRecord: Sendable {
    /// The requests by policy order; nodes are request slots.
    package internal(set) var tree = OrderedForest.Tree()
    /// Whether the policy does not want to look at it before a stated time.
    package internal(set) var parked = false
    /// How many requests end that early; 0 = any more than now.
    var awaited: Int32 = 0
}

/// One queue: a model and a class. Under `QueueOrder.arrival` all requests are in class high's.
package struct QueueID: DenseIdentifier {
    package let index: Int32
    package init(_ index: Int32) { self.index = index }

    /// The queue of `model` for `priority`.
    package init(_ model: ModelID, _ priority: PriorityClass) {
        index = model.index * 2 + Int32(priority.rawValue)
    }

    /// The model.
    package var model: ModelID { ModelID(index >> 1) }
    /// The class.
    package var priority: PriorityClass { index & 1 == 0 ? .high : .low }
}
