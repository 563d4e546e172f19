package import ServingDomain

/// Decides which batch starts where, now; who waits; who is not admitted.
///
/// A policy sees the state and the forecast and changes neither. Ties fall to the lowest number;
/// of equal lanes the one furthest behind its planned rate goes first.
package protocol DispatchPolicy: Sendable {
    /// How the queues are to be ordered; asked once.
    var order: QueueOrder { get }

    /// What the policy wants of the forecast; asked once.
    var forecastOptions: ForecastOptions { get }

    /// Why `arrival` is not to be admitted; nil = it is. Bounds and states of models are the
    /// core's business and have been looked at already.
    func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal?

    /// The last point at which it makes sense to start `request`: after it the request is
    /// hopeless and is dropped, by a timer. `distantFuture` = it always does.
    func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant

    /// The next thing to do. Asked again after each but `hold`.
    mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice
}

extension DispatchPolicy {
    /// Latencies only.
    package var forecastOptions: ForecastOptions { .plain }
}

/// What a policy wants to happen next.
package enum Choice: Hashable, Sendable {
    /// Start a batch.
    case start(Launch)
    /// Go on with the next stage of a paused batch.
    case resume(BatchID, Stage)
    /// Drop the request at this slot: it is hopeless (the core looks at it once more).
    case giveUp(slot: Int32)
    /// Don't look at a queue before this point, unless it grows.
    case park(QueueID, until: Instant)
    /// The same, but growing alone is no reason to look: only `size` requests are, or a new head.
    case gather(QueueID, size: Int32, until: Instant)
    /// Nothing more to start; ask again at this point at the latest.
    case hold(until: Instant?)
}

/// A batch to start: `count` requests of a queue in policy order, after the first `skip`.
package struct Launch: Hashable, Sendable {
    /// Where.
    package var lane: LaneID
    /// Of which queue.
    package var queue: QueueID
    /// How many requests at the head stay.
    package var skip: Int32 = 0
    /// How many requests behind them go.
    package var count: Int32
    /// The first stage.
    package var stage: Stage = .whole
    /// The lane thread refuses to begin after this point.
    package var latest: Instant = .distantFuture
    /// When it should end; nil = not known.
    package var expected: Instant?

    /// Creates a launch of whole batches.
    package init(lane: LaneID, queue: QueueID, count: Int32) {
        self.lane = lane
        self.queue = queue
        self.count = count
    }
}

extension DispatchState {
    /// The first requests of `queue` that may share a batch of at most `limit` items.
    ///
    /// They have the shape of the head and stand before any other shape. The head goes even if
    /// it alone is larger.
    /// - Returns: How many requests, and the sum of their items.
    package func prefix(
        of queue: QueueID,
        limit: Int32
    ) -> (count: Int32, items: Int32) {
        prefix(from: head(of: queue), limit: limit)
    }

    /// The same for those of a queue from `first` on.
    package func prefix(from first: Int32, limit: Int32) -> (count: Int32, items: Int32) {
        var slot = first
        guard slot >= 0 else { return (0, 0) }
        let shape = requests[Int(slot)].shape
        var items = requests[Int(slot)].items
        var count: Int32 = 1
        guard items < limit else { return (count, items) }
        slot = waiting.next(after: slot)
        while slot >= 0, requests[Int(slot)].shape == shape,
            requests[Int(slot)].items <= limit - items
        {
            items += requests[Int(slot)].items
            count += 1
            slot = waiting.next(after: slot)
        }
        return (count, items)
    }

    /// Whether `left` is to be preferred to `right` for one and the same request.
    package func isFurtherBehind(_ left: LaneID, than right: LaneID, at now: Instant) -> Bool {
        let first = lanes[left.position].arrears(at: now)
        let second = lanes[right.position].arrears(at: now)
        return first == second ? left < right : first > second
    }
}
