import Planning
public import Reports
import ServingDomain
public import Simulation

/// What came out of a simulation as a report: tables, latencies, time, devices, plans.
///
/// A function of setup and ledger alone, so equal runs give equal files.
public struct SimulationReport: Sendable {
    /// The most models that get a line of their own in a picture; the rest is drawn as one.
    static let modelLimit = 8
    /// The most pieces that time is cut into.
    static let pieceLimit = 150

    let setup: SimulationSetup
    let ledger: Ledger
    let title: String

    /// Creates a report of one run.
    ///
    /// - Parameters:
    ///   - title: What was simulated, in a few words.
    ///   - setup: What it was made from.
    ///   - ledger: What came out.
    public init(_ title: String, setup: SimulationSetup, ledger: Ledger) {
        self.title = title
        self.setup = setup
        self.ledger = ledger
    }

    /// The report. Cost: O(rows x windows + stages of the timeline).
    public var report: Report {
        var sections = [
            Report.Section("Outcome", outcome), Report.Section("Latency", latency),
            Report.Section("Over time", overTime), Report.Section("Devices", devices),
        ]
        if !ledger.answers.isEmpty { sections.append(Report.Section("Plans", plans)) }
        return Report(title, summary: summary, facts: facts, sections: sections)
    }

    /// The same for a terminal: what came out in a table, and how the devices were used.
    public var text: String {
        let words = summary.replacing("`", with: "").replacing("\n\n", with: "\n")
        return TextTable.text(outcomeTable) + "\n" + TextTable.text(usageTable) + "\n" + words
            + "\n" + facts.map { "\($0.name) \($0.value)" }.joined(separator: ", ") + "\n"
    }

    // MARK: At the top

    private var summary: String {
        let total = ledger.total
        let percent = Numeral.short(total.violationPercent)
        var text =
            "\(Numeral.short(Double(total.submitted), digits: 9)) requests: "
            + "\(percent) % of those with a deadline were late, dropped, refused or failed; "
            + "\(Numeral.short(ledger.goodput)) per second were served in time."
        let beyond = setup.models.indices.filter { isBeyond($0) }
        if !beyond.isEmpty {
            let names = beyond.prefix(12).map { "`\(name($0))`" }.joined(separator: ", ")
            text += " More violations than their objectives allow: \(names)."
        }
        if let worst = ledger.complaints.first {
            text += "\n\nThe auditor complains \(ledger.complaints.count) times, first: \(worst)"
        }
        return text
    }

    private var facts: [Report.Fact] {
        var facts = [Report.Fact("seed", String(setup.seed))]
        switch setup.plans {
        case .planner(let name): facts.append(.init("planner", name))
        case .custom(let planner): facts.append(.init("planner", planner.name))
        case .fixed(let plan): facts.append(.init("fixed plan of", plan.planner))
        }
        facts += [
            .init("scaler", setup.scaler),
            .init("policy", setup.policy),
            .init("measured", "\(Numeral.short(ledger.measured.inSeconds, digits: 6)) s"),
            .init("requests", Numeral.fixed(Double(ledger.requests), decimals: 0)),
            .init("events", Numeral.fixed(Double(ledger.events), decimals: 0)),
            .init("digest", String(ledger.digest, radix: 16)),
        ]
        return facts
    }

    // MARK: Outcome

    private var outcome: [Report.Block] {
        var blocks: [Report.Block] = [.table(outcomeTable)]
        for line in ledger.complaints.prefix(5) { blocks.append(.note(.fails, line)) }
        return blocks + [.chart(outcomeChart)]
    }

    private var outcomeTable: Table {
        let columns: [Table.Column] = [
            .init("model"), .init("class"), .init("submitted", isNumeric: true),
            .init("served", isNumeric: true), .init("late", isNumeric: true),
            .init("dropped", isNumeric: true), .init("refused", isNumeric: true),
            .init("failed", isNumeric: true), .init("violations, %", isNumeric: true),
            .init("in time, r/s", isNumeric: true), .init("p50, ms", isNumeric: true),
            .init("p99, ms", isNumeric: true), .init("batch", isNumeric: true), .init("objective"),
        ]
        var rows: [[Table.Cell]] = []
        for row in rowsInUse {
            let place = row.model.position
            let word = row.priority == .high ? "high" : "low"
            var cells: [Table.Cell] = [.text(name(place)), .text(word)]
            cells += numbers(row.counts, row.latency)
            let spec = setup.models[place].spec
            cells.append(.number(ledger.batches[place].mean))
            cells.append(verdict(row.counts, spec.slo, percentile: spec.percentile))
            rows.append(cells)
        }
        for (place, graph) in ledger.graphs.enumerated() {
            let word = graph.priority == .high ? "high" : "low"
            var cells: [Table.Cell] = [.text("\(graph.name) (application)"), .text(word)]
            cells += numbers(graph.counts, graph.latency) + [.text("")]
            cells.append(verdict(graph.counts, setup.graphs[place].graph.slo, percentile: 99))
            rows.append(cells)
        }
        var total: [Table.Cell] = [.text("all models"), .text("")]
        total += numbers(ledger.total, nil) + [.number(ledger.meanBatch)]
        return Table(columns: columns, rows: rows, total: total)
    }

    private func numbers(_ counts: OutcomeCounts, _ latency: LatencyHistogram?) -> [Table.Cell] {
        func count(_ value: Int64) -> Table.Cell { .number(Double(value), decimals: 0) }
        func quantile(_ part: Double) -> Table.Cell {
            guard let latency, latency.count > 0 else { return .number(nil) }
            return .number(latency.quantile(part).inMilliseconds)
        }
        let seconds = ledger.measured.inSeconds
        return [
            count(counts.submitted), count(counts.served), count(counts.late),
            count(counts.dropped), count(counts.refused), count(counts.failed),
            .number(counts.judged == 0 ? nil : counts.violationPercent),
            .number(seconds > 0 ? Double(counts.served) / seconds : nil),
            quantile(0.5), quantile(0.99),
        ]
    }

    private func verdict(
        _ counts: OutcomeCounts,
        _ slo: TimeSpan?,
        percentile: Double
    ) -> Table.Cell {
        guard let slo, counts.judged > 0 else { return .verdict(.open, "none") }
        let allowed = 100 - percentile
        let holds = counts.violationPercent <= allowed + 1e-9
        let words = "\(Numeral.short(slo.inMilliseconds)) ms"
        return .verdict(holds ? .holds : .fails, words)
    }

    private var outcomeChart: Chart {
        let rows = rowsInUse.prefix(BarChart.categoryLimit)
        func group(
            _ name: String,
            _ colour: Colour,
            _ part: (OutcomeCounts) -> Int64
        ) -> BarChart.Group {
            let bars = rows.map { row in
                let ended = max(1, row.counts.ended)
                return BarChart.Bar(100 * Double(part(row.counts)) / Double(ended))
            }
            return BarChart.Group(name, bars, colour: colour)
        }
        let chart = BarChart(
            .fromZero("requests, %", upper: 100),
            categories: rows.map { row in
                name(row.model.position) + (row.priority == .high ? ", high" : ", low")
            },
            groups: [
                group("served", .good) { $0.served }, group("late", .warning) { $0.late },
                group("dropped", .bad) { $0.dropped }, group("refused", .series(4)) { $0.refused },
                group("failed", .series(7)) { $0.failed },
                group("cancelled", .muted) { $0.cancelled },
            ],
            arrangement: .stacked
        )
        return Chart("How requests ended", width: .full, .bars(chart))
    }

    // MARK: Words

    func name(_ model: Int) -> String { setup.models[model].spec.name }

    /// Models and classes that anybody asked for.
    var rowsInUse: [Ledger.Row] { ledger.rows.filter { $0.counts.submitted > 0 } }

    private func isBeyond(_ model: Int) -> Bool {
        let counts = ledger.counts(of: setup.models[model].spec.id)
        let allowed = 100 - setup.models[model].spec.percentile
        return counts.judged > 0 && counts.violationPercent > allowed + 1e-9
    }

    /// The busiest models, at most `modelLimit`, in the order of their numbers.
    var busiest: [Int] {
        let counts = setup.models.map { ledger.counts(of: $0.spec.id).submitted }
        return counts.indices.filter { counts[$0] > 0 }
            .sorted { (counts[$1], $0) < (counts[$0], $1) }
            .prefix(Self.modelLimit)
            .sorted()
    }
}
