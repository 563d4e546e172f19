import ServingDomain

/// Where `confluence` measures next: the first probes by a fixed design, the others where the
/// fitted model promises more than the best setting so far.
///
/// A setting is tried only if its predicted tail is within the objective.
struct ConfluenceSearch: Sendable {
    /// What a choice is made for.
    struct Goal: Sendable {
        /// The longest mean latency that keeps the wanted percentile within the objective while
        /// one batch runs, in nanoseconds.
        var target: Double
        /// Whether a request may have to wait for a running batch first.
        var hasQueueing: Bool
        var batchCeiling: Int32, instanceCeiling: Int32
        var kneeMilli: Int32
        /// The part of a rate that an additional instance costs.
        var startPrice: Double
        /// Instances that are loaded already.
        var loaded: Int32

        /// The longest mean latency while `instances` run: an arrival finds the first of them
        /// ending within a `instances`-th of it.
        func limit(_ instances: Int32) -> Double {
            hasQueueing ? target / (1 + 1 / Double(instances)) : target
        }
    }

    /// How far above its limit a measured mean may lie, for its own error.
    private static let slack = 1.01

    var model = LatencyModel()
    private(set) var probed = 0
    private var misses = 0
    private var script = 0
    private var isDesigned = true

    /// Forgets how much was tried, not what was learned.
    ///
    /// - Parameter designing: Whether the first probes are laid out anew, since another objective
    ///   allows others.
    mutating func renew(designing: Bool) {
        probed = 0
        misses = 0
        script = designing ? 1 : 4
    }

    // MARK: What was measured

    /// Whether a cell was measured and holds.
    func holds(_ cell: LatencyModel.Cell, _ goal: Goal) -> Bool {
        cell.samples > 0 && !cell.isAborted && cell.instances <= goal.instanceCeiling
            && cell.batch <= goal.batchCeiling
            && cell.latency <= goal.limit(cell.instances) * Self.slack
    }

    /// The best measured setting: of those within the knee of the best rate, the one of the
    /// smallest latency. nil when none holds.
    func best(_ goal: Goal, kneeMilli: Int32) -> LatencyModel.Cell? {
        let good = model.cells.filter { holds($0, goal) }
        let peak = good.map(\.rate).max() ?? 0
        let least = peak * Double(kneeMilli) / 1_000
        return good.filter { $0.rate >= least }.min { $0.latency < $1.latency }
    }

    /// The setting of the lowest latency, for objectives that nothing meets.
    var quickest: LaneSetting {
        let cell = model.cells.filter { $0.samples > 0 }.min { $0.latency < $1.latency }
        return LaneSetting(batch: cell?.batch ?? 1, instances: cell?.instances ?? 1)
    }

    // MARK: What to measure

    /// The next setting to measure; nil when nothing promises enough.
    ///
    /// Cost: O(settings on a coarse grid), a few microseconds.
    mutating func next(
        _ goal: Goal,
        limit probes: Int,
        allows: (LaneSetting) -> Bool
    ) -> LaneSetting? {
        while script < 4 {
            script += 1
            if let setting = designed(script, goal), allows(setting), model.cell(setting) == nil {
                probed += 1
                isDesigned = true
                return setting
            }
        }
        guard probed < probes else { return nil }
        model.fit()
        let bestRate = best(goal, kneeMilli: 1_000)?.rate ?? 0
        let found =
            (misses < 3 ? promising(goal, above: bestRate, allows) : nil)
            ?? polishing(goal, above: bestRate, allows)
        if found != nil { probed += 1 }
        isDesigned = false
        return found
    }

    /// Takes note of how a probe ended.
    mutating func ended(_ cell: LatencyModel.Cell, _ goal: Goal, before: Double) {
        // The design measures to learn, not to gain.
        guard !isDesigned else { return }
        let isGain = holds(cell, goal) && cell.rate > before * 1.01
        misses = isGain ? 0 : misses + 1
    }

    /// The design: (1, 1); some batch alone; the same with company; batch 1 with company. The
    /// instances go up once, and come down once.
    private func designed(_ step: Int, _ goal: Goal) -> LaneSetting? {
        guard let base = model.cell(LaneSetting(batch: 1, instances: 1)) else {
            return step == 1 ? LaneSetting(batch: 1, instances: 1) : nil
        }
        // Ten at once take at most ten times as long.
        let most = goal.limit(1) / base.latency
        let batch = min(goal.batchCeiling, min(8, Int32(max(1, min(most, 1e6)))))
        switch step {
        case 2: return batch > 1 ? LaneSetting(batch: batch, instances: 1) : nil
        case 3:
            guard batch > 1, let alone = model.cell(LaneSetting(batch: batch, instances: 1)),
                !alone.isAborted
            else { return nil }
            // On the device it takes no longer than its items one by one.
            let turn = min(alone.latency, Double(batch) * base.latency)
            let count = Int32(max(1, min(goal.limit(4) / turn, 4)))
            let instances = min(count, goal.instanceCeiling)
            return instances > 1 ? LaneSetting(batch: batch, instances: instances) : nil
        case 4:
            var instances = Int32(max(1, min(goal.limit(4) / base.latency, 4)))
            // Two take twice as long only if the host takes nothing: a little hope.
            if instances == 1, 2 * base.latency < 1.3 * goal.limit(2) { instances = 2 }
            instances = min(instances, goal.instanceCeiling)
            return instances > 1 ? LaneSetting(batch: 1, instances: instances) : nil
        default: return nil
        }
    }

    /// Batch sizes to look at: all up to 16, then eight to an octave.
    private static let batches: [Int32] = {
        var sizes = Array(Int32(1)...16)
        while let last = sizes.last, last < 1_024 { sizes.append(last + max(1, last / 8)) }
        return sizes
    }()

    private func promising(
        _ goal: Goal,
        above bestRate: Double,
        _ allows: (LaneSetting) -> Bool
    ) -> LaneSetting? {
        let largest = model.cells.reduce(Int32(1)) { max($0, $1.batch) }
        let ceiling = min(goal.batchCeiling, largest * 8)
        var peak = bestRate
        var found: [(latency: Double, rate: Double, setting: LaneSetting)] = []
        for size in Self.batches {
            let batch = min(size, ceiling)
            for instances in 1...goal.instanceCeiling {
                let raw = model.raw(batch, instances)
                let limit = goal.limit(instances)
                guard raw <= limit * 1.2 else { continue }
                let items = Double(batch) * Double(instances)
                // What the lines put far below the peak is not worth a closer look.
                guard items / raw > peak * 0.9 else { continue }
                let setting = LaneSetting(batch: batch, instances: instances)
                guard let latency = expected(setting, goal, limit), allows(setting) else {
                    continue
                }
                found.append((latency, items / latency, setting))
                peak = max(peak, items / latency)
            }
            if size >= ceiling { break }
        }
        let least = peak * Double(goal.kneeMilli) / 1_000
        let near = found.filter { $0.rate >= least }.min { $0.latency < $1.latency }
        guard let near, model.cell(near.setting).map({ $0.samples == 0 }) ?? true else {
            return nil
        }
        let price = Double(max(0, near.setting.instances - goal.loaded)) * goal.startPrice
        return near.rate > bestRate * (1.02 + 0.02 * Double(misses) + price) ? near.setting : nil
    }

    /// The latency to expect of a setting; nil when it does not hold, or something smaller is
    /// known not to.
    private func expected(_ setting: LaneSetting, _ goal: Goal, _ limit: Double) -> Double? {
        for cell in model.cells where cell.samples > 0 {
            if cell.isAt(setting) { return holds(cell, goal) ? cell.latency : nil }
            if cell.batch <= setting.batch, cell.instances <= setting.instances,
                !holds(cell, goal)
            {
                return nil
            }
        }
        let latency = model.predicted(setting.batch, setting.instances)
        return latency <= limit ? latency : nil
    }

    /// A small step from the best setting, where the model is unsure enough to let it be worth it.
    private func polishing(
        _ goal: Goal,
        above bestRate: Double,
        _ allows: (LaneSetting) -> Bool
    ) -> LaneSetting? {
        guard let cell = best(goal, kneeMilli: 1_000) else { return nil }
        let (batch, instances) = (cell.batch, cell.instances)
        let step = max(1, batch / 8)
        let moves = [
            (batch + step, instances), (batch, instances + 1), (batch + step, instances - 1),
            (batch - step, instances + 1),
        ]
        let ratio = cell.latency / model.raw(batch, instances)
        var best: (rate: Double, setting: LaneSetting)?
        for move in moves {
            guard (1...goal.batchCeiling).contains(move.0),
                (1...goal.instanceCeiling).contains(move.1)
            else { continue }
            let setting = LaneSetting(batch: move.0, instances: move.1)
            let limit = goal.limit(move.1)
            guard model.cell(setting) == nil, expected(setting, goal, .infinity) != nil,
                allows(setting)
            else { continue }
            let items = Double(move.0) * Double(move.1)
            let worst = cell.latency * items / (Double(batch) * Double(instances))
            let likely = min(worst, model.raw(move.0, move.1) * ratio)
            guard likely <= limit, worst <= limit * 1.2 else { continue }
            // Somewhere between what the lines say and no change at all.
            let rate = items / (0.7 * likely + 0.3 * cell.latency)
            let price = Double(max(0, move.1 - goal.loaded)) * goal.startPrice
            guard rate > bestRate * (1.02 + price), rate > best?.rate ?? 0 else { continue }
            best = (rate, setting)
        }
        return best?.setting
    }
}
