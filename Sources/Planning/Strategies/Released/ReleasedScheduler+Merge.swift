import ServingDomain

/// Several residual gpulets become one, and what is left shares time (2.2, steps 4 and 5).
extension ReleasedScheduler {
    /// True if the model then has all that it wants.
    mutating func mergeResidue(_ task: inout ReleasedWish) -> Bool {
        var wanted = task.rate
        var spots: [ReleasedSpot] = []
        var least: (rate: Float, kind: Int, units: Int32) = (.infinity, 0, 0)
        for device in board.indices {
            for number in board[device].nodes.indices {
                let node = board[device].nodes[number]
                guard node.occupancy < 1, node.lanes.count == 1,
                    node.lanes[0].model == task.model
                else { continue }
                wanted = whole(Float(wanted) + node.lanes[0].throughput)
                spots.append(ReleasedSpot(device: device, node: number))
                let saturated = tables.saturated(task.model, node.kind, node.units).rate
                if saturated < least.rate { least = (saturated, node.kind, node.units) }
            }
        }
        if spots.isEmpty || (spots.count == 1 && wanted < slack) || least.rate < Float(wanted) {
            return task.rate <= slack
        }
        for spot in spots {
            returnMemory(task.model, spot)
            board[spot.device].nodes[spot.node].lanes = []
            board[spot.device].nodes[spot.node].occupancy = 0
            board[spot.device].nodes[spot.node].duty = 0
        }
        settle(&task, wanted, kind: least.kind, units: least.units)
        if task.rate > slack { return false }
        fuse()
        return true
    }

    /// The merged residue takes the first free gpulet of its size.
    private mutating func settle(
        _ task: inout ReleasedWish,
        _ wanted: Int,
        kind: Int,
        units: Int32
    ) {
        var rate = wanted
        for device in board.indices {
            for number in board[device].nodes.indices {
                let spot = ReleasedSpot(device: device, node: number)
                let node = board[device].nodes[number]
                guard fitsMemory(task.model, spot), node.lanes.isEmpty, node.kind == kind,
                    node.units == units
                else { continue }
                let batch = largestBatch(
                    task.model,
                    on: node,
                    rate: &rate,
                    residual: true,
                    beside: board
                )
                guard batch > 0 else { continue }
                let duty = Float(Double(batch) * 1_000 / Double(rate))
                let throughput = Float(Double(batch) * 1_000 / Double(duty))
                board[device].nodes[number].duty = duty
                board[device].nodes[number].occupancy =
                    tables.latency(task.model, batch, on: node, board) / duty
                board[device].nodes[number].lanes = [
                    ReleasedLane(
                        model: task.model,
                        rate: whole(throughput),
                        batch: batch,
                        throughput: throughput
                    )
                ]
                task.rate = Float(rate) > throughput ? whole(Float(rate) - throughput) : 0
                return
            }
        }
    }

    /// Devices on which nothing is left are whole again.
    private mutating func fuse() {
        for device in board.indices where board[device].nodes.count > 1 {
            guard board[device].maySplit else { continue }
            guard board[device].nodes.allSatisfy({ $0.lanes.isEmpty }) else { continue }
            board[device].nodes.removeSubrange(1...)
            board[device].nodes[0].twin = 0
            board[device].nodes[0].units = board[device].units
        }
    }

    // MARK: Time

    /// Seats the rest on gpulets that are not full, fullest first; true if all of it got a seat.
    mutating func shareTime(_ task: inout ReleasedWish, only spots: [ReleasedSpot]) -> Bool {
        var candidates: [(occupancy: Float, number: Int, spot: ReleasedSpot)] = []
        for device in board.indices {
            for number in board[device].nodes.indices {
                let spot = ReleasedSpot(device: device, node: number)
                let node = board[device].nodes[number]
                guard fitsMemory(task.model, spot) else { continue }
                let isCandidate =
                    spots.isEmpty
                    ? node.occupancy < 1 && node.lanes.count < rules.maxLanes
                    : spots.contains(spot)
                if isCandidate { candidates.append((node.occupancy, candidates.count, spot)) }
            }
        }
        candidates.sort { ($1.occupancy, $0.number) < ($0.occupancy, $1.number) }
        while task.rate + task.owed > slack {
            var isSeated = false
            for candidate in candidates where seat(&task, candidate.spot) {
                isSeated = true
                break
            }
            if !isSeated { return false }
        }
        return true
    }

    /// Seats as much of `task` as one gpulet takes; false if it takes nothing.
    private mutating func seat(_ task: inout ReleasedWish, _ spot: ReleasedSpot) -> Bool {
        var node = board[spot.device].nodes[spot.node]
        guard !node.lanes.contains(where: { $0.model == task.model }), node.occupancy < 1,
            task.rate > 0
        else { return false }
        let most = min(
            whole(Double(node.duty) * (Double(task.rate) / 1_000)),
            tables.largest(task.model, node.kind)
        )
        guard most > 0 else { return false }
        var batch = most
        // The code keeps this duty cycle in whole milliseconds.
        var duty = 0
        var latency: Float = 0
        while batch > 0 {
            duty = whole(Double(batch) * 1_000 / Double(task.rate))
            latency = tables.latency(task.model, batch, on: node, board)
            let part = Double(latency / Float(duty))
            if Float(duty) + latency < tables.slos[task.model], part < 1 - Double(node.occupancy) {
                break
            }
            batch -= 1
        }
        guard batch > 0, duty > 0, Float(duty) <= node.duty else { return false }
        var sum = latency
        for lane in node.lanes {
            let size = rescaled(lane, duty, node.kind)
            sum += tables.latency(lane.model, size, on: node, board)
        }
        guard sum / Float(duty) <= 1 else { return false }
        let total = sum + Float(duty)
        guard total <= tables.slos[task.model],
            node.lanes.allSatisfy({ total <= tables.slos[$0.model] })
        else { return false }
        let throughput = Float(Double(batch) * (1_000 / Double(duty)))
        let lane = ReleasedLane(
            model: task.model,
            rate: task.rate,
            batch: batch,
            throughput: throughput
        )
        for number in node.lanes.indices {
            node.lanes[number].batch = rescaled(node.lanes[number], duty, node.kind)
            node.lanes[number].throughput =
                Float(Double(node.lanes[number].batch) * 1_000) / Float(duty)
        }
        node.lanes.append(lane)
        node.duty = Float(duty)
        board[spot.device].nodes[spot.node] = node
        var occupancy: Float = 0
        for lane in node.lanes {
            occupancy += tables.latency(lane.model, lane.batch, on: node, board) / node.duty
        }
        board[spot.device].nodes[spot.node].occupancy = occupancy
        let left = Float(task.rate) - throughput
        task.rate = left > 0 ? whole(left) : 0
        countMemory(task.model, spot)
        return true
    }

    /// A member's batch under a new duty cycle: what comes in meanwhile, at least 1.
    private func rescaled(_ lane: ReleasedLane, _ duty: Int, _ kind: Int) -> Int {
        let size = whole(Double(duty) / (1_000 / Double(max(1, lane.rate))))
        return min(max(1, size), max(1, tables.largest(lane.model, kind)))
    }
}
