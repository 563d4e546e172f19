import ServingDomain

/// When the ideal gpulets don't fit: what is free is filled, large parts first (2.2, step 3).
extension ReleasedScheduler {
    mutating func refill(_ task: inout ReleasedWish, _ spots: [ReleasedSpot]) {
        var given = bySize(spots)
        if rules.interference {
            task.rate += task.owed
            task.owed = 0
        }
        var isResidual = false
        while task.rate + task.owed > slack, !given.isEmpty {
            guard let place = preferred(task, given) else { return }
            let spot = given[place]
            var batch: Int
            if isSplittable(spot) {
                guard let first = splitForRefill(spot, task, &given) else { return }
                batch = first
            } else {
                let node = board[spot.device].nodes[spot.node]
                var rate = task.rate
                batch = largestBatch(
                    task.model,
                    on: node,
                    rate: &rate,
                    residual: false,
                    beside: board
                )
                batch = max(1, batch)
            }
            let node = board[spot.device].nodes[spot.node]
            let latency = tables.latency(task.model, batch, on: node, board)
            guard latency.isFinite else {
                // The profile does not reach there; the code would read memory that nobody set.
                given.removeAll { $0 == spot }
                continue
            }
            let throughput = Float(Double(batch) * (1_000 / Double(latency)))
            if throughput > Float(task.rate) {
                isResidual = true
                break
            }
            var lane = ReleasedLane(
                model: task.model,
                rate: task.rate,
                batch: batch,
                throughput: throughput
            )
            guard limitToNetwork(&lane, spot) else { return }
            if fitsMemory(task.model, spot) {
                board[spot.device].nodes[spot.node].occupancy = 1
                board[spot.device].nodes[spot.node].duty = latency
                board[spot.device].nodes[spot.node].lanes.append(lane)
                if keep(spot, &task) {
                    task.rate = whole(Float(task.rate) - lane.throughput)
                    countMemory(task.model, spot)
                }
            }
            given.removeAll { $0 == spot }
        }
        if isResidual { refillResidual(&task, &given) }
    }

    private mutating func refillResidual(
        _ task: inout ReleasedWish,
        _ given: inout [ReleasedSpot]
    ) {
        while task.rate > slack, !given.isEmpty {
            guard let place = preferred(task, given) else { return }
            let spot = given[place]
            if isSplittable(spot) {
                guard splitForRefill(spot, task, &given) != nil else { return }
            }
            let node = board[spot.device].nodes[spot.node]
            let batch = largestBatch(
                task.model,
                on: node,
                rate: &task.rate,
                residual: true,
                beside: board
            )
            guard batch > 0 else { return }
            let duty = Float(Double(batch) * (1_000 / Double(task.rate)))
            board[spot.device].nodes[spot.node].duty = duty
            var lane = ReleasedLane(
                model: task.model,
                rate: task.rate,
                batch: batch,
                throughput: Float(1_000 * Double(batch) / Double(duty))
            )
            guard limitToNetwork(&lane, spot) else { return }
            board[spot.device].nodes[spot.node].occupancy =
                tables.latency(task.model, lane.batch, on: node, board) / duty
            if fitsMemory(task.model, spot) {
                board[spot.device].nodes[spot.node].lanes.append(lane)
                if keep(spot, &task) {
                    task.rate =
                        Float(task.rate) >= lane.throughput
                        ? whole(Float(task.rate) - lane.throughput) : 0
                    countMemory(task.model, spot)
                }
            }
            given.removeAll { $0 == spot }
        }
    }

    /// Large parts of a device first; what was listed first stays first among equals.
    private func bySize(_ spots: [ReleasedSpot]) -> [ReleasedSpot] {
        spots.enumerated().map { number, spot in
            let device = board[spot.device]
            let part = Double(device.nodes[spot.node].units) / Double(device.units)
            return (part: part, number: number, spot: spot)
        }.sorted { ($1.part, $0.number) < ($0.part, $1.number) }.map(\.spot)
    }

    /// The first spot on the kind that suits the model best, else the first of all.
    private func preferred(_ task: ReleasedWish, _ given: [ReleasedSpot]) -> Int? {
        guard let kind = cheapestKind(task.model, task.rate) else { return nil }
        return given.firstIndex { board[$0.device].kind == kind } ?? 0
    }

    private func isSplittable(_ spot: ReleasedSpot) -> Bool {
        board[spot.device].maySplit
            && board[spot.device].nodes[spot.node].units == board[spot.device].units
    }

    /// Cuts off what the model would ideally have there; the batch that goes with it.
    private mutating func splitForRefill(
        _ spot: ReleasedSpot,
        _ task: ReleasedWish,
        _ given: inout [ReleasedSpot]
    ) -> Int? {
        let kind = board[spot.device].kind
        guard let ideal = estimates(of: task.model, rate: task.rate, kind: kind)?.first,
            let lane = ideal.lanes.first
        else { return nil }
        if ideal.units < board[spot.device].units {
            split(spot, ideal.units)
            let last = board[spot.device].nodes.count - 1
            given.append(ReleasedSpot(device: spot.device, node: last))
            given = [given[0]] + bySize(Array(given.dropFirst()))
        }
        return lane.batch
    }

    /// Whether what was just placed at `spot` may stay; else it is taken away again.
    private mutating func keep(_ spot: ReleasedSpot, _ task: inout ReleasedWish) -> Bool {
        var mayStay = gigabits(spot.device) <= Self.networkLimit || !rules.guardsNetwork
        if rules.interference {
            let placed = board[spot.device].nodes[spot.node]
            for number in board[spot.device].nodes.indices {
                let other = board[spot.device].nodes[number]
                if other.isSame(placed) { continue }
                let neighbour = ReleasedSpot(device: spot.device, node: number)
                if other.occupancy >= 1 {
                    if adjustSaturated(neighbour) == nil {
                        mayStay = false
                        break
                    }
                } else if !adjustResidual(neighbour) {
                    mayStay = false
                }
            }
            if mayStay {
                task.rate += task.owed
                task.owed = 0
            }
        }
        if !mayStay {
            board[spot.device].nodes[spot.node].occupancy = 0
            board[spot.device].nodes[spot.node].duty = 0
            board[spot.device].nodes[spot.node].lanes = []
        }
        return mayStay
    }

    // MARK: Network (2.4)

    private static let networkLimit = 3.0

    private func gigabits(_ device: Int) -> Double {
        var sum = 0.0
        for node in board[device].nodes {
            for lane in node.lanes { sum += Double(lane.throughput) * bytes(lane.model) }
        }
        return sum * 8 / 1_073_741_824
    }

    private func bytes(_ model: Int) -> Double { Double(inputBytes[model]) }

    /// Shrinks a lane until its inputs pass; false if not even one item does.
    private func limitToNetwork(_ lane: inout ReleasedLane, _ spot: ReleasedSpot) -> Bool {
        guard rules.guardsNetwork else { return true }
        let left = max(Self.networkLimit - gigabits(spot.device), 0)
        guard left > 0 else { return false }
        for batch in stride(from: lane.batch, through: 1, by: -1) {
            let part = Double(batch) / Double(lane.batch)
            let needed = part * Double(lane.throughput) * bytes(lane.model) * 8 / 1_073_741_824
            if needed <= left {
                lane.throughput *= Float(batch) / Float(lane.batch)
                lane.batch = batch
                return true
            }
        }
        return false
    }
}
