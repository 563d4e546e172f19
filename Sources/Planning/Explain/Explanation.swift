public import ServingDomain

/// A plan in plain words: why each model sits where it sits, and what would serve the rest.
public enum Explanation {
    /// One line per seat in the order of the models, then the lines for what is unserved.
    ///
    /// With `planner` it also says what would have to change: it plans again with more devices,
    /// lower rates and longer objectives, some 30 plans for each of the first eight models that
    /// are unserved. Cost without: O(lanes x (log points + co-runners)).
    ///
    /// - Throws: what the planner throws.
    public static func lines(
        of plan: Plan,
        for inputs: PlanInputs,
        with planner: (any Planner)? = nil
    ) throws(PlanError) -> [String] {
        var lines: [String] = []
        for (place, model) in inputs.models.enumerated() {
            for layout in plan.devices {
                guard let device = inputs.devices.first(where: { $0.id == layout.device }) else {
                    continue
                }
                let coRunners = CoRunners(of: layout, on: device, in: inputs)
                for (number, gpulet) in layout.gpulets.enumerated() {
                    for (position, lane) in gpulet.lanes.enumerated() where lane.model == model.id {
                        lines.append(
                            seat(
                                lane,
                                Seat(place, device, layout, number, position, coRunners),
                                inputs
                            )
                        )
                    }
                }
            }
            if inputs.milliRates[place] == 0 {
                lines.append("\(model.name): no requests are expected, so it needs no place.")
            }
        }
        for (number, entry) in plan.unserved.enumerated() {
            guard let place = inputs.models.firstIndex(where: { $0.id == entry.model }) else {
                continue
            }
            let remedies =
                try number < 8
                ? planner.map { (planner) throws(PlanError) in
                    try Remedies.lines(for: place, in: inputs, with: planner)
                } ?? [] : []
            lines.append(missing(entry, place, inputs))
            lines += remedies
        }
        if let bound = plan.bound {
            lines.append(
                "No plan could serve more than \(PlanAudit.rate(bound.milliRate)) r/s in all"
                    + " (\(bound.name))."
            )
        }
        return lines
    }

    /// Where a lane stands.
    private struct Seat {
        let place: Int
        let device: DeviceSpec
        let layout: Plan.DeviceLayout
        let number: Int
        let position: Int
        let coRunners: CoRunners

        init(
            _ place: Int,
            _ device: DeviceSpec,
            _ layout: Plan.DeviceLayout,
            _ number: Int,
            _ position: Int,
            _ coRunners: CoRunners
        ) {
            self.place = place
            self.device = device
            self.layout = layout
            self.number = number
            self.position = position
            self.coRunners = coRunners
        }
    }

    private static func seat(
        _ lane: Plan.LanePlacement,
        _ seat: Seat,
        _ inputs: PlanInputs
    ) -> String {
        let model = inputs.models[seat.place]
        let gpulet = seat.layout.gpulets[seat.number]
        let share = PaperPlacing.percent(gpulet.units, seat.device.units)
        var line = "\(model.name): \(PlanAudit.rate(lane.milliRate)) of"
        line += " \(PlanAudit.rate(inputs.milliRates[seat.place])) r/s on \(seat.device.name),"
        line += " gpulet \(seat.number) (\(share)), batches of up to \(lane.batchLimit)"
        if lane.instances > 1 { line += ", \(lane.instances) instances" }
        if let width = lane.width, width < gpulet.units {
            line += ", each on \(width) of the \(gpulet.units) units"
        }
        if let expected = lane.expected { line += ", each \(PlanAudit.ms(expected))" }
        let host = inputs.hostTime(of: model.id, on: seat.device.kind)
        if host != .none {
            line += " with \(PlanAudit.ms(host.span(items: lane.batchLimit))) of the host's"
        }
        if let worst = lane.worst {
            line += ", at worst \(PlanAudit.ms(worst))"
            if let slo = model.slo { line += " of \(PlanAudit.ms(slo))" }
        }
        line += "."
        if let why = lane.why { line += " Why there: \(why)." }
        let mates = gpulet.lanes.filter { $0.model != lane.model }
        let (turns, yielding) = split(mates, on: gpulet, by: model, seat.device, inputs)
        if !turns.isEmpty { line += " It takes turns with \(turns.joined(separator: ", "))." }
        if !yielding.isEmpty {
            line += " Low batches of \(yielding.joined(separator: ", ")) give way to it within"
            line += " their runs."
        }
        let load = CoRunners.load(
            of: model,
            batch: lane.batchLimit,
            units: gpulet.units(of: lane),
            on: seat.device
        )
        let slowdown = seat.coRunners.slowdown(of: load, gpulet: seat.number, lane: seat.position)
        if slowdown > 1.0005 {
            let percent = Int64(((slowdown - 1) * 1_000).rounded())
            let others = neighbours(of: seat, inputs).joined(separator: ", ")
            line += " Beside \(others) it takes \(tenths(percent)) % longer."
        }
        return line
    }

    /// The names of those on the same gpulet that `model` waits for, and of those that give way.
    private static func split(
        _ mates: [Plan.LanePlacement],
        on gpulet: Plan.GpuletLayout,
        by model: ModelSpec,
        _ device: DeviceSpec,
        _ inputs: PlanInputs
    ) -> (turns: [String], yielding: [String]) {
        let yields = mates.map { mate in
            let spec = inputs.models.first { $0.id == mate.model }
            return !device.holdsUp(model.priority, behind: spec?.priority ?? .high)
        }
        // They only can where they leave a slot free.
        let taken = zip(mates, yields).reduce(0) { $0 + ($1.1 ? $1.0.instances : 0) }
        var (turns, yielding): ([String], [String]) = ([], [])
        for (mate, yields) in zip(mates, yields) {
            if yields, taken < gpulet.slots {
                yielding.append(name(mate.model, inputs))
            } else {
                turns.append(name(mate.model, inputs))
            }
        }
        return (turns, yielding)
    }

    private static func neighbours(of seat: Seat, _ inputs: PlanInputs) -> [String] {
        var names: [String] = []
        for (number, gpulet) in seat.layout.gpulets.enumerated() {
            guard number != seat.number || gpulet.slots > 1 else { continue }
            for lane in gpulet.lanes
            where number != seat.number || lane.model.position != seat.place {
                let name = name(lane.model, inputs)
                if !names.contains(name) { names.append(name) }
            }
        }
        return names
    }

    private static func missing(
        _ entry: Plan.Unserved,
        _ place: Int,
        _ inputs: PlanInputs
    ) -> String {
        let wanted = PlanAudit.rate(inputs.milliRates[place])
        var line = "\(inputs.models[place].name): \(PlanAudit.rate(entry.milliRate)) of"
        line += " \(wanted) r/s find no place"
        if let why = entry.why { line += ": \(why)" }
        return line + "."
    }

    private static func name(_ model: ModelID, _ inputs: PlanInputs) -> String {
        inputs.models.first { $0.id == model }?.name ?? "model \(model.index)"
    }

    static func tenths(_ count: Int64) -> String {
        count % 10 == 0 ? "\(count / 10)" : "\(count / 10).\(count % 10)"
    }
}
