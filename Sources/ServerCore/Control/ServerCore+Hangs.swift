import ServingDomain

/// Engine calls that never come back.
///
/// The watchdog answers the requests of a batch that has run for too long and asks the engine to
/// end it. What has not ended after a grace is given up: another instance takes its seat, and what
/// it holds counts until it comes back, if ever.
extension ServerCore {
    /// Ends the requests of a batch that has run for too long.
    mutating func giveUpBatch(_ slot: Int32, _ actions: inout ActionBuffer) {
        state.unwatch(slot)
        failRequests(of: slot, &actions)
        terminateIfDeserted(slot, &actions)
        let batch = state.batches[Int(slot)]
        control.hung.append(
            HungCall(instance: batch.instance, batch: batch.id(at: slot), due: now + grace)
        )
    }

    /// Takes note that an instance is to stop whose batch went with its device.
    mutating func watchLost(_ id: InstanceID) {
        control.hung.append(HungCall(instance: id, batch: nil, due: now + watchdog + grace))
    }

    /// Gives up the instances whose engines have had time enough to come back.
    ///
    /// - Returns: Whether there was one.
    mutating func abandonHung(_ actions: inout ActionBuffer) -> Bool {
        guard !control.hung.isEmpty else { return false }
        let hung = control.hung
        control.hung.removeAll(keepingCapacity: true)
        var hasGivenUp = false
        // Those that are gone or go on are no longer hung.
        for call in hung where isOut(call) {
            if call.due > now {
                control.hung.append(call)
            } else {
                abandon(call.instance, &actions)
                hasGivenUp = true
            }
        }
        return hasGivenUp
    }

    private func isOut(_ call: HungCall) -> Bool {
        if let batch = call.batch { return state.slot(of: batch) != nil }
        return state.instances[call.instance.position].state == .stopping
    }

    private mutating func abandon(_ id: InstanceID, _ actions: inout ActionBuffer) {
        let record = state.instances[id.position]
        let lane = state.lanes[record.lane.position]
        let device = state.gpulets[lane.gpulet.position].device
        let held = footprint(lane.model, state.devices[device.position])
        control.abandoned.append(
            AbandonedInstance(
                instance: id,
                model: lane.model,
                device: device,
                weightsKiB: held?.weightsKiB ?? 0,
                workspaceKiB: held?.workspaceKiB(batch: record.batchLimit) ?? 0
            )
        )
        state.unseat(id)
        state.instances[id.position].state = .abandoned
        if record.batch >= 0 { close(record.batch, as: .failed) }
        actions.append(.abandonInstance(id))
        adjustInstances(of: record.lane, &actions)
    }

    /// Whether so many instances of `model` were given up that no further one is started.
    func isBarred(_ model: ModelID) -> Bool {
        !control.abandoned.isEmpty
            && abandonedInstances(of: model) >= Int(state.limits.abandonedInstances)
    }

    /// An engine that was given up has come back after all, and its instance is gone.
    mutating func comeBack(_ id: InstanceID, _ actions: inout ActionBuffer) {
        state.instances[id.position].state = .free
        guard let place = control.abandoned.firstIndex(where: { $0.instance == id }) else { return }
        let model = control.abandoned.remove(at: place).model
        guard isKnown(model) else { return }
        // What was barred may start.
        var lane = state.models[model.position].firstLane
        while lane >= 0 {
            let next = state.lanes[Int(lane)].nextOfModel
            if state.lanes[Int(lane)].wanted > 0 { adjustInstances(of: LaneID(lane), &actions) }
            lane = next
        }
    }
}
