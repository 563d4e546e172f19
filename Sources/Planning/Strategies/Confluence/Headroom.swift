import ServingDomain

/// Plans that do without some of the rates: first without headroom, then with a little less than
/// what is asked for.
extension PlanInputs {
    /// The same with that part of the headroom, in per cent; nil where there is none.
    func keeping(percent: Int64) -> PlanInputs? {
        guard leastMilliRates.count == milliRates.count else { return nil }
        var inputs = self
        for place in milliRates.indices {
            let (most, least) = (milliRates[place], leastMilliRates[place])
            guard least >= 0, least < most else { continue }
            inputs.milliRates[place] = least + (most - least) / 100 * percent
        }
        return inputs.milliRates == milliRates ? nil : inputs
    }

    /// The same without headroom, and so many per cent of what is asked for now missing of every
    /// model of class low, of every model where all are high; nil where that is not known.
    func short(percent: Int64) -> PlanInputs? {
        guard var inputs = keeping(percent: 0) else { return nil }
        let hasLow = models.contains { $0.priority == .low }
        for place in models.indices where !hasLow || models[place].priority == .low {
            inputs.milliRates[place] -= inputs.milliRates[place] / 100 * percent
        }
        return inputs
    }
}

extension Plan {
    /// Why a plan for all of a demand leaves some of it.
    enum Leave {
        case headroom, little

        fileprivate var words: String {
            switch self {
            case .headroom:
                "it is headroom, given up so that all that is asked for has a place"
            case .little:
                "there is a little more than fits, so every model gets a little less than it asks "
                    + "for instead of one much less"
            }
        }
    }

    /// A plan that serves all of `less`, as one for `inputs` that leaves the rest.
    func without(from less: PlanInputs, to inputs: PlanInputs, _ why: Leave) -> Plan {
        var plan = self
        for place in inputs.models.indices {
            let rest = inputs.milliRates[place] - less.milliRates[place]
            guard rest > 0 else { continue }
            plan.unserved.append(
                Unserved(model: inputs.models[place].id, milliRate: rest, why: why.words)
            )
        }
        return plan
    }
}
