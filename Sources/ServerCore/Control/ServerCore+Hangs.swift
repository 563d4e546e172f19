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
        control.hung.append((state.batches[Int(slot)].id(at: slot), now + grace))
    }

    /// Gives up the instances whose engines have had time enough to end their batches.
    ///
    /// - Returns: Whether there was one.
    mutating func abandonHung(_ actions: inout ActionBuffer) -> Bool {
        guard !control.hung.isEmpty else { return false }
        let hung = control.hung
        control.hung.removeAll(keepingCapacity: true)
        var hasGivenUp = false
        // Those that are gone or go on are no longer hung.
        for entry in hung {
            guard let slot = state.slot(of: entry.batch) else { continue }
            if entry.due > now {
                control.hung.append(entry)
            } else {
                abandon(slot, &actions)
                hasGivenUp = true
            }
        }
        return hasGivenUp
    }

    private mutating func abandon(_ slot: Int32, _ actions: inout ActionBuffer) {
        let id = state.batches[Int(slot)].instance
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
        close(slot, as: .failed)
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
