package import ServingDomain

/// What the core keeps about one request, at the place that is its slot's number.
package struct RequestRecord: Sendable {
    /// Where a request is. It is in one place at a time.
    package enum State: UInt8, Sendable {
        /// Not in the core; goes to `waiting`.
        case free
        /// In its queue; goes to `running`, or ends.
        case waiting
        /// In a batch; ends, or goes back to `waiting` when nothing has run.
        case running
    }

    /// Where the request is.
    package internal(set) var state = State.free
    /// Whether its time in the queue was up and its queue only delays such requests.
    package internal(set) var delayed = false
    /// Its class.
    package internal(set) var priority = PriorityClass.low
    /// Which use of the slot it is.
    package internal(set) var generation: UInt32 = 0
    /// The model it asks for.
    package internal(set) var model = ModelID(0)
    /// Its priority level, 1 the highest.
    package internal(set) var level: Int32 = 1
    /// The items that it brings.
    package internal(set) var items: Int32 = 1
    /// The key of its shapes.
    package internal(set) var shape = ShapeKey(0)
    /// When it came.
    package internal(set) var arrival = Instant.zero
    /// Its deadline; `distantFuture` = none.
    package internal(set) var deadline = Instant.distantFuture
    /// When its client gives up; `distantFuture` = never.
    package internal(set) var timeout = Instant.distantFuture
    /// When its queue's policy gives up; `distantFuture` = never.
    package internal(set) var queueTimeout = Instant.distantFuture
    /// Its number among all arrivals.
    package internal(set) var sequence: Int64 = 0
    /// The batch that it is in, and its neighbours there; -1 = none.
    var batch: Int32 = -1, next: Int32 = -1, previous: Int32 = -1

    /// Makes it one of the requests of `batch`, behind `last`.
    mutating func board(_ batch: Int32, behind last: Int32) {
        state = .running
        self.batch = batch
        previous = last
        next = -1
    }

    /// Frees the record of a request that is answered; its neighbours are of no more use.
    mutating func leave() {
        state = .free
        batch = -1
    }

    /// The name that the driver knows it by, at `slot`.
    package func id(at slot: Int32) -> RequestID {
        RequestID(slot: slot, generation: generation)
    }
}
