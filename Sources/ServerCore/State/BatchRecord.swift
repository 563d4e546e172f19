package import ServingDomain

/// What the core keeps about one batch, at the place that is its slot's number.
package struct BatchRecord: Sendable {
    /// Where a batch stands.
    package enum State: UInt8, Sendable {
        /// Not in use; goes to `running`.
        case free
        /// One of its stages is on an instance; goes to `paused`, `finished` or `failed`.
        case running
        /// Between two stages: keeps its instance, not its slot; goes to `running`.
        case paused
        /// Ended with results that have not been sent yet; goes to `free`.
        case finished
        /// Ended without results, which has not been said yet; goes to `free`.
        case failed
    }

    /// Where the batch stands.
    package internal(set) var state = State.free
    /// Which use of the place it is.
    package internal(set) var generation: UInt32 = 0
    /// The lane and the instance that run it.
    package internal(set) var lane = LaneID(0), instance = InstanceID(0)
    /// Whether it is of class high.
    package internal(set) var isHigh = false
    /// Whether it is low and the cores are to take it before other low batches.
    package internal(set) var overtakes = false
    /// Its model.
    package internal(set) var model = ModelID(0)
    /// The items of all its requests, gone ones included.
    package internal(set) var items: Int32 = 0
    /// Its requests that have not ended.
    package internal(set) var count: Int32 = 0
    /// The stage that it runs, or ran last.
    package internal(set) var stage = Stage.whole
    /// When its present stage was launched.
    package internal(set) var launched = Instant.zero
    /// When the first of its requests came.
    package internal(set) var oldest = Instant.zero
    /// What the host took around the stages that have ended.
    package internal(set) var host = TimeSpan.zero
    /// When it should end; `distantFuture` = not known.
    package internal(set) var expected = Instant.distantFuture
    /// Its first and last request; -1 = none.
    var first: Int32 = -1, last: Int32 = -1
    /// Neighbours in the order of launch, for the watchdog; `next` also links free places.
    var next: Int32 = -1, previous: Int32 = -1
    /// Whether the watchdog looks after it.
    var watched = false
    /// Whether its replies wait for those of earlier batches of its model.
    var ordered = false
    /// Neighbours among the batches of a model whose replies keep order.
    var nextInOrder: Int32 = -1, previousInOrder: Int32 = -1

    /// The name that the driver knows it by, at `slot`.
    package func id(at slot: Int32) -> BatchID { BatchID(slot: slot, generation: generation) }
}
