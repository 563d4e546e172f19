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

    /// The plan as a table.
    var text: String { headline + "\n\n" + TextTable.text(table(hasReasons: false)) + "\n" }

    /// Why each model sits where it sits, why others do not sit anywhere, and what would help
    /// them: found by planning again.
    func explanation(by planner: any Planner) throws(PlanError) -> [String] {
        try Explanation.lines(of: plan, for: inputs, with: planner)
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
