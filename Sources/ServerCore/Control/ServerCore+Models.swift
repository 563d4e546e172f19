import ServingDomain

/// Models and their instances come and go.
extension ServerCore {
    // MARK: Models

    mutating func modelAdded(_ spec: ModelSpec) {
        let place = spec.id.position
        guard spec.id.index >= 0, place < state.models.count else { return }
        switch state.models[place].state {
        case .serving: return modelChanged(spec)
        case .removing: return
        case .free: break
        }
        state.models[place] = ModelRecord()
        state.models[place].state = .serving
        state.specs[place] = spec
        takeRules(spec)
        control.needsPlan = true
    }

    mutating func modelChanged(_ spec: ModelSpec) {
        let place = spec.id.position
        guard isKnown(spec.id), state.models[place].state == .serving else { return }
        var spec = spec
        // What was measured stays, unless the change brings something better.
        if spec.surface == nil { spec.surface = state.specs[place]?.surface }
        for known in state.specs[place]?.profiles ?? [] where spec.profile(on: known.kind) == nil {
            spec.set(known)
        }
        if spec.estimates.isEmpty { spec.estimates = state.specs[place]?.estimates ?? [] }
        state.specs[place] = spec
        takeRules(spec)
        forecast.refresh(spec)
        chooseFastest(spec.id)
        var lane = state.models[place].firstLane
        while lane >= 0 {
            state.lanes[Int(lane)].failed = 0
            state.lanes[Int(lane)].died = 0
            lane = state.lanes[Int(lane)].nextOfModel
        }
        control.needsPlan = true
    }

    private mutating func takeRules(_ spec: ModelSpec) {
        let place = spec.id.position
        state.models[place].dynamic = spec.batching.dynamic
        state.models[place].preservesOrder = spec.batching.preserveOrdering
        state.models[place].maxDelay = spec.batching.maxQueueDelay
        let levels = spec.queues.prefix(Int(state.limits.levels))
        state.models[place].levels = Int32(levels.count)
        state.preferredSizes[place] = spec.batching.preferredSizes
        for (level, rules) in levels.enumerated() {
            state.levels[state.levelPlace(spec.id, Int32(level) + 1)].rules = rules
        }
    }

    mutating func modelRemoved(_ model: ModelID) {
        guard isKnown(model), state.models[model.position].state == .serving else { return }
        state.models[model.position].state = .removing
        control.removing.append(model)
    }

    /// Stops the instances of removed models that have no work left, and frees their places.
    mutating func advanceRemovals(_ actions: inout ActionBuffer) {
        var place = 0
        while place < control.removing.count {
            if finishRemoval(of: control.removing[place], &actions) {
                control.removing.remove(at: place)
            } else {
                place += 1
            }
        }
    }

    /// Returns whether nothing of `model` is left.
    private mutating func finishRemoval(
        of model: ModelID,
        _ actions: inout ActionBuffer
    ) -> Bool {
        let record = state.models[model.position]
        guard record.waiting == 0, record.batches == 0 else { return false }
        var lane = record.firstLane
        while lane >= 0 {
            let next = state.lanes[Int(lane)].nextOfModel
            state.lanes[Int(lane)].wanted = 0
            adjustInstances(of: LaneID(lane), &actions)
            lane = next
        }
        guard state.models[model.position].instances == 0 else { return false }
        state.models[model.position].state = .free
        state.specs[model.position] = nil
        control.needsPlan = true
        return true
    }

    /// Ends what waits for a model that has no instance, and none coming.
    mutating func failStranded(_ model: ModelID, _ actions: inout ActionBuffer) {
        let record = state.models[model.position]
        guard record.ready == 0, record.starting == 0, record.waiting > 0,
            !waitsForMemory(model)
        else { return }
        for priority in PriorityClass.allCases {
            while case let slot = state.head(of: QueueID(model, priority)), slot >= 0 {
                state.dequeue(slot)
                actions.append(.reply(state.requests[Int(slot)].id(at: slot), .failed))
                state.forget(slot)
            }
        }
    }

    // MARK: Instances

    mutating func instanceReady(_ id: InstanceID, _ points: [LatencySurface.Point]) {
        guard id.index >= 0, id.position < state.instances.count,
            state.instances[id.position].state == .starting
        else { return }
        let lane = state.instances[id.position].lane
        let model = state.lanes[lane.position].model
        state.instances[id.position].state = .ready
        state.lanes[lane.position].starting -= 1
        state.lanes[lane.position].ready += 1
        state.models[model.position].starting -= 1
        state.models[model.position].ready += 1
        let known = points.filter(\.isSound)
        let device = state.gpulets[state.lanes[lane.position].gpulet.position].device
        if !known.isEmpty { learn(known, of: model, on: state.devices[device.position].kind) }
        chooseFastest(model)
        let seat = UInt64(state.instances[id.position].seat)
        state.lanes[lane.position].idle |= 1 << seat
        state.list(lane)
    }

    /// What was measured beside the serving; nothing for models or kinds that there aren't.
    mutating func measured(_ model: ModelID, _ kind: String, _ points: [LatencySurface.Point]) {
        let known = points.filter(\.isSound)
        guard !known.isEmpty, isKnown(model), state.devices.contains(where: { $0.kind == kind })
        else { return }
        learn(known, of: model, on: kind)
        chooseFastest(model)
    }

    /// Takes over measured latencies: into the profile of the device's kind if there is one.
    private mutating func learn(
        _ points: [LatencySurface.Point],
        of model: ModelID,
        on kind: String
    ) {
        guard var spec = state.specs[model.position] else { return }
        let isNew = points.contains { !spec.isMeasured(on: kind, units: $0.units) }
        if var profile = spec.profile(on: kind) {
            profile.take(points)
            spec.set(profile)
        } else {
            var surface = spec.surface ?? LatencySurface([])
            for point in points { surface.set(point) }
            spec.surface = surface
        }
        state.specs[model.position] = spec
        forecast.refresh(spec)
        // Only what was never known is a reason to plan; the rest the forecast corrects.
        if control.rules?.feedsBack == true, isNew { control.hasNewRows = true }
    }

    mutating func instanceGone(
        _ id: InstanceID,
        _ end: InstanceEnd,
        _ actions: inout ActionBuffer
    ) {
        guard id.index >= 0, id.position < state.instances.count,
            state.instances[id.position].state != .free
        else { return }
        let record = state.instances[id.position]
        if control.isStarved { control.hasNewMemory = true }
        if !control.hung.isEmpty { control.hung.removeAll { $0.instance == id } }
        if record.state == .abandoned { return comeBack(id, &actions) }
        let lane = record.lane.position
        let model = state.lanes[lane].model
        if record.batch >= 0 { close(record.batch, as: .failed) }
        state.unseat(id)
        state.instances[id.position].state = .free
        switch record.state {
        case .ready
        where end == .failed && state.lanes[lane].died < state.limits.abandonedInstances:
            // It served before, so another one may, too.
            state.lanes[lane].died += 1
            return adjustInstances(of: record.lane, &actions)
        case .starting, .ready:
            state.lanes[lane].failed += 1
            if isDead(state.lanes[lane]) { control.noteFailure(at: now) }
        case .stopping, .free, .abandoned: break
        }
        chooseFastest(model)
        freeLaneIfEmpty(record.lane)
        failStranded(model, &actions)
        // What waited for this end (a removal, a retiring gpulet) looks again in step 5.
    }

    /// Starts and stops instances until the lane has as many as it is to have.
    mutating func adjustInstances(of lane: LaneID, _ actions: inout ActionBuffer) {
        let record = state.lanes[lane.position]
        let live = record.ready + record.starting
        if live > record.wanted {
            for _ in 0..<live - record.wanted { stopLastInstance(of: lane, &actions) }
        }
        var missing = record.wanted - live - record.failed
        while missing > 0, startInstance(of: lane, &actions) { missing -= 1 }
        let model = record.model
        chooseFastest(model)
        freeLaneIfEmpty(lane)
        failStranded(model, &actions)
    }

    private mutating func startInstance(of lane: LaneID, _ actions: inout ActionBuffer) -> Bool {
        let record = state.lanes[lane.position]
        let seat = (~record.seated).trailingZeroBitCount
        guard !isBarred(record.model) else { return false }
        guard hasMemory(for: lane) else {
            control.isStarved = true
            return false
        }
        guard seat < min(DispatchState.seatsPerLane, Int(state.limits.instancesPerLane)),
            let id = state.claimInstance(lane, seat: seat)
        else { return false }
        // A scaler may go up to the ceiling without a reload.
        let largest = scaler.ownsLanes ? record.batchCeiling : record.batchLimit
        state.instances[id.position].batchLimit = largest
        state.lanes[lane.position].starting += 1
        state.models[record.model.position].starting += 1
        let order = InstanceOrder(
            instance: id,
            lane: lane,
            model: record.model,
            gpulet: record.gpulet,
            siblings: record.wanted,
            width: record.width,
            batchLimit: largest
        )
        actions.append(.startInstance(order))
        return true
    }

    private mutating func stopLastInstance(of lane: LaneID, _ actions: inout ActionBuffer) {
        let place = lane.position
        let model = state.lanes[place].model
        for seat in (0..<DispatchState.seatsPerLane).reversed() {
            guard state.lanes[place].seated & (1 << UInt64(seat)) != 0 else { continue }
            let id = state.seats[place * DispatchState.seatsPerLane + seat]
            switch state.instances[id.position].state {
            case .starting:
                state.lanes[place].starting -= 1
                state.models[model.position].starting -= 1
            case .ready:
                state.lanes[place].ready -= 1
                state.models[model.position].ready -= 1
            case .free, .stopping, .abandoned: continue
            }
            state.instances[id.position].state = .stopping
            state.lanes[place].stopping += 1
            state.models[model.position].stopping += 1
            state.lanes[place].idle &= ~(1 << UInt64(seat))
            state.list(lane)
            actions.append(.stopInstance(id))
            return
        }
    }

    /// Tells the forecast which lane of `model` is the fastest that can run.
    mutating func chooseFastest(_ model: ModelID) {
        var rows: [Int32] = []
        var lane = state.models[model.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if record.ready > 0, !record.isDormant { rows.append(record.row) }
            lane = state.lanes[Int(lane)].nextOfModel
        }
        forecast.chooseFastest(model: model, among: rows)
    }

    /// Frees a lane that is to go when its last instance has gone.
    mutating func freeLaneIfEmpty(_ lane: LaneID) {
        let record = state.lanes[lane.position]
        guard record.exists, record.wanted == 0, record.instances == 0 else { return }
        forecast.releaseRow(record.row)
        state.freeLane(lane)
    }
}
