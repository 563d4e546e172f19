public import ServingDomain

/// gpu-lets' elastic partitioning (ATC'22; notes, 2.1), or its public code with
/// `margins=released,order=released` (notes, 2.2).
///
/// Models go largest rate first. Each looks for the smaller of its knee (the share with the most
/// rate per unit) and the smallest share that serves what is left of its rate; free parts are
/// tried in increasing size, whole devices are split; what fits beside others on a gpulet in time
/// is merged there before a split is kept. Predicted slowdowns of both sides enter the test of
/// the objective; a neighbour that can't keep its rate is owed the rest again.
///
/// Where the paper's description ends ("not schedulable"), the largest free part is taken even
/// if it is smaller than wanted, as the public code does. Cost: about O(models x devices x
/// batches); 9 models on 4 devices take well under 2 ms.
public struct ElasticPlanner: Planner {
    /// What it was told.
    public let options: GpuletOptions

    /// Creates the planner; the defaults are the paper's.
    public init(options: GpuletOptions = GpuletOptions()) { self.options = options }

    /// The name under which it is asked for, options included.
    public var name: String { "elastic" + options.suffix }

    /// Makes a plan; what finds no place is unserved, with the reason.
    public func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        if options.order == .released {
            return ReleasedPlanning(
                rules: options.releasedRules,
                host: options.host,
                isExhaustive: false
            ).plan(inputs, named: name)
        }
        var placing = PaperPlacing(PaperTables(inputs, options))
        placing.placeElastically()
        return placing.plan(named: name)
    }
}

extension PaperPlacing {
    /// Places everything that can be placed by elastic partitioning.
    ///
    /// Ends because every step fills a free gpulet or adds a lane, and neither is undone.
    mutating func placeElastically() {
        let order = byRate
        while let model = order.first(where: { wants($0) }) {
            if !placeElastically(model) { isStuck[model] = true }
        }
    }

    /// One more seat for `model`; false if there is none.
    private mutating func placeElastically(_ model: Int) -> Bool {
        let rest = owed[model]
        let ideals = devices.indices.map { tables.ideal(model, on: $0, for: rest) }
        let isRest = devices.indices.contains { device in
            tables.required(model, on: device, for: rest).map { $0 <= ideals[device] ?? 0 } ?? false
        }
        var hasTried = false
        if isRest, tables.options.temporal {
            hasTried = true
            if share(model, milliRate: rest) { return true }
        }
        let spots = free
        for spot in spots {
            guard let ideal = ideals[spot.device], spot.units >= ideal else { continue }
            let isCut = self.rest(of: spot, after: ideal) != nil || spot.units == ideal
            let isKnee = ideal == tables.knee(model, on: spot.device)
            let reason: PaperLane.Reason = isCut ? (isKnee ? .knee : .rest) : .leftOver
            if take(spot, units: ideal, for: model, milliRate: rest, reason: reason) {
                return true
            }
        }
        if !hasTried, tables.options.temporal, share(model, milliRate: rest) { return true }
        for spot in spots.reversed() where spot.units < ideals[spot.device] ?? 0 {
            if take(spot, units: spot.units, for: model, milliRate: rest, reason: .largestFree) {
                return true
            }
        }
        return false
    }
}
