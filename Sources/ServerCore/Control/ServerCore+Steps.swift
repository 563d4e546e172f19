import ServingDomain

/// The tasks of a rollout, one step at a time.
extension ServerCore {
    /// Sends the next step that can be taken, or lets the next gpulet drain.
    mutating func advanceRollout(_ actions: inout ActionBuffer) {
        guard let rollout = control.rollout, !sendReadyStep(rollout, &actions) else { return }
        // Not before new lanes stand, and not before removed models have finished.
        guard !state.isAnyStarting, control.removing.isEmpty else {
            // What drains or is lost already goes on.
            for task in rollout.tasks { drainIfNeeded(task, mayDrain: false, &actions) }
            return
        }
        if strands(rollout) {
            control.noteStrand(at: now)
            return abandonRollout(&actions)
        }
        for task in rollout.tasks { drainIfNeeded(task, mayDrain: true, &actions) }
        trimIfDue(rollout, &actions)
        // What had nothing to finish is drained already.
        if let rest = control.rollout { _ = sendReadyStep(rest, &actions) }
    }

    mutating func addTask(_ task: RolloutTask, _ epoch: Epoch) {
        if control.rollout == nil { control.rollout = Rollout(epoch: epoch, tasks: []) }
        control.rollout?.tasks.append(task)
    }

    /// Old lanes go when there is nothing else to do, or when new ones wait for their memory.
    private mutating func trimIfDue(_ rollout: Rollout, _ actions: inout ActionBuffer) {
        let others = rollout.tasks.filter {
            if case .trim = $0 { false } else { true }
        }
        guard others.isEmpty || control.isStarved else { return }
        for task in rollout.tasks {
            if case .trim(let gpulet, let layout) = task { trim(gpulet, to: layout, &actions) }
        }
        control.rollout?.tasks = others
        if others.isEmpty { control.rollout = nil }
    }

    /// Whether what is still to be retired holds the last instances of a model whose successors
    /// could not be started. The whole layout is given up then: it was planned as one.
    private func strands(_ rollout: Rollout) -> Bool {
        let going = rollout.tasks.compactMap { task -> GpuletID? in
            guard case .retire(let gpulet) = task,
                state.gpulets[gpulet.position].state == .open
            else { return nil }
            return gpulet
        }
        return going.contains { gpulet in
            var lane = state.gpulets[gpulet.position].firstLane
            while lane >= 0 {
                let record = state.lanes[Int(lane)]
                if record.ready > 0, isServing(record.model),
                    isLastHope(LaneID(lane), besides: going)
                {
                    return true
                }
                lane = record.nextOfGpulet
            }
            return false
        }
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
        case .trim: return nil
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
        case .open, .trim: break
        case .resize(let gpulet, _), .retire(let gpulet):
            guard state.gpulets[gpulet.position].state == .open, mayDrain,
                hasUnits(for: task)
            else { break }
            state.gpulets[gpulet.position].state = .draining
            state.judge(gpulet)
            wakeSuccessors(of: gpulet)
        }
        if case .retire(let gpulet) = task,
            state.gpulets[gpulet.position].state == .draining
                || state.gpulets[gpulet.position].state == .lost
        {
            stopLanes(of: gpulet, &actions)
        }
    }
}
