import Documents
import Experiments

extension ResultDocument {
    /// An experiment's result as a file has it.
    init(_ result: ExperimentResult) {
        self.init(
            experiment: result.experiment,
            seed: result.seed,
            rows: result.rows.map { row in
                Row(
                    metric: row.metric,
                    labels: row.labels.map { .init(key: $0.key, value: $0.value) },
                    published: row.published,
                    measured: row.measured,
                    unit: row.unit,
                    basis: row.basis.rawValue
                )
            },
            checks: result.checks.map { check in
                Check(
                    name: check.name,
                    kind: check.kind.rawValue,
                    goal: check.goal,
                    value: check.value,
                    holds: check.holds,
                    note: check.note
                )
            }
        )
    }
}

extension ExperimentResult {
    /// Fails where a gate does not hold, which is a defect; claims may.
    func complainOfGates() throws {
        let broken = checks.filter { $0.kind == .gate && !$0.holds }
        guard let first = broken.first else { return }
        throw CommandFailure(
            "\(broken.count) gates do not hold, first '\(first.name)': \(first.goal)"
                + (first.note.isEmpty ? "" : "; \(first.note)")
        )
    }
}
