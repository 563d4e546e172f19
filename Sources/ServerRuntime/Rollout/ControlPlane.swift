import Logging
import Planning
import ServerCore
import ServingDomain
import Synchronization

/// Carries out the core's slow orders on the control thread: plans, rollout steps, instances.
final class ControlPlane: Sendable {
    private let driver: CoreDriver
    private let registry: ModelRegistry
    private let planner: any Planner
    private let board: PlanBoard
    private let units: Mutex<UnitAllocator>
    private let knowledge: (any ModelKnowledge)?
    private let logger: Logger

    init(
        driver: CoreDriver,
        registry: ModelRegistry,
        planner: any Planner,
        board: PlanBoard,
        units: UnitAllocator,
        knowledge: (any ModelKnowledge)? = nil,
        logger: Logger
    ) {
        self.driver = driver
        self.registry = registry
        self.planner = planner
        self.board = board
        self.units = Mutex(units)
        self.knowledge = knowledge
        self.logger = logger
    }

    /// Does one thing; called by the control thread only.
    func carryOut(_ item: ControlQueue.Item) {
        switch item {
        case .order(.plan(let epoch, let inputs)): plan(epoch, inputs)
        case .order(.step(let epoch, let step)):
            let done = units.withLock { $0.carryOut(step) }
            if !done {
                logger.error("a rollout step found its units taken, the old layout stays: \(step)")
                driver.counters.count { $0.rolloutsFailed += 1 }
            }
            if done, case .pin(let gpulet, _) = step { moveLanes(on: gpulet) }
            driver.post(done ? .stepDone(epoch, step) : .stepFailed(epoch, step))
        case .order(.start(let order)): start(order)
        case .order(.stop(let instance)): driver.lane(instance)?.stop()
        case .order(.abandon(let instance)): abandon(instance)
        case .order(.tellOfMemory):
            driver.counters.count { $0.memoryWaits += 1 }
            logger.warning(
                """
                an instance of the new layout waits for memory: its device can't hold it beside \
                what is there, so old lanes go first and their models may refuse for a moment; \
                lower batch.limit or serve fewer models if this lasts
                """
            )
        case .ended(let instance, let model, let end): ended(instance, model, end)
        case .retired(let model):
            if let seat = registry.seat(model) { freeIfGone(seat) }
        case .stop: break
        }
    }

    private func plan(_ epoch: Epoch, _ inputs: PlanInputs) {
        let began = MonotonicTime.now()
        do throws(PlanError) {
            let plan = try planner.plan(inputs)
            driver.counters.count {
                $0.plans += 1
                $0.planning = $0.planning + (MonotonicTime.now() - began)
            }
            board.note(epoch, inputs, plan)
            driver.post(.planReady(epoch, plan))
        } catch {
            driver.counters.count {
                $0.plansRefused += 1
                $0.planning = $0.planning + (MonotonicTime.now() - began)
            }
            board.note(epoch, failure: error.message)
            logger.error("planning failed, the old plan stays: \(error.message)")
            driver.post(.planFailed(epoch))
        }
    }

    private func start(_ order: InstanceOrder) {
        guard let seat = registry.seat(order.model), let ordinal = seat.instanceStarts() else {
            return driver.post(.instanceGone(order.instance, .stopped))
        }
        let seated = units.withLock { $0.placement(of: order, ordinal: ordinal) }
        guard var place = seated else {
            seat.instanceFailed("its gpulet holds no units")
            return driver.post(.instanceGone(order.instance, .failed))
        }
        let memory = seat.servable.spec.profile(on: place.device.kind)?.memory
        // Weights alone are no limit: nobody knows what batches take beside them.
        if let memory, !memory.workspace.isEmpty {
            place.memoryMiB = (memory.kib(batch: order.batchLimit, instances: 1) + 1_023) / 1_024
        }
        let lane = LaneThread(
            order,
            servable: seat.servable,
            placement: place,
            ordinal: ordinal,
            driver: driver
        )
        driver.add(lane)
        guard lane.start() else { return failed(lane, seat, "the system has no thread left") }
        let begun = SystemThread.start(
            "load-\(order.instance.index)",
            urgency: seat.isWaitedFor ? .normal : .background
        ) { [self] in
            warm(lane, on: seat, order)
        }
        if !begun { failed(lane, seat, "the system has no thread left") }
    }

    private func warm(_ lane: LaneThread, on seat: ModelSeat, _ order: InstanceOrder) {
        do throws(EngineError) {
            let place = lane.placement
            let (instance, points) = try warmInstance(at: place, of: seat, order)
            lane.begin(instance)
            driver.post(.instanceReady(lane.id, points))
            // The core may have stopped it at once, and its lane may have ended by now.
            if seat.instanceIsReady() { driver.control.add(.retired(seat.id)) }
            keep(points, seat, place)
        } catch {
            failed(lane, seat, error.message)
            if error.kind == .deviceLost { driver.lost(lane.placement.device, error.message) }
        }
    }

    /// Makes an instance and runs the batch sizes that will be used. Of siblings that are warmed at
    /// a time one is measured: each would see the others' runs, and the rows are the same.
    private func warmInstance(
        at place: Placement,
        of seat: ModelSeat,
        _ order: InstanceOrder
    ) throws(EngineError) -> (any EngineInstance, [LatencySurface.Point]) {
        let row = ModelSeat.Row(
            kind: place.device.kind,
            units: place.ratedUnits,
            batchLimit: order.batchLimit
        )
        let known = known(row, of: seat, on: place.device)
        let measures = known == nil && seat.beginsMeasuring(row)
        defer { if measures { seat.endsMeasuring(row) } }
        let warmUp = WarmUp(
            signature: seat.servable.signature,
            batchLimit: order.batchLimit,
            extra: seat.warmups,
            units: row.units,
            aim: known ?? (measures ? .measure : .accompany)
        )
        return try ClassUrgency.loading { () throws(EngineError) in
            let instance = try seat.loaded.makeInstance(place)
            return (instance, try warmUp.run(instance))
        }
    }

    /// What a warm-up has to check of a row that was measured; nil where it was not.
    private func known(
        _ row: ModelSeat.Row,
        of seat: ModelSeat,
        on device: DeviceSpec
    ) -> WarmUp.Aim? {
        guard let spec = driver.spec(of: seat.id),
            spec.isMeasured(on: row.kind, units: row.units),
            let surface = spec.surface(on: row.kind),
            let oneItem = surface.latency(batch: 1, units: row.units)
        else { return nil }
        // Where guesses are made, a measured row holds guesses of larger batches, too.
        let hasGuesses =
            knowledge != nil && !seat.loaded.profiles.contains { $0.kind == row.kind }
        let largest =
            hasGuesses
            ? knowledge?.largestMeasured(of: seat.artifact, on: device, units: row.units)
            : surface.largestBatch(units: row.units)
        return .check(oneItem: oneItem, largest: largest ?? 1)
    }

    /// Keeps measurements that hold for the next start: those of instances that share their units
    /// with no other of their lane.
    private func keep(_ points: [LatencySurface.Point], _ seat: ModelSeat, _ place: Placement) {
        guard !points.isEmpty, place.own.count == place.units.count else { return }
        knowledge?.keep(points, of: seat.artifact, on: place.device)
    }

    // MARK: Other units

    /// Moves the instances of a gpulet to the units that it has now. Threads are pinned before the
    /// next batch; an instance that has another number of units now is made anew beside the
    /// serving one and takes over when it is warm.
    private func moveLanes(on gpulet: GpuletID) {
        for lane in driver.lanes(on: gpulet) {
            let old = lane.placement
            let next = units.withLock { $0.placement(of: lane.order, ordinal: lane.ordinal) }
            guard let next, next != old else { continue }
            lane.move(to: next)
            guard next.width != old.width, let seat = registry.seat(lane.order.model) else {
                continue
            }
            SystemThread.start("load-\(lane.id.index)", urgency: .background) { [self] in
                renew(lane, at: next, seat)
            }
        }
    }

    private func renew(_ lane: LaneThread, at place: Placement, _ seat: ModelSeat) {
        do throws(EngineError) {
            let (instance, points) = try warmInstance(at: place, of: seat, lane.order)
            // Another move may have come meanwhile; it makes an instance of its own.
            guard lane.placement == place else { return }
            lane.move(to: place, instance)
            if !points.isEmpty, !seat.servable.tenure.isOver {
                driver.post(.measured(lane.order.model, kind: place.device.kind, points))
            }
            keep(points, seat, place)
        } catch {
            let name = seat.servable.spec.name
            logger.warning(
                """
                an instance of '\(name)' keeps its old number of threads on \(place.width) \
                units: \(error.message)
                """
            )
        }
    }

    private func failed(_ lane: LaneThread, _ seat: ModelSeat, _ reason: String) {
        let name = seat.servable.spec.name
        logger.error("an instance of model '\(name)' could not start: \(reason)")
        lane.begin(nil)
        driver.forget(lane)
        driver.post(.instanceGone(lane.id, .failed))
        seat.instanceFailed(reason)
        freeIfGone(seat)
    }

    private func ended(_ instance: InstanceID, _ model: ModelID, _ end: InstanceEnd) {
        driver.post(.instanceGone(instance, end))
        guard let seat = registry.seat(model) else { return }
        if seat.instanceStopped(instance) {
            driver.counters.count { $0.hungInstances -= 1 }
            logger.warning(
                """
                an engine call of model '\(seat.servable.spec.name)' that was given up has come \
                back; its result is thrown away, its memory is free again
                """
            )
        }
        freeIfGone(seat)
    }

    /// Leaves an instance to itself: its thread ends when the engine call comes back.
    private func abandon(_ instance: InstanceID) {
        guard let lane = driver.lane(instance), let seat = registry.seat(lane.servable.id) else {
            return
        }
        let count = seat.instanceIsAbandoned(instance)
        driver.counters.count {
            $0.abandonedInstances += 1
            $0.hungInstances += 1
        }
        lane.abandon()
        let limits = driver.limits
        let next =
            count < limits.abandonedInstances
            ? "another takes its place where memory allows it"
            : "no further one is started until one of these \(count) comes back; restart the "
                + "server if none does"
        logger.error(
            """
            an engine call of model '\(seat.servable.spec.name)' on \(lane.placement.device.name) \
            did not end \(limits.graceSeconds) s after the watchdog's \(limits.watchdogSeconds) s; \
            its instance is given up and keeps its memory: \(next)
            """
        )
    }

    private func freeIfGone(_ seat: ModelSeat) {
        guard seat.isGone else { return }
        registry.free(seat)
        // Weights are given back on a thread that gives way: unmapping 100 MB takes milliseconds.
        SystemThread.start("free-\(seat.id.index)", urgency: .background) { _ = seat.loaded }
    }
}
