public import ServingDomain

/// Sharing in time alone: Nexus' squishy bin packing on whole devices, the papers' baseline
/// (gpu-lets' notes, section 4), or `timesharing_only` of its public code with
/// `margins=released,order=released`.
///
/// A model that fills devices gets them; the rests are sorted by occupancy and merged, each onto
/// the fullest device on which every objective still holds. Nobody has co-runners.
public struct TemporalPlanner: Planner {
    /// What it was told; devices are never split and there is no interference.
    public let options: GpuletOptions

    /// Creates the planner.
    public init(options: GpuletOptions = GpuletOptions()) { self.options = options }

    /// The name under which it is asked for, options included.
    public var name: String { "temporal" + options.suffix }

    /// Makes a plan; what finds no place is unserved, with the reason.
    public func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        var options = options
        options.spatial = false
        options.interference = false
        if options.order == .released {
            return ReleasedPlanning(
                rules: options.releasedRules,
                host: options.host,
                isExhaustive: false
            ).plan(inputs, named: name)
        }
        var placing = PaperPlacing(PaperTables(inputs, options))
        placing.placeInTime()
        return placing.plan(named: name)
    }
}

extension PaperPlacing {
    /// Places everything that can be placed on undivided devices.
    mutating func placeInTime() {
        let order = byRate
        for model in order {
            while wants(model), let spot = saturable(by: model) {
                let full = tables.row(model, on: spot.device, units: spot.units)
                let rate = full?.saturated.milliRate ?? 0
                guard
                    take(spot, units: spot.units, for: model, milliRate: rate, reason: .wholeDevice)
                else { break }
            }
        }
        let rests = order.filter { wants($0) }.map { (occupancy: occupancy(of: $0), model: $0) }
        let sorted = rests.enumerated().sorted {
            ($1.element.occupancy, $0.offset) < ($0.element.occupancy, $1.offset)
        }
        for (_, rest) in sorted { placeRest(rest.model) }
    }

    private mutating func placeRest(_ model: Int) {
        if tables.options.temporal, share(model, milliRate: owed[model]) { return }
        for spot in free where wants(model) {
            _ = take(
                spot,
                units: spot.units,
                for: model,
                milliRate: owed[model],
                reason: .wholeRest
            )
        }
        if wants(model) { isStuck[model] = true }
    }

    /// The free device that `model` fills best: the highest rate that is not more than it wants.
    private func saturable(by model: Int) -> Spot? {
        var best: (milliRate: Int64, spot: Spot)?
        for spot in free {
            let row = tables.row(model, on: spot.device, units: spot.units)
            guard let rate = row?.saturated.milliRate, rate > 0, rate <= owed[model] else {
                continue
            }
            if best.map({ rate > $0.milliRate }) ?? true { best = (rate, spot) }
        }
        return best?.spot
    }

    /// How busy what is left of `model` would keep a device by itself.
    private func occupancy(of model: Int) -> Double {
        for device in devices.indices {
            guard let row = tables.rows(model, on: device).last else { continue }
            let member = Turns.Member(
                milliRate: owed[model],
                slo: tables.slos[model],
                curve: row.curve
            )
            guard let turns = Turns.solve([member]), let batch = turns.batches.first else {
                continue
            }
            let turn = PaperTables.gathering(Int64(batch), owed[model])
            return Double(row.curve[Int(batch) - 1]) / Double(max(1, turn))
        }
        return 0
    }
}
