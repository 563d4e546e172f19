import ServingDomain

/// Where estimated gpulets can stand, and what neighbours then lose (2.2, `fit`).
extension ReleasedScheduler {
    /// Whether all of `list` can stand at once.
    func canFit(_ list: [ReleasedNode]) -> Bool {
        var excluded: [ReleasedSpot] = []
        var left: [(spot: ReleasedSpot, units: Int32)] = []
        for node in list {
            var place = 0
            while true {
                guard let spot = bestFit(node, excluding: excluded) else { return false }
                if let known = left.firstIndex(where: { $0.spot == spot }) {
                    place = known
                } else {
                    place = left.count
                    left.append((spot, board[spot.device].nodes[spot.node].units))
                }
                if left[place].units >= node.units { break }
                excluded.append(spot)
            }
            let spot = left[place].spot
            let isWhole = left[place].units == board[spot.device].units
            left[place].units =
                board[spot.device].maySplit && isWhole ? left[place].units - node.units : 0
            if left[place].units == 0 { excluded.append(spot) }
        }
        return true
    }

    private func bestFit(
        _ node: ReleasedNode,
        excluding: [ReleasedSpot]
    ) -> ReleasedSpot? {
        guard let lane = node.lanes.first else { return nil }
        var least: Int32 = .max
        var found: ReleasedSpot?
        for device in board.indices where board[device].kind == node.kind {
            for number in board[device].nodes.indices {
                let spot = ReleasedSpot(device: device, node: number)
                let free = board[device].nodes[number]
                guard free.units >= node.units, free.lanes.isEmpty, !excluding.contains(spot),
                    fitsMemory(lane.model, spot),
                    tables.latency(lane.model, lane.batch, on: free, board) + node.duty
                        <= tables.slos[lane.model],
                    !disturbsNeighbour(node, at: spot)
                else { continue }
                let surplus = free.units - node.units
                if rules.takesLast {
                    if free.units == board[device].units, rules.splits {
                        least = 0
                        found = spot
                    }
                    if least >= surplus {
                        least = surplus
                        found = spot
                    }
                } else if surplus < least {
                    least = surplus
                    found = spot
                }
            }
        }
        return found
    }

    /// The check of the neighbour. As the code has it, the neighbour is compared with itself, so
    /// it only finds that the neighbour's own duty cycle is long.
    private func disturbsNeighbour(_ node: ReleasedNode, at spot: ReleasedSpot) -> Bool {
        let device = board[spot.device]
        guard device.nodes[spot.node].units < device.units,
            let other = device.nodes.first(where: { !$0.isSame(device.nodes[spot.node]) })
        else { return false }
        for lane in other.lanes {
            guard let entry = tables.kinds[device.kind].models[lane.model] else { continue }
            if rules.comparesSelf {
                let overhead = entry.overhead[min(lane.batch, entry.overhead.count) - 1]
                if overhead + other.duty + other.duty > tables.slos[lane.model] { return true }
            } else {
                var placed = node
                placed.device = spot.device
                placed.units = min(node.units, device.nodes[spot.node].units)
                placed.twin = 1 - other.twin
                let alone = tables.latency(lane.model, lane.batch, other.kind, other.units)
                let slowdown = tables.slowdown(lane.model, lane.batch, other, beside: [placed])
                let beside = alone * Float(slowdown)
                let wait = other.occupancy >= 1 ? beside : other.duty
                if wait + beside > tables.slos[lane.model] { return true }
            }
        }
        return false
    }

    /// Lets all of `list` stand; true if that serves the model.
    mutating func fit(_ list: [ReleasedNode], _ task: inout ReleasedWish) -> Bool {
        for estimate in list {
            var node = estimate
            guard let spot = bestFit(node, excluding: []), var lane = node.lanes.first else {
                return false
            }
            let free = board[spot.device].nodes[spot.node]
            let isWhole = free.units == board[spot.device].units
            if !isWhole, free.units > node.units {
                guard enlarge(&node, to: free.units, &lane) else { return false }
            }
            if isWhole, node.units < free.units, board[spot.device].maySplit {
                split(spot, node.units)
            }
            board[spot.device].nodes[spot.node].occupancy = node.occupancy
            board[spot.device].nodes[spot.node].duty = node.duty
            board[spot.device].nodes[spot.node].lanes = [lane]
            countMemory(task.model, spot)
            if rules.interference {
                guard adjust(spot.device, &task) else { return false }
            }
            let seat = board[spot.device].nodes[spot.node].lanes.first
            task.rate = whole(Float(task.rate) - (seat?.throughput ?? 0))
        }
        if task.rate + task.owed > slack { return false }
        task.rate = 0
        return true
    }

    /// Takes a larger gpulet than wanted: batch and duty cycle are computed anew, beside what
    /// stands on the device whose number is that of the estimate.
    private func enlarge(
        _ node: inout ReleasedNode,
        to units: Int32,
        _ lane: inout ReleasedLane
    ) -> Bool {
        let isResidual = node.occupancy != 1
        node.units = units
        lane.batch = largestBatch(
            lane.model,
            on: node,
            rate: &lane.rate,
            residual: isResidual,
            beside: board
        )
        guard lane.batch > 0 else { return false }
        let latency = tables.latency(lane.model, lane.batch, on: node, board)
        node.duty =
            isResidual ? max(Float(lane.batch) * 1_000 / Float(lane.rate), latency) : latency
        lane.throughput = Float(Double(lane.batch) * 1_000 / Double(node.duty))
        node.occupancy = latency / node.duty
        return true
    }

    /// Cuts an unsplit device in two.
    mutating func split(_ spot: ReleasedSpot, _ units: Int32) {
        let device = board[spot.device]
        var rest = ReleasedNode(
            device: spot.device,
            kind: device.kind,
            units: device.units - units
        )
        if rest.units == units { rest.twin = 1 }
        board[spot.device].nodes[spot.node].units = units
        board[spot.device].nodes.append(rest)
    }

    /// After something was placed on `device`: every gpulet there gives way until it fits.
    private mutating func adjust(_ device: Int, _ task: inout ReleasedWish) -> Bool {
        for number in board[device].nodes.indices {
            let spot = ReleasedSpot(device: device, node: number)
            if board[device].nodes[number].occupancy == 1 {
                guard let lost = adjustSaturated(spot) else { return false }
                if rules.chargesPlaced { task.owed += lost }
            } else {
                _ = adjustResidual(spot)
            }
        }
        return true
    }

    /// A saturated gpulet takes smaller batches until 2L <= SLO; what it loses, or nil if even
    /// one item is too slow.
    mutating func adjustSaturated(_ spot: ReleasedSpot) -> Int? {
        var node = board[spot.device].nodes[spot.node]
        guard node.lanes.count == 1 else { return nil }
        let before = node.lanes[0].throughput
        let slo = tables.slos[node.lanes[0].model]
        var latency = tables.latency(node.lanes[0].model, node.lanes[0].batch, on: node, board)
        if 2 * latency < slo {
            let now = Float(Double(node.lanes[0].batch) * 1_000 / Double(latency))
            board[spot.device].nodes[spot.node].lanes[0].throughput = now
            return max(0, whole(before - now))
        }
        while slo < 2 * latency {
            node.lanes[0].batch -= 1
            guard node.lanes[0].batch > 0 else { return nil }
            latency = tables.latency(node.lanes[0].model, node.lanes[0].batch, on: node, board)
            node.duty = latency
        }
        let now = Float(Double(node.lanes[0].batch) * (1_000 / Double(node.duty)))
        node.lanes[0].throughput = now
        board[spot.device].nodes[spot.node] = node
        return before > now ? whole(before - now) : 0
    }

    /// A residual gpulet takes smaller batches more often until duty cycle + round <= SLO.
    mutating func adjustResidual(_ spot: ReleasedSpot) -> Bool {
        let node = board[spot.device].nodes[spot.node]
        let sum = round(node)
        let room = rules.tolerates ? 1.05 : 1
        if node.lanes.allSatisfy({ Double(sum + node.duty) <= Double(tables.slos[$0.model]) * room }
        ) {
            return true
        }
        var duties: [Float] = []
        var changed = node
        for (number, lane) in node.lanes.enumerated() {
            var batch = lane.batch
            var duty = node.duty
            var latency = tables.latency(lane.model, batch, on: node, board)
            let others = sum - latency
            while tables.slos[lane.model] < others + latency + duty {
                batch -= 1
                guard batch > 0 else { return false }
                latency = tables.latency(lane.model, batch, on: node, board)
                // Of the batch it had at first, each time: the cycle shrinks faster than it need.
                duty *= Float(batch) / Float(lane.batch)
            }
            duties.append(duty)
            changed.lanes[number].batch = batch
        }
        guard let duty = duties.min() else { return true }
        for number in changed.lanes.indices {
            changed.lanes[number].throughput = Float(1_000 * changed.lanes[number].batch) / duty
        }
        changed.duty = duty
        changed.occupancy = round(changed) / duty
        board[spot.device].nodes[spot.node] = changed
        return true
    }
}
