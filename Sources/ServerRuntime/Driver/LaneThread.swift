import Logging
import ServerCore
import ServingDomain
import Synchronization

/// One instance and the thread that runs its batches, one at a time.
///
/// The mailbox has one place. The core never launches on an instance that is busy, so the place
/// is free whenever it is filled (under the core's lock), and only the lane reads it, after the
/// doorbell has rung or after its own report earned it the next batch; no lock of its own is
/// needed. It never looks without being told: an idle lane's mailbox may just be being filled.
final class LaneThread: @unchecked Sendable {
    // Safe: `mailbox`, `seat`, `stance`, `instance`, `staged` and `deeds` are touched by one thread
    // at a time, in the order that the core's lock and the doorbell give; all else is immutable or
    // locked.

    /// One request of a batch.
    struct Passenger {
        var exchange: any InferenceExchange
        var items: Int32
    }

    /// The one launch that waits or runs.
    struct Mailbox {
        var order: LaunchOrder?
        var passengers: [Passenger] = []
        var shapes: InputShapes?
        /// Set when a hash collision put requests of unequal shapes together.
        var shapesDiffer = false
        /// Whether the batch is of class high.
        var isHigh = false
    }

    private struct Progress {
        var running: BatchID?
        var condemned: BatchID?
    }

    /// What is to change before the next batch.
    private struct Move {
        var placement: Placement
        /// In place of the present instance; nil = that one, on other units.
        var instance: (any EngineInstance)?
    }

    let id: InstanceID
    let servable: Servable
    /// The order that it was started by.
    let order: InstanceOrder
    /// Its place among the instances of its model when it started.
    let ordinal: Int
    private let place: Mutex<Placement>
    private let move = Mutex<Move?>(nil)
    private let isToMove = Atomic<Bool>(false)
    var mailbox = Mailbox()
    private(set) var instance: (any EngineInstance)?
    /// How its present run goes; others may raise that.
    let runPace = RunPace()
    private var scatterer: Scatterer
    /// The batch between two of its stages; nil when there is none, or the core has given it up.
    private var staged: StagedBatch?
    /// The times of a batch in stages that has just ended.
    private var inAll: StageTimes?
    private let progress = Mutex(Progress())
    private let bell = Doorbell()
    private let beginning = Doorbell()
    private let stopping = Atomic<Bool>(false)
    /// The cores that the batch in the mailbox was given; taken and given back under the core's
    /// lock.
    var seat = CoreSeat()
    /// The thread's alone until `hasBegun`.
    var stance = LaneStance()
    private let hasBegun = Atomic<Bool>(false)
    /// Whether the core goes on without it: nothing that it still brings is wanted.
    private let abandoned = Atomic<Bool>(false)
    let driver: CoreDriver

    init(
        _ order: InstanceOrder,
        servable: Servable,
        placement: Placement,
        ordinal: Int,
        driver: CoreDriver
    ) {
        id = order.instance
        self.order = order
        self.servable = servable
        self.ordinal = ordinal
        place = Mutex(placement)
        self.driver = driver
        scatterer = Scatterer(signature: servable.signature)
    }

    // MARK: Orders (any thread)

    /// Starts the thread, which waits for its instance. False: the system had no thread.
    ///
    /// A thread runs as eagerly as the one that starts it, and few processes can change that for
    /// the better: never to be called on a thread that loads or warms.
    func start() -> Bool { SystemThread.start("lane-\(id.index)") { [self] in run() } }

    /// Hands the thread its instance, loaded and warm, which it owns from now on; nil: there is
    /// none, and the thread ends.
    func begin(_ instance: (any EngineInstance)?) {
        self.instance = instance
        beginning.ring()
    }

    /// Says that the mailbox has been filled. The thread is put on its cores while it sleeps: one
    /// that had to wake up first would wait for the core that it had the last time.
    func wake() {
        if hasBegun.load(ordering: .acquiring) { sit(on: seat.cores) }
        bell.ring()
    }

    /// What a batch may be given cores of: the cores, how many, and those of the batch before;
    /// nil where the system finds cores for itself.
    var seating: (cores: [Int32], width: Int, last: ArraySlice<Int32>)? {
        let placement = placement
        guard placement.width < placement.own.count, computesHere else { return nil }
        let last = hasBegun.load(ordering: .acquiring) ? stance.cores : []
        return (placement.own, placement.width, last)
    }

    /// Whether another thread may run the batch in the mailbox, and it should take less than `span`
    /// by the forecast.
    func isShort(below span: TimeSpan) -> Bool {
        guard let order = mailbox.order, let expected = order.expected, let instance,
            !instance.needsItsThread
        else { return false }
        return expected - MonotonicTime.now() < span
    }

    /// Where its instance sits, or will from its next batch on.
    var placement: Placement { place.withLock { $0 } }

    /// Moves the instance to other units before its next batch; with `instance` that one takes
    /// over there, loaded and warm.
    func move(to placement: Placement, _ instance: (any EngineInstance)? = nil) {
        place.withLock { $0 = placement }
        move.withLock { move in
            // A new instance that has not taken over yet moves on.
            move = Move(placement: placement, instance: instance ?? move?.instance)
        }
        isToMove.store(true, ordering: .releasing)
    }

    /// Ends the thread once it is idle.
    func stop() {
        stopping.store(true, ordering: .releasing)
        bell.ring()
    }

    /// Ends the thread once its engine call comes back, whose results are thrown away.
    func abandon() {
        abandoned.store(true, ordering: .releasing)
        stop()
    }

    /// Ends a batch early, whether it runs or still waits in the mailbox.
    func terminate(_ batch: BatchID) {
        progress.withLock { progress in
            if progress.running == batch {
                instance?.terminate()
            } else {
                progress.condemned = batch
            }
        }
    }

    // MARK: The thread

    private func run() {
        var deeds = Deeds()
        beginning.wait()
        guard instance != nil else { return }
        stance.begin()
        settleIn(placement)
        hasBegun.store(true, ordering: .releasing)
        while true {
            bell.wait()
            // Each ring stands for one filled mailbox, or for `stop`.
            repeat {
                deeds.hasEarnedNext = false
                if isToMove.load(ordering: .acquiring) { moveNow() }
                sit(on: seat.stays ? seat.cores : [])
                if mailbox.order != nil, computesHere, let instance { stance.take(pace, instance) }
                runBatch(&deeds)
            } while deeds.hasEarnedNext
            if stopping.load(ordering: .acquiring) { break }
        }
        // What it gives back may take milliseconds, and nobody waits for that.
        SystemThread.giveWay()
        instance = nil
        driver.laneEnded(self, .stopped)
    }

    /// Whether batches take the processor that this thread runs on; asked by this thread.
    var computesHere: Bool { instance?.computesOnCaller ?? false }

    /// Puts its threads on some of the instance's cores, without any on all of them.
    private func sit(on cores: ArraySlice<Int32>) {
        stance.sit(on: cores, own: placement.own, instance)
    }

    private func settleIn(_ placement: Placement) {
        instance?.beginServing()
        do throws(EngineError) {
            try instance?.pin(placement)
        } catch {
            driver.logger.warning("a lane runs unpinned: \(error.message)")
        }
        stance.settled(instance)
    }

    /// Carries a move out; not between two stages of a batch, whose data the instance holds.
    private func moveNow() {
        guard staged == nil else { return }
        isToMove.store(false, ordering: .relaxed)
        guard let due = move.withLock({ $0.take() }) else { return }
        if let next = due.instance { progress.withLock { _ in instance = next } }
        settleIn(due.placement)
    }

    /// Runs the batch in the mailbox and reports it. Also called by a submitting thread that may
    /// run short batches itself: the lane's own thread waits for its bell meanwhile.
    func runBatch(_ deeds: inout Deeds) {
        guard let order = mailbox.order, let instance else { return }
        let began = MonotonicTime.now()
        guard began <= order.latest else {
            clear()
            return driver.post(.batchRefused(order.batch), from: self, &deeds)
        }
        let condemned = progress.withLock { progress in
            progress.running = order.batch
            return progress.condemned == order.batch
        }
        do throws(EngineError) {
            if condemned { throw EngineError(.terminated, "nobody waits for the batch") }
            let (times, isLast) = try carry(order, by: instance, began: began)
            settle()
            guard isLast else {
                return driver.post(.stageFinished(order.batch, times), from: self, &deeds)
            }
            // Counters speak of the whole batch, the event of its last stage.
            let counted = inAll ?? times
            inAll = nil
            servable.statistics.countBatch(items: order.items, times: counted)
            driver.post(
                .batchFinished(order.batch, times),
                EventContext(times: counted),
                from: self,
                &deeds
            )
        } catch {
            settle()
            driver.post(
                .batchFailed(order.batch),
                EventContext(failure: error.message),
                from: self,
                &deeds
            )
            if error.kind == .deviceLost { driver.lost(placement.device, error.message) }
        }
    }

    /// Runs what was ordered; says when, and whether the batch is done.
    private func carry(
        _ order: LaunchOrder,
        by instance: any EngineInstance,
        began: Instant
    ) throws(EngineError) -> (times: StageTimes, isLast: Bool) {
        guard order.stage == .whole else { return try carryPart(order, by: instance) }
        try board(order, on: instance)
        let runBegan = MonotonicTime.now()
        let known = try perform(.whole, by: instance)
        let runEnded = MonotonicTime.now()
        try checkWanted()
        try scatterer.scatter(mailbox.passengers, items: order.items, from: instance)
        let times =
            known
            ?? StageTimes(
                copyInBegan: began,
                copyInEnded: runBegan,
                runBegan: runBegan,
                runEnded: runEnded,
                copyOutBegan: runEnded,
                copyOutEnded: MonotonicTime.now()
            )
        return (times, true)
    }

    /// Runs one stage of several. Passengers and inputs come with the first, results go with the
    /// last; who has gone meanwhile keeps its rows.
    private func carryPart(
        _ order: LaunchOrder,
        by instance: any EngineInstance
    ) throws(EngineError) -> (times: StageTimes, isLast: Bool) {
        var journey: StagedBatch
        if let begun = staged, begun.batch == order.batch {
            journey = begun
        } else {
            try board(order, on: instance)
            journey = StagedBatch(order, mailbox.passengers, servable.spec, placement.device)
        }
        staged = nil
        let began = MonotonicTime.now()
        let known = try perform(order.stage, by: instance)
        let isLast = journey.plan.isLast(order.stage)
        let times = known ?? StageTimes(order.stage, from: began, to: MonotonicTime.now())
        journey.note(order.stage, times)
        try checkWanted()
        if isLast {
            try scatterer.scatter(journey.passengers, items: order.items, from: instance)
        }
        if isLast { inAll = journey.times } else { staged = journey }
        return (times, isLast)
    }

    private func checkWanted() throws(EngineError) {
        guard abandoned.load(ordering: .acquiring) else { return }
        throw EngineError(.terminated, "the batch came back after it had been given up")
    }

    /// Announces a batch to the engine and copies its inputs in.
    private func board(
        _ order: LaunchOrder,
        on instance: any EngineInstance
    ) throws(EngineError) {
        guard let shapes = mailbox.shapes, !mailbox.shapesDiffer else {
            throw EngineError(.failed, "requests of unequal shapes met in one batch; try again")
        }
        try instance.prepare(items: order.items, shapes: shapes)
        for index in shapes.dims.indices where shapes.dims[index] != nil {
            try gather(input: index, for: instance)
        }
    }

    private func gather(
        input index: Int,
        for instance: any EngineInstance
    ) throws(EngineError) {
        var total = 0
        for passenger in mailbox.passengers {
            total += passenger.exchange.byteCount(input: index)
        }
        let target = try instance.input(index, byteCount: total)
        guard !target.isEmpty else { return }
        var offset = 0
        for passenger in mailbox.passengers {
            let count = passenger.exchange.byteCount(input: index)
            let part = UnsafeMutableRawBufferPointer(rebasing: target[offset..<offset + count])
            passenger.exchange.gather(input: index, into: part)
            offset += count
        }
    }

    /// The batch is over for the engine; the mailbox may be filled again.
    private func settle() {
        progress.withLock { progress in
            progress.running = nil
            progress.condemned = nil
        }
        clear()
    }

    private func clear() {
        mailbox.order = nil
        mailbox.passengers.removeAll(keepingCapacity: true)
        mailbox.shapes = nil
        mailbox.shapesDiffer = false
    }
}
