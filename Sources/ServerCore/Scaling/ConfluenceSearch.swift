import ServingDomain

/// Where `confluence` measures next: the first probes by a fixed design, the others where the
/// fitted model promises more than the best setting so far, or is unsure enough to let it hope.
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

        func allows(_ batch: Int32, _ instances: Int32) -> Bool {
            (1...batchCeiling).contains(batch) && (1...instanceCeiling).contains(instances)
        }
    }

    /// A setting and what to expect of it.
    private struct Candidate {
        var setting: LaneSetting
        var latency: Double
        var rate: Double
        /// The rate if it takes one standard error less than predicted.
        var hope: Double
    }

    var model = LatencyModel()
    private(set) var probed = 0
    private var misses = 0
    private var script = 0
    /// Whether the last probe was one of the design.
    private(set) var isDesigned = true

    /// Forgets how much was tried, not what was learned.
    ///
    /// - Parameter designing: Whether the first probes are laid out anew, since another objective
    ///   allows others.
    mutating func renew(designing: Bool) {
        probed = 0
        misses = 0
        script = designing ? 1 : 3
    }

    // MARK: What was measured

    /// Whether a cell was measured and holds.
    func holds(_ cell: LatencyModel.Cell, _ goal: Goal) -> Bool {
        cell.samples > 0 && !cell.isAborted && goal.allows(cell.batch, cell.instances)
            && model.smoothed(cell).latency <= goal.limit(cell.instances)
    }

    /// The best measured setting, as the model steadies it: of those within the knee of the best
    /// rate, the one of the smallest latency. nil when none holds.
    func best(_ goal: Goal, kneeMilli: Int32) -> LatencyModel.Cell? {
        var good: [LatencyModel.Cell] = []
        for cell in model.cells where holds(cell, goal) { good.append(steadied(cell)) }
        guard let fastest = good.max(by: { $0.rate < $1.rate }) else { return nil }
        // What can't be told apart counts as equal.
        let knee = 1 - Double(kneeMilli) / 1_000
        let least = fastest.rate * (1 - (knee > 0 ? max(knee, 1.4 * fastest.error) : 0))
        return good.filter { $0.rate >= least }.min { $0.latency < $1.latency }
    }

    /// A cell with the latency that its own mean and the lines agree on.
    func steadied(_ cell: LatencyModel.Cell) -> LatencyModel.Cell {
        var steadied = cell
        let guess = model.smoothed(cell)
        (steadied.latency, steadied.error) = (guess.latency, guess.error)
        return steadied
    }

    /// The setting of the lowest latency, for objectives that nothing meets.
    var quickest: LaneSetting {
        let cell = model.cells.filter { $0.samples > 0 }.min { $0.latency < $1.latency }
        return cell?.setting ?? .least
    }

    // MARK: What to measure

    /// The next setting to measure; nil when nothing promises enough.
    ///
    /// - Parameter hoping: Whether a setting may be tried only because little is known of it.
    /// Cost: O(settings on a coarse grid), a few microseconds.
    mutating func next(
        _ goal: Goal,
        limit probes: Int,
        hoping: Bool = true,
        allows: (LaneSetting) -> Bool
    ) -> LaneSetting? {
        while script < 3 {
            script += 1
            if let setting = designed(script, goal), allows(setting), model.cell(setting) == nil {
                probed += 1
                isDesigned = true
                return setting
            }
        }
        guard probed < probes, misses < 4 else { return nil }
        let best = best(goal, kneeMilli: 1_000)
        let candidates = candidates(goal, above: best?.rate ?? 0, allows)
        let found =
            promising(candidates, goal, best)
            ?? (hoping ? otherwise(goal, best, allows) ?? hopeful(candidates, goal, best) : nil)
        if found != nil { probed += 1 }
        isDesigned = false
        return found
    }

    /// What the other explanation of the cells promises, where it fits nearly as well.
    private mutating func otherwise(
        _ goal: Goal,
        _ best: LatencyModel.Cell?,
        _ allows: (LaneSetting) -> Bool
    ) -> LaneSetting? {
        guard model.hasAlternative else { return nil }
        model.swapExplanations()
        defer { model.swapExplanations() }
        return promising(candidates(goal, above: best?.rate ?? 0, allows), goal, best)
    }

    /// Takes note of how a probe ended.
    mutating func ended(_ cell: LatencyModel.Cell, _ goal: Goal, before: Double) {
        // The design measures to learn, not to gain.
        guard !isDesigned else { return }
        let isGain = holds(cell, goal) && cell.rate > before * 1.01
        misses = isGain ? 0 : misses + 1
    }

    /// The design: (1, 1); some batch alone; batch 1 with company.
    private func designed(_ step: Int, _ goal: Goal) -> LaneSetting? {
        guard let base = model.cell(.least) else {
            return step == 1 ? .least : nil
        }
        switch step {
        case 2:
            // Ten at once take at most ten times as long.
            let most = min(goal.limit(1) / base.latency, 8)
            let batch = min(goal.batchCeiling, Int32(max(1, most)))
            return batch > 1 ? LaneSetting(batch: batch, instances: 1) : nil
        case 3:
            var instances = Int32(max(1, min(goal.limit(4) / base.latency, 4)))
            // Two take twice as long only if the host takes nothing: a little hope.
            if instances == 1, 2 * base.latency < 1.3 * goal.limit(2) { instances = 2 }
            instances = min(instances, goal.instanceCeiling)
            return instances > 1 ? LaneSetting(batch: 1, instances: instances) : nil
        default: return nil
        }
    }

    /// Batch sizes to look at: all up to 32, then eight to an octave.
    private static let batches: [Int32] = {
        var sizes = Array(Int32(1)...32)
        while let last = sizes.last, last < 1_024 { sizes.append(last + max(1, last / 8)) }
        return sizes
    }()

    /// What may be tried, and what was measured and holds, unless it is far below the best rate.
    private func candidates(
        _ goal: Goal,
        above bestRate: Double,
        _ allows: (LaneSetting) -> Bool
    ) -> [Candidate] {
        let largest = model.cells.reduce(Int32(1)) { max($0, $1.batch) }
        let ceiling = min(goal.batchCeiling, largest * 8)
        var peak = bestRate
        var found: [Candidate] = []
        for size in Self.batches {
            let batch = min(size, ceiling)
            for instances in 1...goal.instanceCeiling {
                let raw = model.raw(batch, instances)
                guard raw <= goal.limit(instances) * 1.2 else { break }
                let items = Double(batch) * Double(instances)
                guard items / raw > peak * 0.9 else { continue }
                let setting = LaneSetting(batch: batch, instances: instances)
                guard let guess = expected(setting, goal), allows(setting) else { continue }
                let rate = items / guess.latency
                let hope = rate / (1 - min(guess.error, 0.15))
                guard hope > peak * 0.97 else { continue }
                found.append(
                    Candidate(setting: setting, latency: guess.latency, rate: rate, hope: hope)
                )
                peak = max(peak, rate)
            }
            if size >= ceiling { break }
        }
        return found
    }

    /// What to expect of a setting; nil when it does not hold, or something smaller is known
    /// not to.
    private func expected(_ setting: LaneSetting, _ goal: Goal) -> LatencyModel.Guess? {
        let limit = goal.limit(setting.instances)
        for cell in model.cells where cell.samples > 0 {
            if cell.isAt(setting) { return holds(cell, goal) ? model.smoothed(cell) : nil }
            if cell.isAborted, cell.batch <= setting.batch, cell.instances <= setting.instances {
                return nil
            }
        }
        let guess = model.predicted(setting.batch, setting.instances)
        return guess.latency <= limit ? guess : nil
    }

    /// The part of the rate that a setting's new instances cost: their start, and that another
    /// setting serves while they come.
    func price(_ setting: LaneSetting, _ goal: Goal) -> Double {
        let new = setting.instances - goal.loaded
        return new > 0 ? 0.01 + Double(new) * goal.startPrice : 0
    }

    private func isMeasured(_ setting: LaneSetting) -> Bool {
        model.cell(setting).map { $0.samples > 0 } ?? false
    }

    /// The lowest latency among those near the highest predicted rate, if that is new and better.
    private func promising(
        _ candidates: [Candidate],
        _ goal: Goal,
        _ best: LatencyModel.Cell?
    ) -> LaneSetting? {
        let peak = candidates.reduce(0) { max($0, $1.rate) }
        let least = peak * Double(goal.kneeMilli) / 1_000
        let near = candidates.filter { $0.rate >= least }.min { $0.latency < $1.latency }
        guard let near, !isMeasured(near.setting) else { return nil }
        // As fast as the best, which is close to the objective, and quicker: worth a step down.
        if let best, near.setting.instances <= goal.loaded, near.latency < 0.9 * best.latency,
            near.rate >= 0.99 * best.rate, best.latency > 0.85 * goal.limit(best.instances)
        {
            return near.setting
        }
        let gain = 1.01 + 0.01 * Double(misses) + price(near.setting, goal)
        return near.rate > (best?.rate ?? 0) * gain ? near.setting : nil
    }

    /// Where the model is unsure enough to let it be worth a look.
    private func hopeful(
        _ candidates: [Candidate],
        _ goal: Goal,
        _ best: LatencyModel.Cell?
    ) -> LaneSetting? {
        let rate = best?.rate ?? 0
        return candidates.filter {
            !isMeasured($0.setting)
                && $0.hope > rate * (1.03 + 0.02 * Double(misses) + price($0.setting, goal))
        }.max { $0.hope < $1.hope }?.setting
    }
}
