import ServingDomain

/// Epochs: the plan is made anew when demand has drifted away from what it was made for.
extension ServerCore {
    /// Counts an arrival, where there are epochs.
    mutating func noteDemand(of model: ModelID) {
        guard let rules = control.rules else { return }
        control.demand[model.position].count(at: now, rules)
    }

    /// Ends the epochs that have passed; a drift of demand asks for a plan.
    mutating func endEpoch() {
        guard let rules = control.rules else { return }
        // The first epoch begins with the first event.
        if control.epochEnd == .distantFuture { control.epochEnd = now + rules.period }
        guard control.epochEnd <= now else { return }
        // Late wakes skip epochs instead of catching up with them.
        let passed = (now - control.epochEnd).nanoseconds / rules.period.nanoseconds
        control.epochEnd =
            control.epochEnd + TimeSpan(nanoseconds: (passed + 1) * rules.period.nanoseconds)
        var drifts = false
        for place in state.models.indices where state.models[place].state == .serving {
            let drift = judgeDemand(place, rules)
            if drift == .fall, rules.repartitionsOnFall { control.beginsAnew = true }
            drifts = drifts || drift != .none
        }
        // A share that is larger than its lanes need is a reason, too, but only once.
        if hasNewWish() { drifts = true }
        drifts = drifts || control.hasNewRows
        retryIfDue()
        if drifts, now - control.asked >= rules.calm || hasSurge() { control.needsPlan = true }
    }

    /// Asks for a plan where the last one did not come about; forgets failures where it did.
    private mutating func retryIfDue() {
        guard control.failures > 0, !control.isPlanning, control.pending == nil,
            control.rollout == nil, !state.isAnyStarting
        else { return }
        if !control.isGivenUp {
            control.failures = 0
        } else if control.isRetryDue(at: now) {
            control.needsPlan = true
        }
    }

    /// Whether some model is asked for half as much again as the plan was made for.
    private func hasSurge() -> Bool {
        control.demand.contains { demand in
            guard let asked = demand.asked, let planned = demand.planned else { return false }
            return asked > planned + planned / 2
        }
    }

    private enum Drift {
        case none, rise, fall
    }

    /// Compares a model's target with its plan; where it has drifted, the next plan is for it.
    private mutating func judgeDemand(_ place: Int, _ rules: EpochRules) -> Drift {
        // Without a plan nothing can have drifted from it.
        guard let planned = control.demand[place].planned,
            let measured = control.demand[place].target(at: now, rules)
        else { return .none }
        let target = max(measured, rules.floorMilliRate)
        let rise = planned * rules.riseMilli / 1_000
        let isRise = target > planned + rise || target > planned + rules.riseMilliRate
        if isRise, target > planned + rules.leastRiseMilliRate {
            control.demand[place].falls = 0
            control.demand[place].asked = target
            return .rise
        }
        guard target < planned - planned * rules.fallMilli / 1_000 else {
            control.demand[place].falls = 0
            return .none
        }
        control.demand[place].falls += 1
        guard control.demand[place].falls >= rules.fallEpochs else { return .none }
        control.demand[place].falls = 0
        control.demand[place].asked = target
        return .fall
    }

    /// The rate to plan for, in thousandths of a request per second.
    mutating func rateToPlan(for place: Int) -> Int64 {
        guard let rules = control.rules else {
            return state.models[place].rate.milliRate(at: now)
        }
        let demand = control.demand[place]
        let rate = demand.asked ?? demand.planned
        return max(rate ?? state.models[place].rate.milliRate(at: now), rules.floorMilliRate)
    }

    /// Takes note of the rates that a plan was made for, served or not; nil = there is no plan,
    /// and the drift that asked for one will ask again.
    mutating func noteRates(of answer: Plan?) {
        guard control.rules != nil else { return }
        guard let plan = answer else {
            for place in control.demand.indices { control.demand[place].asked = nil }
            return
        }
        var rates = Array(repeating: Int64(0), count: state.models.count)
        for layout in plan.devices {
            for gpulet in layout.gpulets {
                for lane in gpulet.lanes where isKnown(lane.model) {
                    rates[lane.model.position] &+= lane.milliRate
                }
            }
        }
        for rest in plan.unserved where isKnown(rest.model) {
            rates[rest.model.position] &+= rest.milliRate
        }
        for place in state.models.indices {
            let isServing = state.models[place].state == .serving
            // Plans that do not go by rates are for what was asked.
            let rate = rates[place] > 0 ? rates[place] : control.demand[place].asked ?? 0
            control.demand[place].planned = isServing ? rate : nil
            control.demand[place].asked = nil
        }
    }
}
