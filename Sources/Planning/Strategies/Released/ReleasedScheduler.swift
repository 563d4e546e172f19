import ServingDomain

/// gpu-lets as its public code behaves (casys-kaist/glet at 3c1c2aa; notes, 2.2 and 4).
///
/// Written from the behaviour, in our own words; where the code would abort (an assertion, memory
/// that nobody set) this one says that the model can't be placed. Everything is in whole requests
/// per second and single-precision milliseconds, because the code cuts decimals off.
struct ReleasedScheduler {
    let rules: ReleasedRules
    let tables: ReleasedTables
    let inputBytes: [Int64]
    /// What stands so far.
    var board: [ReleasedDevice]
    /// Models that could not be placed, with what is left of their rate.
    private(set) var failed: (model: Int, rate: Int)?

    init(_ inputs: PlanInputs, rules: ReleasedRules, tables: ReleasedTables) {
        self.rules = rules
        self.tables = tables
        inputBytes = inputs.models.map(\.inputBytes)
        board = inputs.devices.indices.map { number in
            let device = inputs.devices[number]
            let kind = tables.kinds.firstIndex { $0.name == device.kind } ?? 0
            return ReleasedDevice(
                kind: kind,
                units: device.units,
                memoryMiB: device.memoryMiB,
                maySplit: rules.splits && device.maxGpulets != 1,
                nodes: [ReleasedNode(device: number, kind: kind, units: device.units)]
            )
        }
    }

    /// Places `tasks`; false where one of them fails, which ends the attempt.
    mutating func run(_ tasks: [ReleasedWish]) -> Bool {
        var session = tasks
        var retried: [Int] = []
        while true {
            session = ordered(session)
            for task in session {
                var placing = task
                if !place(&placing) {
                    failed = (task.model, max(1, placing.rate))
                    return false
                }
            }
            guard rules.interference, rules.retries else { return true }
            let short = session.filter { task in
                throughput(of: task.model) < Float(task.rate) * 0.85
            }
            if short.isEmpty { return true }
            if let again = short.first(where: { retried.contains($0.model) }) {
                failed = (again.model, max(1, again.rate - whole(throughput(of: again.model))))
                return false
            }
            retried += short.map(\.model)
            session = short
        }
    }

    /// Ascending by rate x objective, of equals the higher number first.
    private func ordered(_ session: [ReleasedWish]) -> [ReleasedWish] {
        session.sorted { left, right in
            if rules.ascends {
                let first = Double(left.rate) * Double(tables.slos[left.model])
                let second = Double(right.rate) * Double(tables.slos[right.model])
                return first != second ? first < second : left.model > right.model
            }
            return left.rate != right.rate ? left.rate > right.rate : left.model < right.model
        }
    }

    func throughput(of model: Int) -> Float {
        var sum: Float = 0
        for device in board {
            for node in device.nodes {
                for lane in node.lanes where lane.model == model { sum += lane.throughput }
            }
        }
        return sum
    }

    // MARK: One model

    private mutating func place(_ task: inout ReleasedWish) -> Bool {
        task.owed = 0
        if isPlaced(task.model) { return placeAgain(&task) }
        if let estimate = estimates(of: task.model, rate: task.rate),
            canFit(estimate), fit(estimate, &task)
        {
            return true
        }
        var free: [ReleasedSpot] = []
        for device in board.indices {
            for node in board[device].nodes.indices where board[device].nodes[node].lanes.isEmpty {
                free.append(ReleasedSpot(device: device, node: node))
            }
        }
        refill(&task, free)
        if mergeResidue(&task) { return true }
        return rules.sharesTime && !rules.selfTuning && shareTime(&task, only: [])
    }

    private func isPlaced(_ model: Int) -> Bool {
        board.contains { $0.nodes.contains { $0.lanes.contains { $0.model == model } } }
    }

    /// A model that got too little the first time gives its seats back and is filled in anew.
    private mutating func placeAgain(_ task: inout ReleasedWish) -> Bool {
        var free: [ReleasedSpot] = []
        var shared: [ReleasedSpot] = []
        for device in board.indices {
            for number in board[device].nodes.indices {
                let spot = ReleasedSpot(device: device, node: number)
                if board[device].nodes[number].lanes.isEmpty {
                    free.append(spot)
                    continue
                }
                let lanes = board[device].nodes[number].lanes
                if let seat = lanes.firstIndex(where: { $0.model == task.model }) {
                    board[device].nodes[number].lanes.remove(at: seat)
                    shared.append(spot)
                }
                let node = board[device].nodes[number]
                board[device].nodes[number].occupancy = round(node) / node.duty
                if node.lanes.isEmpty { free.append(spot) }
            }
        }
        refill(&task, free)
        if mergeResidue(&task) { return true }
        return rules.sharesTime && !rules.selfTuning && shareTime(&task, only: shared)
    }

    /// What one turn of every lane takes.
    func round(_ node: ReleasedNode) -> Float {
        var sum: Float = 0
        for lane in node.lanes { sum += tables.latency(lane.model, lane.batch, on: node, board) }
        return sum
    }

    // MARK: Batches

    /// The largest batch on `node`; 0 if there is none. A residual search may raise `rate`.
    func largestBatch(
        _ model: Int,
        on node: ReleasedNode,
        rate: inout Int,
        residual: Bool,
        beside board: [ReleasedDevice]?
    ) -> Int {
        let slo = tables.slos[model]
        let wanted = Float(rate)
        func latency(_ batch: Int) -> Float {
            board.map { tables.latency(model, batch, on: node, $0) }
                ?? tables.latency(model, batch, node.kind, node.units)
        }
        let found = tables.search(upTo: tables.largest(model, node.kind)) { batch in
            residual
                ? latency(batch) + 1_000 * Float(batch) / wanted <= slo : 2 * latency(batch) <= slo
        }
        guard found == 0, residual, rules.reservesForLone, rate > 0 else { return found }
        let one = latency(1)
        guard Double(one) < 1_000 / Double(rate), one < slo else { return 0 }
        rate = max(1, whole(1_000 / (slo - one) * Float(rules.margins.latencyMilli) / 1_000))
        return 1
    }

    // MARK: Memory (2.4)

    func fitsMemory(_ model: Int, _ spot: ReleasedSpot) -> Bool {
        let device = board[spot.device]
        guard rules.guardsMemory, device.memoryMiB > 0 else { return true }
        let node = device.nodes[spot.node]
        if device.holds(model, in: node) { return true }
        let needed = memory(of: model, device) + (device.isLoaded(node) ? 0 : 1_230)
        return Float(device.memoryMiB) * 0.9 - Float(device.usedMiB) > Float(needed)
    }

    /// Counts what was just placed, but only where its gpulet is new, as the code does.
    mutating func countMemory(_ model: Int, _ spot: ReleasedSpot) {
        let device = board[spot.device]
        let node = device.nodes[spot.node]
        guard rules.guardsMemory, !device.isLoaded(node), fitsMemory(model, spot) else { return }
        board[spot.device].usedMiB += memory(of: model, device) + 1_230
        board[spot.device].loaded.append((node.units, node.twin))
    }

    mutating func returnMemory(_ model: Int, _ spot: ReleasedSpot) {
        let device = board[spot.device]
        guard rules.guardsMemory, device.holds(model, in: device.nodes[spot.node]) else { return }
        board[spot.device].usedMiB = max(0, device.usedMiB - memory(of: model, device))
    }

    private func memory(of model: Int, _ device: ReleasedDevice) -> Int64 {
        tables.kinds[device.kind].models[model]?.memoryMiB ?? 0
    }
}
