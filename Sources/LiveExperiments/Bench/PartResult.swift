import Experiments
import Reports

/// What a part found.
struct PartResult: Sendable {
    /// Numbers and checks.
    var rows: [ResultRow] = []
    var checks: [ResultCheck] = []
    /// What the report shows beside them.
    var blocks: [Report.Block] = []

    /// Nothing yet.
    init() {}

    /// Adds a measured number.
    mutating func row(
        _ metric: String,
        _ labels: KeyValuePairs<String, String>,
        _ value: Double?,
        _ unit: String,
        basis: ResultRow.Basis = .measured
    ) {
        rows.append(
            ResultRow(
                metric,
                labels: labels.map { ResultRow.Label($0.key, $0.value) },
                measured: value,
                unit: unit,
                basis: basis
            )
        )
    }

    /// Adds a check. One that could not be decided does not hold, and says why.
    mutating func check(
        _ name: String,
        _ kind: ResultCheck.Kind = .claim,
        goal: String,
        value: Double?,
        holds: Bool,
        note: String = ""
    ) {
        checks.append(
            ResultCheck(name, kind: kind, goal: goal, value: value, holds: holds, note: note)
        )
    }
}
