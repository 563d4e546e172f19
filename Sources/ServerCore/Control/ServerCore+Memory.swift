import ServingDomain

/// The memory rule: weights once per model and device, workspace per instance (design, section 4,
/// rule 3). An instance that does not fit is not started until another has gone.
extension ServerCore {
    /// Whether one more instance of `lane` fits into its device, by what is known of the models.
    ///
    /// Instances that are to stop count until they have gone. Cost: O(instances); control only.
    func hasMemory(for lane: LaneID) -> Bool {
        let record = state.lanes[lane.position]
        let device = state.devices[state.gpulets[record.gpulet.position].device.position]
        guard device.memoryMiB > 0, let need = footprint(record.model, device) else { return true }
        var used: Int64 = 0
        var seen: [ModelID] = []
        for place in state.instances.indices where state.instances[place].hasLane {
            let instance = state.instances[place]
            let other = state.lanes[instance.lane.position]
            guard state.gpulets[other.gpulet.position].device == device.id,
                let takes = footprint(other.model, device)
            else { continue }
            used += takes.workspaceKiB(batch: instance.batchLimit)
            guard !seen.contains(other.model) else { continue }
            seen.append(other.model)
            used += takes.weightsKiB
        }
        // Who was given up holds what it had.
        for gone in control.abandoned where gone.device == device.id {
            used += gone.workspaceKiB
            guard !seen.contains(gone.model) else { continue }
            seen.append(gone.model)
            used += gone.weightsKiB
        }
        let weights = seen.contains(record.model) ? 0 : need.weightsKiB
        let largest = scaler.ownsLanes ? record.batchCeiling : record.batchLimit
        let more = weights + need.workspaceKiB(batch: largest)
        return used + more <= device.memoryMiB * 1_024
    }

    /// Tries again to start what memory was missing for.
    mutating func startStarved(_ actions: inout ActionBuffer) {
        guard control.hasNewMemory else { return }
        control.hasNewMemory = false
        control.isStarved = false
        for place in state.lanes.indices
        where state.lanes[place].exists && state.lanes[place].wanted > 0 {
            adjustInstances(of: LaneID(Int32(place)), &actions)
        }
    }

    /// Whether `model` has a lane that only waits for memory which will be given back.
    func waitsForMemory(_ model: ModelID) -> Bool {
        guard control.isStarved, state.models[model.position].state == .serving else {
            return false
        }
        var lane = state.models[model.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if record.wanted > record.failed {
                return state.instances.contains { $0.state == .stopping }
            }
            lane = record.nextOfModel
        }
        return false
    }

    func footprint(_ model: ModelID, _ device: DeviceSpec) -> MemoryFootprint? {
        state.specs[model.position]?.profile(on: device.kind)?.memory
    }
}
