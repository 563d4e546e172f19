import Documents
import Experiments
import Planning
import Reports
import ServingDomain

/// A plan and the question that it answers, in the forms in which people and programs want it.
struct PlanAnswer {
    var inputs: PlanInputs
    var plan: Plan

    private var document: PlanDocument {
        PlanDocument(plan, models: inputs.models, devices: inputs.devices)
    }

    /// The plan as a file has it.
    var json: [UInt8] { document.json() }

    /// An object with some members and the plan.
    func json(with members: [(key: String, value: String?)]) -> [UInt8] {
        // JSON may be broken into lines anywhere between its words.
        let text = String(decoding: json.dropLast(), as: UTF8.self)
        let whole = JSONText.object(members + [("plan", text)])
        return Array((whole + "\n").utf8)
    }

    // MARK: For people

    private func table(hasReasons: Bool) -> Table {
        var table = PlanTable.table(
            "",
            plan,
            models: inputs.models,
            devices: inputs.devices
        )
        if !hasReasons {
            table.columns.removeLast()
        }
        return table
    }

    /// The first line: what became of the demand.
    private var headline: String {
        let wanted = Double(inputs.milliRates.reduce(0, +)) / 1_000
        let left = Double(plan.unserved.reduce(0) { $0 + $1.milliRate }) / 1_000
        var line = "planner \(plan.planner): "
        line +=
            plan.schedulable
            ? "all of \(Numeral.short(wanted)) r/s have a place"
            : "\(Numeral.short(max(0, wanted - left))) of \(Numeral.short(wanted)) r/s have a place"
        let used = plan.devices.filter { !$0.gpulets.allSatisfy(\.lanes.isEmpty) }.count
        line += ", on \(used) of \(inputs.devices.count) devices"
        if let bound = plan.bound {
            let most = Double(bound.milliRate) / 1_000
            line += "; no plan serves more than \(Numeral.short(most)) r/s (\(bound.name))"
        }
        return line
    }

    /// The plan as a table, with reasons where they are wanted.
    func text(explains: Bool) -> String {
        var text = headline + "\n\n" + TextTable.text(table(hasReasons: false))
        guard explains else { return text + "\n" }
        text += "\n"
        for line in reasons { text += line + "\n" }
        return text
    }

    /// Why each model sits where it sits, and why others do not sit anywhere.
    private var reasons: [String] {
        func name(_ id: ModelID) -> String { inputs.models[id.position].name }
        var lines: [String] = []
        for layout in plan.devices {
            let device = inputs.devices[layout.device.position]
            for gpulet in layout.gpulets {
                for lane in gpulet.lanes {
                    let share = Numeral.short(100 * device.fraction(of: gpulet.units))
                    let place = "\(name(lane.model)) on \(share) % of \(device.name)"
                    lines.append("\(place): \(lane.why ?? "the planner gives no reason")")
                }
            }
        }
        for rest in plan.unserved {
            let obstacle = inputs.models[rest.model.position].obstacle(on: inputs.devices)
            let why = rest.why ?? obstacle ?? "the planner gives no reason"
            let rate = Numeral.short(Double(rest.milliRate) / 1_000)
            lines.append("\(name(rest.model)), \(rate) r/s without a place: \(why)")
        }
        return lines
    }

    /// What would have to change so that all demand had a place; nothing where it has.
    func missing(by planner: any Planner) throws(PlanError) -> [String] {
        guard !plan.schedulable else { return [] }
        // What no device could serve must not hide how much more of the rest there could be.
        var possible = inputs
        for (place, model) in inputs.models.enumerated()
        where model.obstacle(on: inputs.devices) != nil {
            possible.milliRates[place] = 0
        }
        let rest = possible.milliRates == inputs.milliRates ? "" : " (what can be served at all)"
        guard possible.milliRates.contains(where: { $0 > 0 }) else { return [] }
        var lines: [String] = []
        if let multiple = try DemandSearch.highestMultiple(of: possible, by: planner),
            multiple.milli < 1_000
        {
            let part = Numeral.short(Double(multiple.milli) / 10)
            lines.append("on these devices \(part) % of every rate\(rest) would have a place")
        }
        let limit = min(DemandSearch.deviceLimit, max(64, 16 * inputs.devices.count))
        if let devices = try DemandSearch.fewestDevices(
            for: possible,
            by: planner,
            limit: limit
        ),
            devices.devices.count > inputs.devices.count
        {
            lines.append("\(devices.devices.count) devices like these would serve all\(rest)")
        }
        return lines
    }

    /// The plan as a page.
    func report(_ lines: [String]) -> Report {
        var blocks: [Report.Block] = [.table(table(hasReasons: true))]
        if !lines.isEmpty { blocks.append(.note(.open, lines.joined(separator: "\n"))) }
        let surfaces = inputs.models.prefix(12).flatMap { model in
            model.profiles.compactMap { SurfaceChart.chart(model.name, $0, inputs.devices) }
        }
        var sections = [Report.Section("Plan", blocks)]
        if !surfaces.isEmpty {
            sections.append(Report.Section("Profiles", surfaces.map { .chart($0) }))
        }
        return Report(
            "Plan of \(inputs.models.count) models on \(inputs.devices.count) devices",
            summary: headline + ".",
            facts: [.init("planner", plan.planner)],
            sections: sections
        )
    }
}
