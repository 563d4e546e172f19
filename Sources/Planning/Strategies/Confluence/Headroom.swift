import ServingDomain

/// Plans that do without some of the headroom that is in the rates.
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
}

extension Plan {
    /// A plan that serves all of `less`, as one for `inputs` that leaves the rest of the headroom.
    func without(from less: PlanInputs, to inputs: PlanInputs) -> Plan {
        var plan = self
        for place in inputs.models.indices {
            let rest = inputs.milliRates[place] - less.milliRates[place]
            guard rest > 0 else { continue }
            plan.unserved.append(
                Unserved(
                    model: inputs.models[place].id,
                    milliRate: rest,
                    why: "it is headroom, given up so that all that is asked for has a place"
                )
            )
        }
        return plan
    }
}
