public import Reports

/// What a reproduction found as a report: the checks first, then every number beside what was
/// published, metric by metric.
public enum ResultReport {
    /// The report.
    ///
    /// - Parameters:
    ///   - result: What was found.
    ///   - title: What was reproduced, in a few words.
    ///   - summary: What came out, in a few sentences; empty = what the checks say.
    ///   - facts: What else there is to say of the run.
    public static func report(
        _ result: ExperimentResult,
        title: String,
        summary: String = "",
        facts: [Report.Fact] = []
    ) -> Report {
        var sections = [Report.Section("Checks", checks(of: result))]
        for metric in metrics(of: result) {
            let rows = result.rows.filter { $0.metric == metric }
            sections.append(Report.Section(metric, blocks(metric, rows)))
        }
        return Report(
            title,
            summary: summary.isEmpty ? words(for: result) : summary,
            facts: [.init("experiment", result.experiment), .init("seed", String(result.seed))]
                + facts,
            sections: sections
        )
    }

    /// The same for a terminal: the checks, then every number beside what was published.
    public static func text(_ result: ExperimentResult) -> String {
        var rows: [[Table.Cell]] = []
        for row in result.rows {
            let labels = row.labels.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
            rows.append([
                .text(row.metric), .text(labels), .number(row.published), .number(row.measured),
                .text(row.unit), .text(row.basis.rawValue),
            ])
        }
        let numbers = Table(
            columns: [
                .init("metric"), .init("case"), .init("published", isNumeric: true),
                .init("found", isNumeric: true), .init("unit"), .init("basis"),
            ],
            rows: rows
        )
        let parts = [TextTable.text(numbers), TextTable.text(checkTable(result))]
        return parts.joined(separator: "\n") + "\n" + words(for: result) + "\n"
    }

    private static func words(for result: ExperimentResult) -> String {
        func count(_ kind: ResultCheck.Kind) -> String {
            let all = result.checks.filter { $0.kind == kind }
            return "\(all.filter(\.holds).count) of \(all.count)"
        }
        return "\(count(.gate)) gates hold, \(count(.claim)) claims hold; \(result.rows.count) "
            + "numbers. A gate must hold; a claim compares, and where it fails its note says why."
    }

    private static func checks(of result: ExperimentResult) -> [Report.Block] {
        guard !result.checks.isEmpty else { return [.text("Nothing was checked.")] }
        return [.table(checkTable(result))]
    }

    private static func checkTable(_ result: ExperimentResult) -> Table {
        let rows = result.checks.map { check -> [Table.Cell] in
            [
                .verdict(check.holds ? .holds : .fails, check.holds ? "holds" : "fails"),
                .text(check.kind.rawValue), .text(check.name), .text(check.goal),
                .number(check.value), .text(check.note),
            ]
        }
        return Table(
            columns: [
                .init(""), .init("kind"), .init("check"), .init("goal"),
                .init("value", isNumeric: true), .init("note"),
            ],
            rows: rows
        )
    }

    /// The metrics in the order in which they are told.
    private static func metrics(of result: ExperimentResult) -> [String] {
        var metrics: [String] = []
        for row in result.rows where !metrics.contains(row.metric) { metrics.append(row.metric) }
        return metrics
    }

    private static func blocks(_ metric: String, _ rows: [ResultRow]) -> [Report.Block] {
        var blocks: [Report.Block] = []
        if let chart = chart(metric, rows) { blocks.append(.chart(chart)) }
        blocks.append(.table(table(rows)))
        return blocks
    }

    private static func table(_ rows: [ResultRow]) -> Table {
        let keys = keys(of: rows)
        var columns = keys.map { Table.Column($0) }
        columns += [
            .init("published", isNumeric: true), .init("found", isNumeric: true), .init("unit"),
            .init("basis"),
        ]
        return Table(
            columns: columns,
            rows: rows.map { row in
                keys.map { .text(label($0, of: row)) }
                    + [
                        .number(row.published), .number(row.measured), .text(row.unit),
                        .text(row.basis.rawValue),
                    ]
            }
        )
    }

    private static func keys(of rows: [ResultRow]) -> [String] {
        var keys: [String] = []
        for label in rows.flatMap(\.labels) where !keys.contains(label.key) {
            keys.append(label.key)
        }
        return keys
    }

    private static func label(_ key: String, of row: ResultRow) -> String {
        row.labels.first { $0.key == key }?.value ?? ""
    }

    /// Bars where rows are told apart by one or two words: the last key gives the colours, and
    /// what was published is a group of its own where any of it is known.
    private static func chart(_ metric: String, _ rows: [ResultRow]) -> Chart? {
        let keys = keys(of: rows)
        guard (1...2).contains(keys.count), (2...96).contains(rows.count),
            rows.allSatisfy({ $0.unit == rows[0].unit && ($0.measured ?? 0) >= 0 })
        else { return nil }
        var categories: [String] = []
        var names: [String] = []
        for row in rows {
            let category = label(keys[0], of: row)
            if !categories.contains(category) { categories.append(category) }
            let name = keys.count == 2 ? label(keys[1], of: row) : "found"
            if !names.contains(name) { names.append(name) }
        }
        guard names.count <= 8, categories.count <= 32 else { return nil }
        func value(_ category: String, _ name: String, _ part: (ResultRow) -> Double?) -> Double {
            let found = rows.first { row in
                label(keys[0], of: row) == category
                    && (keys.count == 1 || label(keys[1], of: row) == name)
            }
            return found.flatMap(part) ?? .nan
        }
        var groups = names.map { name in
            BarChart.Group(name, categories.map { .init(value($0, name) { $0.measured }) })
        }
        if keys.count == 1, rows.contains(where: { $0.published != nil }) {
            let bars = categories.map { BarChart.Bar(value($0, "") { $0.published }) }
            groups.append(BarChart.Group("published", bars, colour: .muted))
        }
        return Chart(
            metric,
            width: .full,
            .bars(
                BarChart(
                    .fromZero("\(metric), \(rows[0].unit)"),
                    categories: categories,
                    groups: groups
                )
            )
        )
    }
}
