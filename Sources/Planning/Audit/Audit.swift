public import ServingDomain

/// Checks plans against the rules that make a plan valid (design, section 4, rules 1 to 8).
///
/// Written apart from every planner, on the profile alone, so that anybody can check a plan that
/// anybody made. Rule 9, same input same bytes, needs two runs and is for tests.
///
/// What the planner's name promises decides which rules apply: `whole` is held to 2 and 6 only;
/// `confluence` without `capacity=paper` to 5 in place of the test of the objective in 4; names
/// with margins to the demand and slack that those imply (7). The released code's own order
/// (`order=released`) lets an objective be exceeded by a twentieth and repairs only some of
/// what a neighbour suffers, so its plans are held to latencies without slowdown.
public enum Audit {
    /// One rule that a plan breaks.
    public struct Violation: Hashable, Sendable, CustomStringConvertible {
        /// The number of the rule.
        public let rule: Int
        /// Device, gpulet, lane, rule and numbers, in one line.
        public let line: String

        /// The line.
        public var description: String { line }
    }

    /// Every rule that `plan` breaks as an answer to `inputs`; empty for a valid plan.
    ///
    /// Cost: O(lanes x (log points + lanes of their device) + models x lanes).
    public static func violations(of plan: Plan, for inputs: PlanInputs) -> [Violation] {
        var audit = PlanAudit(plan, inputs)
        audit.checkDevices()
        audit.checkDemand()
        return audit.violations
    }

    /// Times within this are equal: what rounding to nanoseconds, and once to files, may cost.
    static let tolerance = TimeSpan.microseconds(1)
}

/// One run of the audit.
struct PlanAudit {
    let plan: Plan
    let inputs: PlanInputs
    let promise: PlanPromise
    private(set) var violations: [Audit.Violation] = []

    init(_ plan: Plan, _ inputs: PlanInputs) {
        self.plan = plan
        self.inputs = inputs
        promise = PlanPromise(planner: plan.planner)
    }

    mutating func report(_ rule: Int, _ place: String, _ what: String) {
        violations.append(
            Audit.Violation(rule: rule, line: "\(place): rule \(rule): \(what)")
        )
    }

    func place(of model: ModelID) -> Int? { inputs.models.firstIndex { $0.id == model } }

    func name(of model: ModelID) -> String {
        place(of: model).map { inputs.models[$0].name } ?? "model \(model.index)"
    }

    // MARK: Rules 2 and 3: devices, sizes, memory

    mutating func checkDevices() {
        var last: DeviceID?
        for layout in plan.devices {
            guard let device = inputs.devices.first(where: { $0.id == layout.device }) else {
                report(2, "device \(layout.device.index)", "there is no such device")
                continue
            }
            if let last, last >= layout.device {
                report(2, device.name, "it is listed twice or out of order")
            }
            last = layout.device
            checkSizes(layout, on: device)
            guard promise.isPlanned else { continue }
            checkMemory(layout, on: device)
            let beside = CoRunners(of: layout, on: device, in: inputs)
            for place in layout.gpulets.indices {
                checkLanes(layout.gpulets[place], number: place, beside, on: device)
            }
        }
    }

    private mutating func checkSizes(_ layout: Plan.DeviceLayout, on device: DeviceSpec) {
        let allowed = device.allowedUnits
        var sum: Int64 = 0
        for (number, gpulet) in layout.gpulets.enumerated() {
            sum += Int64(gpulet.units)
            if !allowed.contains(gpulet.units) {
                report(
                    2,
                    "\(device.name), gpulet \(number)",
                    "\(gpulet.units) units is not a size that the device can give"
                )
            }
        }
        if sum > Int64(device.units) {
            report(2, device.name, "its gpulets have \(sum) units of \(device.units)")
        }
        if device.maxGpulets > 0, layout.gpulets.count > Int(device.maxGpulets) {
            report(
                2,
                device.name,
                "it has \(layout.gpulets.count) gpulets, \(device.maxGpulets) are the most"
            )
        }
    }

    private mutating func checkMemory(_ layout: Plan.DeviceLayout, on device: DeviceSpec) {
        guard device.memoryMiB > 0 else { return }
        var seen: [ModelID] = []
        var kib: Int64 = 0
        for gpulet in layout.gpulets {
            for lane in gpulet.lanes {
                guard let place = place(of: lane.model),
                    let memory = inputs.models[place].profile(on: device.kind)?.memory
                else { continue }
                if !seen.contains(lane.model) {
                    seen.append(lane.model)
                    kib &+= memory.weightsKiB
                }
                kib &+= memory.kib(batch: lane.batchLimit, instances: lane.instances)
                kib &-= memory.weightsKiB
            }
        }
        if kib > device.memoryMiB &* 1_024 {
            report(
                3,
                device.name,
                "its models take \(kib / 1_024) MiB of \(device.memoryMiB) MiB"
            )
        }
    }

    // MARK: Rule 6: demand

    mutating func checkDemand() {
        for entry in plan.unserved where entry.milliRate <= 0 || place(of: entry.model) == nil {
            report(
                6,
                name(of: entry.model),
                "\(Self.rate(entry.milliRate)) r/s unserved is no demand of these models"
            )
        }
        for (place, model) in inputs.models.enumerated() {
            var placed: Int64 = 0
            for layout in plan.devices {
                for gpulet in layout.gpulets {
                    for lane in gpulet.lanes where lane.model == model.id {
                        placed &+= lane.milliRate
                    }
                }
            }
            let entries = plan.unserved.filter { $0.model == model.id }
            if entries.count > 1 { report(6, model.name, "it is unserved twice") }
            let left = entries.reduce(0) { $0 &+ $1.milliRate }
            let demand = promise.margins.demand(inputs.milliRates[place])
            // Half a per cent, and at least what rounding to thousandths costs.
            let room = max(demand / 200, 10)
            // The released code calls a model served that has 0.85 of its rate.
            let least = promise.isReleased ? demand / 100 * 85 : demand
            let low = least - room - promise.margins.slackMilliRate
            if placed &+ left < low || placed &+ left > demand + room {
                report(
                    6,
                    model.name,
                    "\(Self.rate(placed)) r/s placed and \(Self.rate(left)) r/s unserved are not"
                        + " the demand of \(Self.rate(demand)) r/s"
                )
            }
        }
    }

    /// A rate in requests per second, for people.
    static func rate(_ milliRate: Int64) -> String {
        let whole = milliRate / 1_000
        let rest = abs(milliRate % 1_000)
        if rest == 0 { return "\(whole)" }
        var decimals = String(1_000 + rest).dropFirst()
        while decimals.hasSuffix("0") { decimals = decimals.dropLast() }
        return "\(milliRate < 0 && whole == 0 ? "-" : "")\(whole).\(decimals)"
    }

    /// A time in milliseconds with three decimals, for people.
    static func ms(_ span: TimeSpan) -> String { "\(rate(span.nanoseconds / 1_000)) ms" }
}
