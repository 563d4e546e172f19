public import ServingDomain

/// Sluice's own planner: any number of gpulets per device, batch and instances chosen at the final
/// share, several models per gpulet in time, both sides of interference checked.
///
/// A lane is given as much as `BatchQueue` says that it serves with at most half of the allowed
/// violations under Poisson arrivals; `confluence:capacity=paper` uses gpu-lets' own test instead.
/// The search starts from greedy drafts (and from the present plan, whose lanes it moves only where
/// that is worth its price), then takes two or three devices at a time apart and fills them anew,
/// within a counted budget of gpulets tried. `Plan.bound` is the dual of a linear program over
/// units: see `UnitPrices`. A model without demand gets no seat.
/// Cost: O(models x points + devices x sizes of a few models); 9 models on 4 devices take
/// milliseconds.
public struct ConfluencePlanner: Planner {
    /// Which test a gpulet must pass.
    public enum Capacity: String, Sendable, CaseIterable {
        /// A target violation under Poisson arrivals.
        case queue
        /// 2 L <= SLO, or fill + L <= SLO; shared: duty cycle + sum L <= SLO (gpu-lets).
        case paper
    }

    /// Which test a gpulet must pass.
    public var capacity = Capacity.queue
    /// Ablations and margins; the papers' order and the released code's rules play no part.
    public var options = GpuletOptions()
    /// How many gpulets are tried, in per cent of the usual, 1...10,000.
    public var effort: Int32 = 100

    /// Creates the planner with all that it can do.
    public init() {}

    /// Makes a plan. Where the headroom in the rates is what finds no place, it is given up, by
    /// half if that is enough: what is asked for goes before what may be. Where what is asked for
    /// is up to 15 % too much, every low model is planned for that much less, since a lane that is
    /// a little too busy misses some requests and a lane too few misses most.
    ///
    /// - Throws: `PlanError` where two devices or two models have the same identifier, or devices
    ///   are out of order.
    public func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        try check(inputs)
        let plan = plan(for: inputs)
        guard !plan.unserved.isEmpty else { return plan }
        for percent in [50, 0] as [Int64] {
            guard let less = inputs.keeping(percent: percent) else { break }
            let other = self.plan(for: less)
            if other.unserved.isEmpty { return other.without(from: less, to: inputs, .headroom) }
        }
        for percent in [5, 10, 15] as [Int64] {
            guard let less = inputs.short(percent: percent) else { break }
            // What a plan for more is known not to reach, one for less does not reach either.
            if let bound = plan.bound, bound.milliRate < less.milliRates.reduce(0, +) { continue }
            let other = self.plan(for: less)
            if other.unserved.isEmpty { return other.without(from: less, to: inputs, .little) }
        }
        return plan
    }

    private func plan(for inputs: PlanInputs) -> Plan {
        // The high class gets a tenth more than its demand, unless that costs somebody a seat.
        let hasHigh = inputs.models.contains { $0.priority == .high }
        var result: PlanWriter?
        for reserve in hasHigh ? [1.1, 1] : [1] {
            var problem = ConfluenceProblem(inputs, of: self, reserve: reserve)
            problem.setPrices()
            let prices = UnitPrices(of: problem)
            let count = inputs.devices.count
            var search = ConfluenceSearch(
                problem,
                need: prices.need,
                present: inputs.present,
                mayShare: options.temporal,
                budget: (3_000 + 150 * count) * Int(effort) / 100
            )
            let draft = draft(by: &search, inputs, isLast: reserve == 1)
            var writer = PlanWriter(problem, draft, bound: prices.milliRate, planner: name)
            writer.verify()
            if reserve == 1, let other = pooled(writer, &search, problem) { writer = other }
            result = writer
            if writer.isComplete { break }
        }
        return result?.plan ?? Plan(planner: name, devices: [])
    }

    private func draft(
        by search: inout ConfluenceSearch,
        _ inputs: PlanInputs,
        isLast: Bool
    ) -> PlanDraft {
        let count = inputs.devices.count
        let budget = search.budget
        var best = search.start(from: inputs.present)
        // Many devices: without room for the reserve, better look without it at once.
        guard search.isServed(best) || isLast || count <= 16 else { return best }
        // What is served already is only packed tighter, which is worth less time.
        let isServed = search.isServed(best)
        search.improve(&best, patience: isServed ? 12 + count / 4 : 300 + count)
        guard !search.isServed(best), isLast else { return best }
        // Not everything fits: from now on it is the rate that counts, not the units.
        if !search.isOverloaded {
            search.isOverloaded = true
            search.budget = budget / 2
            best = search.better(best, search.fresh(bears: true, variant: 0))
            if count <= 64 { search.improve(&best, patience: 100 + count) }
        }
        return best
    }

    /// A plan with several lanes behind one queue, if it serves more than `first`.
    private func pooled(
        _ first: PlanWriter,
        _ search: inout ConfluenceSearch,
        _ problem: ConfluenceProblem
    ) -> PlanWriter? {
        guard !first.isComplete else { return nil }
        search.isOverloaded = true
        search.budget = (1_500 + 75 * problem.inputs.devices.count) * Int(effort) / 100
        guard let draft = search.pooled(first.draft, problem.inputs.present) else { return nil }
        // Behind one queue a lane may be busier than the bound for single ones takes for granted.
        var raised = problem
        raised.raiseIdeals(of: search.pooled)
        let bound = UnitPrices(of: raised).milliRate
        var writer = PlanWriter(problem, draft, bound: max(first.bound, bound), planner: name)
        writer.verify()
        return search.better(first.draft, writer.draft) == first.draft ? nil : writer
    }

    private func check(_ inputs: PlanInputs) throws(PlanError) {
        for (device, next) in zip(inputs.devices, inputs.devices.dropFirst())
        where device.id >= next.id {
            throw PlanError(
                "Devices '\(device.name)' and '\(next.name)' have the identifiers"
                    + " \(device.id.index) and \(next.id.index); give each its own, ascending."
            )
        }
        let sorted = inputs.models.sorted { $0.id < $1.id }
        for (model, next) in zip(sorted, sorted.dropFirst()) where model.id == next.id {
            throw PlanError(
                "Models '\(model.name)' and '\(next.name)' share the identifier"
                    + " \(model.id.index); give each its own."
            )
        }
    }
}
