import ServingDomain

/// Checks of what must always hold, for tests and the simulator; never called while serving.
extension DispatchState {
    /// One line for everything that does not fit together; empty when all does.
    ///
    /// Cost: O(everything).
    package func audit() -> [String] {
        auditUnits() + auditQueues() + auditBatches() + auditLanes()
    }

    private func auditUnits() -> [String] {
        devices.compactMap { device in
            let free = freeUnits(of: device.id)
            return free < 0 ? "device \(device.name) gives away \(-free) units too many" : nil
        }
    }

    private func auditQueues() -> [String] {
        var found: [String] = []
        var waitingByModel = Array(repeating: Int32(0), count: models.count)
        for place in queues.indices {
            let queue = QueueID(Int32(place))
            var slot = queues[place].tree.first
            var before: Int32 = -1
            var count: Int32 = 0
            while slot >= 0 {
                let record = requests[Int(slot)]
                if record.state != .waiting {
                    found.append("request \(slot) queues, but is not waiting")
                }
                if queueID(of: record) != queue {
                    found.append("request \(slot) is in a wrong queue")
                }
                if before >= 0, !waiting.precedes(before, slot) {
                    found.append("queue \(place) is out of order at request \(slot)")
                }
                before = slot
                count += 1
                slot = waiting.next(after: slot)
            }
            if count != queues[place].tree.count { found.append("queue \(place) miscounts") }
            waitingByModel[queue.model.position] += count
        }
        for place in models.indices where models[place].state != .free {
            let model = ModelID(Int32(place))
            var byLevel: Int32 = 0
            for level in 1...limits.levels { byLevel += levels[levelPlace(model, level)].waiting }
            if waitingByModel[place] != models[place].waiting || byLevel != models[place].waiting {
                found.append("model \(place) miscounts what waits")
            }
        }
        let waitingCount = requests.count { $0.state == .waiting }
        if waitingCount != waitingByModel.reduce(0, { $0 + Int($1) }) {
            found.append("\(waitingCount) requests wait, but queues hold another number")
        }
        return found
    }

    private func auditBatches() -> [String] {
        var found: [String] = []
        var running = Array(repeating: Int32(0), count: gpulets.count)
        var inFlight = Array(repeating: Int32(0), count: models.count)
        for place in batches.indices where batches[place].state != .free {
            let batch = batches[place]
            if batch.state == .running { running[lanes[batch.lane.position].gpulet.position] += 1 }
            if batch.state == .running || batch.state == .paused {
                inFlight[batch.model.position] += 1
                if instances[batch.instance.position].batch != Int32(place) {
                    found.append("batch \(place) and its instance do not know each other")
                }
            }
            var count: Int32 = 0
            var slot = batch.first
            while slot >= 0 {
                let record = requests[Int(slot)]
                if record.state != .running || record.batch != Int32(place) {
                    found.append("request \(slot) is not in the batch that holds it")
                }
                count += 1
                slot = record.next
            }
            if count != batch.count { found.append("batch \(place) miscounts its requests") }
        }
        for place in gpulets.indices where running[place] != gpulets[place].running {
            found.append("gpulet \(place) miscounts its running stages")
        }
        found += auditPaused()
        for place in models.indices where inFlight[place] != models[place].batches {
            found.append("model \(place) miscounts its batches")
        }
        return found
    }

    private func auditPaused() -> [String] {
        var found: [String] = []
        var high = Array(repeating: Int32(0), count: gpulets.count)
        var (busyHigh, busyLow) = (high, high)
        for place in batches.indices where batches[place].state == .running {
            let lane = lanes[batches[place].lane.position]
            if batches[place].isHigh {
                high[lane.gpulet.position] += 1
                busyHigh[lane.gpulet.position] += lane.width
            } else {
                busyLow[lane.gpulet.position] += lane.width
            }
        }
        for place in gpulets.indices {
            if high[place] != gpulets[place].runningHigh {
                found.append("gpulet \(place) miscounts its running stages of class high")
            }
            if busyHigh[place] != gpulets[place].busyHigh
                || busyLow[place] != gpulets[place].busyLow
            {
                found.append("gpulet \(place) miscounts its units in use")
            }
        }
        var count = 0
        var slot = firstPaused
        while slot >= 0, count <= batches.count {
            if batches[Int(slot)].state != .paused {
                found.append("batch \(slot) is listed as paused, but is not")
            }
            count += 1
            slot = paused(after: slot)
        }
        if count != pausedCount { found.append("paused batches are miscounted") }
        return found
    }

    private func auditLanes() -> [String] {
        var found: [String] = []
        if instances.contains(where: { !$0.hasLane && $0.batch >= 0 }) {
            found.append("an instance without a lane has a batch")
        }
        for place in lanes.indices where lanes[place].exists {
            let lane = lanes[place]
            let own = instances.filter { $0.hasLane && $0.lane.position == place }
            if own.count(where: { $0.state == .ready }) != lane.ready
                || own.count(where: { $0.state == .starting }) != lane.starting
                || own.count(where: { $0.state == .stopping }) != lane.stopping
            {
                found.append("lane \(place) miscounts its instances")
            }
            let idle = own.count { $0.state == .ready && $0.batch < 0 }
            if lane.idle.nonzeroBitCount != idle {
                found.append("lane \(place) miscounts idle ones")
            }
            if own.count(where: { $0.batch >= 0 }) > lane.instances {
                found.append("lane \(place) has more batches than instances")
            }
            for priority in PriorityClass.allCases {
                let queue = QueueID(lane.model, priority)
                let head = head(of: queue)
                let should =
                    head >= 0 && lane.hasFreeInstance && !queues[queue.position].parked
                let does = priority == .high ? lane.listedHigh : lane.listedLow
                let node = Int32(place) * 2 + Int32(priority.rawValue)
                if should != does || (does && ready.key(of: node) != waiting.key(of: head)) {
                    found.append("lane \(place) is listed wrongly for class \(priority)")
                }
            }
        }
        for place in gpulets.indices {
            let gpulet = gpulets[place]
            if gpulet.isCandidate != (candidate(from: Int32(place)) == GpuletID(Int32(place))) {
                found.append("gpulet \(place) is a candidate and should not be, or the reverse")
            }
        }
        return found
    }
}
