public import ServingDomain

/// Guided self-tuning, as gpu-lets compares itself with it (GSLICE-like; notes, section 4), or
/// `greedy_part` of its public code with `margins=released,order=released`.
///
/// Devices are split, but without a knee: a model takes the smallest part whose rate exceeds what
/// is left of its own, or the largest part, again and again. Nobody shares in time and slowdowns
/// are not foreseen.
public struct SelfTuningPlanner: Planner {
    /// What it was told; there is no interference and no sharing in time.
    public let options: GpuletOptions

    /// Creates the planner.
    public init(options: GpuletOptions = GpuletOptions()) { self.options = options }

    /// The name under which it is asked for, options included.
    public var name: String { "self-tuning" + options.suffix }

    /// Makes a plan; what finds no place is unserved, with the reason.
    public func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        var options = options
        options.interference = false
        options.temporal = false
        if options.order == .released {
            var rules = options.releasedRules
            rules.selfTuning = true
            return ReleasedPlanning(rules: rules, host: options.host, isExhaustive: false)
                .plan(inputs, named: name)
        }
        var placing = PaperPlacing(PaperTables(inputs, options))
        placing.placeByTuning()
        return placing.plan(named: name)
    }
}

extension PaperPlacing {
    /// Places everything that can be placed in parts just large enough.
    mutating func placeByTuning() {
        for model in byRate {
            while wants(model) {
                if !placeByTuning(model) { isStuck[model] = true }
            }
        }
    }

    private mutating func placeByTuning(_ model: Int) -> Bool {
        let rest = owed[model]
        let wanted = devices.indices.map { device -> Int32 in
            let rows = tables.rows(model, on: device)
            return (rows.first { $0.saturated.milliRate > rest } ?? rows.last)?.units ?? .max
        }
        let spots = free
        for spot in spots where spot.units >= wanted[spot.device] {
            let isCut = self.rest(of: spot, after: wanted[spot.device]) != nil
            let isExact = isCut || spot.units == wanted[spot.device]
            if take(
                spot,
                units: wanted[spot.device],
                for: model,
                milliRate: rest,
                reason: isExact ? .rest : .leftOver
            ) {
                return true
            }
        }
        for spot in spots.reversed() where spot.units < wanted[spot.device] {
            if take(spot, units: spot.units, for: model, milliRate: rest, reason: .largestFree) {
                return true
            }
        }
        return false
    }
}
