public import ServingDomain

/// Questions that take many plans: how much of a demand there could be, and on how few devices.
///
/// Planners need not be monotonous: one that fails at some rate may well manage a higher one. The
/// answers here are what halving finds, as `Docs/FILES.md` says.
public enum DemandSearch {
    /// The largest multiple that is looked for, in thousandths.
    public static let multipleLimit: Int64 = 1_000_000_000
    /// The most devices that are looked for.
    public static let deviceLimit = 4_096

    /// The highest multiple of a demand that has a place.
    public struct Multiple: Hashable, Sendable {
        /// In thousandths of the demand.
        public var milli: Int64
        /// The plan at that multiple.
        public var plan: Plan
    }

    /// The fewest devices on which a demand has a place.
    public struct Devices: Hashable, Sendable {
        /// The devices: the first of those that there are, then copies of the last one.
        public var devices: [DeviceSpec]
        /// The plan on them.
        public var plan: Plan
    }

    /// The highest multiple of the demand that `planner` serves whole, to a thousandth of it.
    ///
    /// - Returns: nil where nothing is asked for, or not even a thousandth has a place.
    /// - Throws: What the planner throws.
    ///
    /// Cost: some 20 to 40 plans.
    public static func highestMultiple(
        of inputs: PlanInputs,
        by planner: any Planner
    ) throws(PlanError) -> Multiple? {
        guard inputs.milliRates.contains(where: { $0 > 0 }) else { return nil }
        var best: Multiple?
        func serves(_ milli: Int64) throws(PlanError) -> Bool {
            let plan = try planner.plan(scaled(inputs, milli: milli))
            guard plan.schedulable else { return false }
            if best.map({ $0.milli < milli }) ?? true {
                best = Multiple(milli: milli, plan: plan)
            }
            return true
        }
        var low: Int64 = 1_000
        while try !serves(low) {
            guard low > 1 else { return nil }
            low /= 2
        }
        var high = low * 2
        while high <= multipleLimit, try serves(high) {
            low = high
            high *= 2
        }
        while high - low > max(1, low / 1_000) {
            let middle = low + (high - low) / 2
            if try serves(middle) { low = middle } else { high = middle }
        }
        return best
    }

    /// The fewest devices on which `planner` serves the whole demand.
    ///
    /// Where all devices that there are do not suffice, copies of the last one are added.
    ///
    /// - Parameters:
    ///   - inputs: The demand, and the devices that there are.
    ///   - planner: Who makes the plans.
    ///   - limit: The most devices that are looked for.
    /// - Returns: nil where `limit` devices do not suffice, as when an objective can't be kept at
    ///   all, or would not by far, judged by what fewer devices serve.
    /// - Throws: What the planner throws.
    ///
    /// Cost: some 2 x log(devices) plans.
    public static func fewestDevices(
        for inputs: PlanInputs,
        by planner: any Planner,
        limit: Int = deviceLimit
    ) throws(PlanError) -> Devices? {
        precondition((1...deviceLimit).contains(limit))
        let demand = inputs.milliRates.reduce(0) { $0 + Double($1) }
        var best: Devices?
        var isHopeless = false
        func suffices(_ count: Int) throws(PlanError) -> Bool {
            var inputs = inputs
            inputs.devices = devices(count, of: inputs.devices)
            inputs.present = nil
            let plan = try planner.plan(inputs)
            guard plan.schedulable else {
                // Twice as many as there may be would not do, if each served as much as these.
                let served = demand - plan.unserved.reduce(0) { $0 + Double($1.milliRate) }
                isHopeless =
                    served > 0 && served / Double(count) * Double(2 * limit) < demand
                return false
            }
            if best.map({ $0.devices.count > count }) ?? true {
                best = Devices(devices: inputs.devices, plan: plan)
            }
            return true
        }
        guard !inputs.devices.isEmpty else { return nil }
        var high = 1
        while try !suffices(high) {
            guard high < limit, !isHopeless else { return nil }
            high = min(limit, high * 2)
        }
        var low = high / 2
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if try suffices(middle) { high = middle } else { low = middle }
        }
        return best
    }

    private static func scaled(_ inputs: PlanInputs, milli: Int64) -> PlanInputs {
        var scaled = inputs
        scaled.present = nil
        scaled.milliRates = inputs.milliRates.map { rate in
            let (product, overflow) = rate.multipliedReportingOverflow(by: milli)
            // Half of the range: sums over models must not overflow either.
            let most = Int64.max / 65_536
            return overflow ? most : min(most, rate > 0 ? max(1, product / 1_000) : 0)
        }
        return scaled
    }

    private static func devices(_ count: Int, of given: [DeviceSpec]) -> [DeviceSpec] {
        var devices = Array(given.prefix(count))
        guard let last = given.last else { return devices }
        while devices.count < count {
            var copy = last
            copy.id = DeviceID(Int32(devices.count))
            copy.name = "\(last.name)+\(devices.count - given.count + 1)"
            devices.append(copy)
        }
        return devices
    }
}
