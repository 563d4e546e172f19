import ServingDomain

/// Lanes come before those that they replace, and go after.
extension ServerCore {
    /// Gives an open gpulet its slots, and the lanes and instances that it lacks; takes nothing.
    mutating func extend(
        _ gpulet: GpuletID,
        by layout: Plan.GpuletLayout,
        _ actions: inout ActionBuffer
    ) {
        state.gpulets[gpulet.position].slots = layout.slots
        state.gpulets[gpulet.position].dutyCycle = layout.dutyCycle
        state.judge(gpulet)
        for placement in layout.lanes { apply(placement, on: gpulet, &actions) }
    }

    /// Loads the lanes that a gpulet will have once its units have changed. They sleep till then.
    mutating func prepare(
        _ gpulet: GpuletID,
        for layout: Plan.GpuletLayout,
        _ actions: inout ActionBuffer
    ) {
        guard state.gpulets[gpulet.position].state == .open else { return }
        for placement in layout.lanes where lane(of: placement, on: gpulet) == nil {
            guard isServing(placement.model), let spec = state.specs[placement.model.position],
                let lane = newLane(placement, spec, on: gpulet, units: layout.units)
            else { continue }
            state.lanes[lane.position].isDormant = true
            settle(placement, spec, on: lane, units: layout.units, slots: layout.slots)
            adjustInstances(of: lane, &actions)
        }
    }

    private mutating func apply(
        _ placement: Plan.LanePlacement,
        on gpulet: GpuletID,
        _ actions: inout ActionBuffer
    ) {
        guard isServing(placement.model), let spec = state.specs[placement.model.position],
            case let record = state.gpulets[gpulet.position],
            let lane = lane(of: placement, on: gpulet)
                ?? newLane(placement, spec, on: gpulet, units: record.units)
        else { return }
        wake(lane)
        settle(placement, spec, on: lane, units: record.units, slots: record.slots)
        adjustInstances(of: lane, &actions)
    }

    /// Gives a lane its limits. One that a scaler has settled keeps them, unless its units, its
    /// ceilings or the planned setting changed (then the scaler begins anew from the plan).
    /// Without a scaler, instances that there are stay until the rollout trims them.
    private mutating func settle(
        _ placement: Plan.LanePlacement,
        _ spec: ModelSpec,
        on lane: LaneID,
        units: Int32,
        slots: Int32
    ) {
        let old = state.lanes[lane.position]
        let most = min(state.limits.instancesPerLane, Int32(DispatchState.seatsPerLane))
        var new = old
        new.plannedBatch = min(placement.batchLimit, min(spec.maxBatch, state.limits.batchItems))
        new.plannedInstances = min(placement.instances, most)
        new.plannedUnits = min(units, placement.width ?? units)
        new.batchCeiling = min(spec.maxBatch, state.limits.batchItems)
        new.instanceCeiling = min(
            max(spec.instanceLimit, new.plannedInstances),
            min(max(slots, new.plannedInstances), most)
        )
        new.milliRate = placement.milliRate
        new.since = now
        new.served = 0
        let isSettled =
            scaler.ownsLanes && old.wanted > 0 && old.plannedUnits == new.plannedUnits
            && old.batchCeiling == new.batchCeiling && old.instanceCeiling == new.instanceCeiling
            && (old.isPlanned(as: new) || new.isPlannedAsSettled)
        if !isSettled {
            let kept = scaler.ownsLanes ? 0 : min(old.wanted, old.ready + old.starting)
            new.batchLimit = new.plannedBatch
            new.wanted = max(kept, new.plannedInstances)
            new.active = .max
            new.followsSettled = old.followsSettled || hasSettled(placement.model)
            scaler.laneChanged(lane, at: now)
        }
        state.lanes[lane.position] = new
        if !isSettled { state.list(lane) }
    }

    /// Whether a scaler has found a setting for `model` on any lane, which then went into the plan.
    private func hasSettled(_ model: ModelID) -> Bool {
        guard scaler.ownsLanes else { return false }
        var lane = state.models[model.position].firstLane
        while lane >= 0 {
            if scaler.settled(LaneID(lane)) != nil { return true }
            lane = state.lanes[Int(lane)].nextOfModel
        }
        return false
    }

    func isServing(_ model: ModelID) -> Bool {
        isKnown(model) && state.models[model.position].state == .serving
    }

    // MARK: Sleep

    /// Lets a lane take batches.
    mutating func wake(_ lane: LaneID) {
        guard state.lanes[lane.position].isDormant else { return }
        state.lanes[lane.position].isDormant = false
        chooseFastest(state.lanes[lane.position].model)
        state.list(lane)
    }

    /// Lets the sleeping lanes take over whose models are about to lose one on `gpulet`.
    mutating func wakeSuccessors(of gpulet: GpuletID) {
        var lane = state.gpulets[gpulet.position].firstLane
        while lane >= 0 {
            var other = state.models[state.lanes[Int(lane)].model.position].firstLane
            while other >= 0 {
                if state.lanes[Int(other)].gpulet != gpulet { wake(LaneID(other)) }
                other = state.lanes[Int(other)].nextOfModel
            }
            lane = state.lanes[Int(lane)].nextOfGpulet
        }
    }

    // MARK: Trimming

    /// Whether `gpulet` has lanes or instances that `layout` has not.
    func hasMore(_ gpulet: GpuletID, than layout: Plan.GpuletLayout) -> Bool {
        var lane = state.gpulets[gpulet.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if record.wanted > allowed(record, in: layout) { return true }
            lane = record.nextOfGpulet
        }
        return false
    }

    /// The instances that `layout` has of a lane; a scaler's lanes may keep what they have.
    private func allowed(_ lane: LaneRecord, in layout: Plan.GpuletLayout) -> Int32 {
        guard layout.lanes.contains(where: { lane.isSeat(of: $0) }) else { return 0 }
        return scaler.ownsLanes ? .max : lane.plannedInstances
    }

    /// Takes the lanes and instances away that `layout` has not.
    mutating func trim(
        _ gpulet: GpuletID,
        to layout: Plan.GpuletLayout,
        _ actions: inout ActionBuffer
    ) {
        var lane = state.gpulets[gpulet.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            let wanted = allowed(record, in: layout)
            if record.wanted > wanted, isServing(record.model),
                wanted > 0 || !isLastHope(LaneID(lane))
            {
                state.lanes[Int(lane)].wanted = wanted
                adjustInstances(of: LaneID(lane), &actions)
            }
            lane = record.nextOfGpulet
        }
    }

    /// Whether the lane that was to follow could not be loaded, and nothing else is ready but on
    /// gpulets that go as well.
    func isLastHope(_ lane: LaneID, besides going: [GpuletID] = []) -> Bool {
        let model = state.lanes[lane.position].model
        var hasFailed = false
        var other = state.models[model.position].firstLane
        while other >= 0 {
            let record = state.lanes[Int(other)]
            if other != lane.index, record.ready > 0, !going.contains(record.gpulet) {
                return false
            }
            if other != lane.index, record.failed > 0 { hasFailed = true }
            other = record.nextOfModel
        }
        return hasFailed || isBarred(model)
    }

    // MARK: Failures

    /// Frees the lanes whose instances could not be started, so that the next layout tries them
    /// anew. Those whose instances died too often stay as they are.
    mutating func dropDeadLanes() {
        for place in state.lanes.indices where isDead(state.lanes[place]) {
            state.lanes[place].wanted = 0
            freeLaneIfEmpty(LaneID(Int32(place)))
        }
    }

    /// Whether some lane waits to be tried anew.
    var hasDeadLanes: Bool { state.lanes.indices.contains { isDead(state.lanes[$0]) } }

    /// Whether a lane has no instance since none could be started.
    func isDead(_ lane: LaneRecord) -> Bool {
        lane.exists && lane.wanted > 0 && lane.failed > 0 && lane.instances == 0
            && lane.died < state.limits.abandonedInstances && isServing(lane.model)
    }

    /// Takes all instances of a gpulet away.
    mutating func stopLanes(of gpulet: GpuletID, _ actions: inout ActionBuffer) {
        var lane = state.gpulets[gpulet.position].firstLane
        while lane >= 0 {
            let next = state.lanes[Int(lane)].nextOfGpulet
            state.lanes[Int(lane)].wanted = 0
            adjustInstances(of: LaneID(lane), &actions)
            lane = next
        }
    }
}
