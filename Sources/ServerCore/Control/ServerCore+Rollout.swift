import ServingDomain

/// From the layout that stands to the one that is planned.
///
/// Gpulets that keep their units change at once: limits, lanes, instances. The others are tasks:
/// what fits into free units opens first; a gpulet drains only when nothing is being loaded any
/// more, so that new lanes stand before old ones go. Units hold at every step.
extension ServerCore {
    mutating func beginRollout(_ epoch: Epoch, _ plan: Plan, _ actions: inout ActionBuffer) {
        abandonRollout(&actions)
        var tasks: [RolloutTask] = []
        for device in state.devices {
            let layouts = plan.devices.first { $0.device == device.id }?.gpulets ?? []
            let wanted = state.present[device.id.position] ? layouts : []
            tasks += match(wanted, on: device.id, &actions)
        }
        control.rollout = tasks.isEmpty ? nil : Rollout(epoch: epoch, tasks: tasks)
    }

    /// Applies the layouts whose units are there already; the rest becomes tasks.
    private mutating func match(
        _ layouts: [Plan.GpuletLayout],
        on device: DeviceID,
        _ actions: inout ActionBuffer
    ) -> [RolloutTask] {
        var old = state.gpulets.indices.filter {
            state.gpulets[$0].isLive && state.gpulets[$0].device == device
                && state.gpulets[$0].state != .opening
        }.map { GpuletID(Int32($0)) }
        var tasks: [RolloutTask] = []
        var new: [Plan.GpuletLayout] = []
        var kept: [(GpuletID, Plan.GpuletLayout)] = []
        for layout in layouts {
            if let place = bestMatch(for: layout, among: old) {
                kept.append((old.remove(at: place), layout))
            } else {
                new.append(layout)
            }
        }
        for (gpulet, layout) in kept { apply(layout, to: gpulet, &actions) }
        for gpulet in old {
            if new.isEmpty || state.gpulets[gpulet.position].state == .lost {
                tasks.append(.retire(gpulet))
            } else {
                tasks.append(.resize(gpulet, new.removeFirst()))
            }
        }
        return tasks + new.map { .open(device, $0) }
    }

    /// The gpulet of equal units that shares the most models with `layout`; the first of equals.
    private func bestMatch(
        for layout: Plan.GpuletLayout,
        among candidates: [GpuletID]
    ) -> Int? {
        var best: (place: Int, shared: Int)?
        for (place, gpulet) in candidates.enumerated() {
            let record = state.gpulets[gpulet.position]
            guard record.state == .open, record.units == layout.units else { continue }
            let shared = layout.lanes.count { lane(of: $0.model, on: gpulet) != nil }
            if best.map({ shared > $0.shared }) ?? true { best = (place, shared) }
        }
        return best?.place
    }

    func lane(of model: ModelID, on gpulet: GpuletID) -> LaneID? {
        guard isKnown(model) else { return nil }
        var lane = state.models[model.position].firstLane
        while lane >= 0 {
            if state.lanes[Int(lane)].gpulet == gpulet { return LaneID(lane) }
            lane = state.lanes[Int(lane)].nextOfModel
        }
        return nil
    }

    /// Gives an open gpulet its slots, lanes and instances.
    mutating func apply(
        _ layout: Plan.GpuletLayout,
        to gpulet: GpuletID,
        _ actions: inout ActionBuffer
    ) {
        state.gpulets[gpulet.position].slots = layout.slots
        state.gpulets[gpulet.position].dutyCycle = layout.dutyCycle
        state.judge(gpulet)
        // Lanes that stay or come first: a model that moves is not without a lane in between.
        for placement in layout.lanes { apply(placement, on: gpulet, &actions) }
        var lane = state.gpulets[gpulet.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            let isServing = state.models[record.model.position].state == .serving
            if isServing, !layout.lanes.contains(where: { $0.model == record.model }) {
                state.lanes[Int(lane)].wanted = 0
                adjustInstances(of: LaneID(lane), &actions)
            }
            lane = record.nextOfGpulet
        }
    }

    private mutating func apply(
        _ placement: Plan.LanePlacement,
        on gpulet: GpuletID,
        _ actions: inout ActionBuffer
    ) {
        guard isKnown(placement.model),
            state.models[placement.model.position].state == .serving,
            let spec = state.specs[placement.model.position],
            let lane = lane(of: placement.model, on: gpulet) ?? newLane(spec, on: gpulet)
        else { return }
        settle(placement, spec, on: lane)
        state.lanes[lane.position].milliRate = placement.milliRate
        state.lanes[lane.position].since = now
        state.lanes[lane.position].served = 0
        adjustInstances(of: lane, &actions)
    }

    /// Gives a lane its limits. One that a scaler has settled keeps them, unless its units, its
    /// ceilings or the planned setting changed (then the scaler begins anew from the plan).
    private mutating func settle(
        _ placement: Plan.LanePlacement,
        _ spec: ModelSpec,
        on lane: LaneID
    ) {
        let old = state.lanes[lane.position]
        let gpulet = state.gpulets[old.gpulet.position]
        let most = min(state.limits.instancesPerLane, Int32(DispatchState.seatsPerLane))
        var new = old
        new.plannedBatch = min(placement.batchLimit, min(spec.maxBatch, state.limits.batchItems))
        new.plannedInstances = min(placement.instances, most)
        new.plannedUnits = gpulet.units
        new.batchCeiling = min(spec.maxBatch, state.limits.batchItems)
        new.instanceCeiling = min(
            max(spec.instanceLimit, new.plannedInstances),
            min(max(gpulet.slots, new.plannedInstances), most)
        )
        let isSettled =
            scaler.ownsLanes && old.wanted > 0 && old.plannedUnits == new.plannedUnits
            && old.batchCeiling == new.batchCeiling && old.instanceCeiling == new.instanceCeiling
            && (old.isPlanned(as: new) || new.isPlannedAsSettled)
        if !isSettled {
            new.batchLimit = new.plannedBatch
            new.wanted = new.plannedInstances
            new.active = .max
            scaler.laneChanged(lane, at: now)
        }
        state.lanes[lane.position] = new
        if !isSettled { state.list(lane) }
    }

    private mutating func newLane(_ spec: ModelSpec, on gpulet: GpuletID) -> LaneID? {
        let record = state.gpulets[gpulet.position]
        let kind = state.devices[record.device.position].kind
        let row = forecast.claimRow(model: spec.id, kind: kind, units: record.units, spec: spec)
        guard let lane = state.claimLane(spec.id, gpulet, row: row) else {
            forecast.releaseRow(row)
            return nil
        }
        return lane
    }

    /// Lets the lanes of a gpulet look their latencies up by its new units.
    mutating func moveRows(of gpulet: GpuletID) {
        let units = state.gpulets[gpulet.position].units
        let kind = state.devices[state.gpulets[gpulet.position].device.position].kind
        var lane = state.gpulets[gpulet.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if let spec = state.specs[record.model.position] {
                forecast.releaseRow(record.row)
                let row = forecast.claimRow(
                    model: record.model,
                    kind: kind,
                    units: units,
                    spec: spec
                )
                state.lanes[Int(lane)].row = row
                chooseFastest(record.model)
            }
            lane = record.nextOfGpulet
        }
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

    // MARK: Tasks

    /// Sends the next step that can be taken, or lets the next gpulet drain.
    mutating func advanceRollout(_ actions: inout ActionBuffer) {
        guard let rollout = control.rollout, !sendReadyStep(rollout, &actions) else { return }
        // Not before new lanes stand, and not before removed models have finished.
        let mayDrain = !state.isAnyStarting && control.removing.isEmpty
        for task in rollout.tasks { drainIfNeeded(task, mayDrain: mayDrain, &actions) }
        // What had nothing to finish is drained already.
        _ = sendReadyStep(rollout, &actions)
    }

    /// Returns whether there was a step that could be taken.
    private mutating func sendReadyStep(
        _ rollout: Rollout,
        _ actions: inout ActionBuffer
    ) -> Bool {
        for (place, task) in rollout.tasks.enumerated() {
            guard let step = readyStep(of: task) else { continue }
            control.rollout?.tasks.remove(at: place)
            if rollout.tasks.count == 1 { control.rollout = nil }
            control.awaited = (rollout.epoch, step, task)
            actions.append(.rollout(rollout.epoch, step))
            return true
        }
        return false
    }

    private mutating func readyStep(of task: RolloutTask) -> RolloutStep? {
        switch task {
        case .open(let device, let layout):
            guard state.present[device.position],
                state.freeUnits(of: device) >= layout.units,
                let gpulet = state.claimGpulet(device, units: layout.units)
            else { return nil }
            return .open(gpulet, device, units: layout.units)
        case .resize(let gpulet, let layout):
            let record = state.gpulets[gpulet.position]
            guard record.state == .draining, state.isDrained(gpulet),
                state.freeUnits(of: record.device) + record.units >= layout.units
            else { return nil }
            return .pin(gpulet, units: layout.units)
        case .retire(let gpulet):
            let record = state.gpulets[gpulet.position]
            guard record.state == .draining || record.state == .lost, record.firstLane < 0 else {
                return nil
            }
            return .close(gpulet)
        }
    }

    /// Whether a gpulet that is to change could do so as soon as it has drained. One that grows
    /// works on until those that shrink have made room.
    private func hasUnits(for task: RolloutTask) -> Bool {
        guard case .resize(let gpulet, let layout) = task else { return true }
        let record = state.gpulets[gpulet.position]
        return state.freeUnits(of: record.device) + record.units >= layout.units
    }

    private mutating func drainIfNeeded(
        _ task: RolloutTask,
        mayDrain: Bool,
        _ actions: inout ActionBuffer
    ) {
        switch task {
        case .open: break
        case .resize(let gpulet, _), .retire(let gpulet):
            guard state.gpulets[gpulet.position].state == .open, mayDrain,
                hasUnits(for: task)
            else { break }
            state.gpulets[gpulet.position].state = .draining
            state.judge(gpulet)
        }
        if case .retire(let gpulet) = task,
            state.gpulets[gpulet.position].state == .draining
                || state.gpulets[gpulet.position].state == .lost
        {
            stopLanes(of: gpulet, &actions)
        }
    }
}
