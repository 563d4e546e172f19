public import ServingDomain

/// Questions that are answered by planning again: how much more, with how many devices.
public enum WhatIf {
    /// The highest multiple of a demand that a planner calls schedulable.
    public struct HighestRate: Hashable, Sendable {
        /// What every rate may be multiplied by; 0 where no multiple finds a place.
        public let multiple: Double
        /// The rates at that multiple, in thousandths of a request per second.
        public let milliRates: [Int64]
        /// The plan for them; nil where there is none.
        public let plan: Plan?

        /// Creates an answer.
        public init(multiple: Double, milliRates: [Int64], plan: Plan?) {
            self.multiple = multiple
            self.milliRates = milliRates
            self.plan = plan
        }
    }

    /// Finds the highest multiple of `inputs`' demand that `planner` calls schedulable.
    ///
    /// By doubling, then halving until two multiples differ by less than `precision`, at most 100
    /// plans. Heuristics are not monotone: the answer itself is schedulable, and one that is
    /// `precision` higher is not, but there may be other islands above.
    /// A demand of nothing is answered with multiple 1.
    ///
    /// - Throws: what the planner throws.
    public static func highestRate(
        of inputs: PlanInputs,
        with planner: any Planner,
        precision: Double = 0.001
    ) throws(PlanError) -> HighestRate {
        func attempt(_ multiple: Double) throws(PlanError) -> HighestRate? {
            var asked = inputs
            asked.milliRates = inputs.milliRates.map { scaled($0, by: multiple) }
            // Rates that are rounded to nothing are served by anything.
            let isNothing = !asked.milliRates.contains { $0 > 0 }
            guard !isNothing || multiple == 1 else { return nil }
            let plan = try planner.plan(asked)
            guard plan.schedulable else { return nil }
            return HighestRate(multiple: multiple, milliRates: asked.milliRates, plan: plan)
        }
        let nothing = HighestRate(
            multiple: 0,
            milliRates: inputs.milliRates.map { _ in 0 },
            plan: nil
        )
        guard inputs.milliRates.contains(where: { $0 > 0 }) else {
            return try attempt(1) ?? nothing
        }
        var best: HighestRate?
        var low = 0.0
        var high = 1.0
        while high <= 1_048_576, let found = try attempt(high) {
            (best, low) = (found, high)
            high *= 2
        }
        if best == nil {
            low = 0.5
            while low >= 1e-12 {
                if let found = try attempt(low) {
                    best = found
                    break
                }
                high = low
                low /= 2
            }
        }
        guard best != nil else { return nothing }
        while high - low > low * max(1e-9, precision) {
            let middle = (low + high) / 2
            if let found = try attempt(middle) {
                (best, low) = (found, middle)
            } else {
                high = middle
            }
        }
        return best ?? nothing
    }

    /// The fewest devices with which `planner` serves all of `inputs`' demand; nil if even
    /// `limit` do not.
    ///
    /// The first devices of `inputs` are taken; beyond their number they are repeated in order.
    /// Up to 16 every number is tried; beyond, numbers are doubled and then halved, in the belief
    /// that more devices don't hurt. Cost: a plan per number that is tried.
    ///
    /// - Throws: what the planner throws.
    public static func devicesNeeded(
        for inputs: PlanInputs,
        with planner: any Planner,
        limit: Int = 1_024
    ) throws(PlanError) -> Int? {
        guard inputs.milliRates.contains(where: { $0 > 0 }) else { return 0 }
        guard !inputs.devices.isEmpty else { return nil }
        func serves(_ count: Int) throws(PlanError) -> Bool {
            try planner.plan(withDevices(count, of: inputs)).schedulable
        }
        for count in 1...max(1, min(16, limit)) where try serves(count) { return count }
        var low = 16
        var high = 32
        while high <= limit, try !serves(high) { (low, high) = (high, high * 2) }
        guard high <= limit else { return nil }
        while high - low > 1 {
            let middle = (low + high) / 2
            if try serves(middle) { high = middle } else { low = middle }
        }
        return high
    }

    /// The same question with `count` devices: the first ones, then copies of them in order.
    public static func withDevices(_ count: Int, of inputs: PlanInputs) -> PlanInputs {
        guard !inputs.devices.isEmpty else { return inputs }
        var asked = inputs
        let used = inputs.devices.map(\.id.index).max() ?? 0
        asked.devices = (0..<count).map { place in
            var device = inputs.devices[place % inputs.devices.count]
            let copy = place / inputs.devices.count
            if copy > 0 {
                device.id = DeviceID(used + Int32(place - inputs.devices.count) + 1)
                device.name += "+\(copy)"
            }
            return device
        }
        return asked
    }

    static func scaled(_ milliRate: Int64, by multiple: Double) -> Int64 {
        Int64(min(9e15, (Double(milliRate) * multiple).rounded()))
    }
}
