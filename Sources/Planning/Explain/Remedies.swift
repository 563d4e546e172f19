import ServingDomain

/// What would serve a model that is unserved: more devices, a lower rate, a longer objective.
enum Remedies {
    /// How many devices are added at most.
    private static let mostDevices = 64
    /// By how much an objective is stretched at most.
    private static let mostStretch = 16.0

    /// One line for each change that would help, each found by planning again.
    static func lines(
        for place: Int,
        in inputs: PlanInputs,
        with planner: any Planner
    ) throws(PlanError) -> [String] {
        let model = inputs.models[place]
        if inputs.devices.isEmpty { return ["  It needs a device."] }
        guard inputs.devices.contains(where: { model.surface(on: $0.kind) != nil }) else {
            return ["  It needs a profile on '\(inputs.devices[0].kind)' to be planned at all."]
        }
        var lines: [String] = []
        if let count = try devices(for: place, in: inputs, with: planner) {
            let kind = inputs.devices[0].kind
            lines.append(
                "  With \(count) more \(count == 1 ? "device" : "devices") like"
                    + " \(inputs.devices[0].name) (\(kind)) all of it would be served."
            )
        }
        let rate = try rate(for: place, in: inputs, with: planner)
        if rate > 0 {
            lines.append(
                "  With everything else as it is, up to \(PlanAudit.rate(rate)) r/s of it can be"
                    + " served."
            )
        }
        if let slo = try objective(for: place, in: inputs, with: planner) {
            lines.append(
                "  With an objective of \(PlanAudit.ms(slo)) in place of"
                    + " \(PlanAudit.ms(model.slo ?? .zero)) all of it would be served."
            )
        }
        if lines.isEmpty {
            lines.append(
                "  Neither \(mostDevices) more devices like \(inputs.devices[0].name), nor a"
                    + " thousandth of the rate, nor \(Int(mostStretch)) times the objective helps:"
                    + " the model is too slow there, or too large."
            )
        }
        return lines
    }

    private static func isServed(
        _ place: Int,
        _ inputs: PlanInputs,
        _ planner: any Planner
    ) throws(PlanError) -> Bool {
        try !planner.plan(inputs).unserved.contains { $0.model == inputs.models[place].id }
    }

    /// How many more devices like the first; nil if `mostDevices` don't help.
    private static func devices(
        for place: Int,
        in inputs: PlanInputs,
        with planner: any Planner
    ) throws(PlanError) -> Int? {
        func serves(_ count: Int) throws(PlanError) -> Bool {
            var asked = inputs
            let last = inputs.devices.map(\.id.index).max() ?? 0
            for number in 0..<count {
                var device = inputs.devices[0]
                device.id = DeviceID(last + Int32(number) + 1)
                device.name = "\(device.name)+\(number + 1)"
                asked.devices.append(device)
            }
            return try isServed(place, asked, planner)
        }
        var high = 1
        while high <= mostDevices, try !serves(high) { high *= 2 }
        guard high <= mostDevices else { return nil }
        var low = high / 2
        while high - low > 1 {
            let middle = (low + high) / 2
            if try serves(middle) { high = middle } else { low = middle }
        }
        return high
    }

    /// The highest rate to a hundredth of what is wanted; 0 if not even a thousandth of it.
    private static func rate(
        for place: Int,
        in inputs: PlanInputs,
        with planner: any Planner
    ) throws(PlanError) -> Int64 {
        let wanted = inputs.milliRates[place]
        func serves(_ rate: Int64) throws(PlanError) -> Bool {
            var asked = inputs
            asked.milliRates[place] = rate
            return try isServed(place, asked, planner)
        }
        var low = max(1, wanted / 1_000)
        guard wanted > low, try serves(low) else { return 0 }
        var high = wanted
        while high - low > max(1, wanted / 100) {
            let middle = low + (high - low) / 2
            if try serves(middle) { low = middle } else { high = middle }
        }
        return low
    }

    /// The shortest objective to a hundredth; nil if `mostStretch` times as much does not help.
    private static func objective(
        for place: Int,
        in inputs: PlanInputs,
        with planner: any Planner
    ) throws(PlanError) -> TimeSpan? {
        guard let slo = inputs.models[place].slo, slo > .zero else { return nil }
        func stretched(_ factor: Double) -> TimeSpan {
            .milliseconds(rounding: slo.inMilliseconds * factor)
        }
        func serves(_ factor: Double) throws(PlanError) -> Bool {
            var asked = inputs
            asked.models[place].slo = stretched(factor)
            return try isServed(place, asked, planner)
        }
        var high = 2.0
        while high <= mostStretch, try !serves(high) { high *= 2 }
        guard high <= mostStretch else { return nil }
        var low = high / 2
        while high - low > low * 0.01 {
            let middle = (low + high) / 2
            if try serves(middle) { high = middle } else { low = middle }
        }
        return stretched(high)
    }
}
