import ServingDomain

/// Why a step could not begin.
struct StageFault: Error {
    let ending: Ending

    init(_ ending: Ending) { self.ending = ending }
}

/// The shapes of one step's inputs, held against the step's model.
enum StageShapes {
    /// The items and, by input, the dimensions of one row as the engine sees them.
    ///
    /// - Throws: `failed` with one line where a tensor is not what the model takes: only known
    ///   once an earlier step has given it.
    static func rows(
        _ shapes: [[Int64]?],
        step: EnsembleWiring.Step,
        maxBatch: Int32
    ) throws(StageFault) -> (items: Int32, rows: [[Int64]?]) {
        var items: Int32?
        var rows: [[Int64]?] = []
        for (spec, shape) in zip(step.signature.inputs, shapes) {
            guard let shape else {
                rows.append(nil)
                continue
            }
            var row = shape
            if step.signature.batched {
                let count = row.isEmpty ? 0 : row.removeFirst()
                guard count >= 1, count <= Int64(maxBatch), count == Int64(items ?? Int32(count))
                else {
                    throw fault(step, spec, shape, "1 to \(maxBatch) equal items")
                }
                items = Int32(count)
            }
            guard spec.takes(row), let seen = spec.engineRow(row) else {
                throw fault(step, spec, shape, "\(spec.dims) a row")
            }
            rows.append(seen)
        }
        return (items ?? 1, rows)
    }

    private static func fault(
        _ step: EnsembleWiring.Step,
        _ spec: TensorSpec,
        _ shape: [Int64],
        _ wanted: String
    ) -> StageFault {
        StageFault(
            .failed(
                "step '\(step.model)' of the ensemble gets shape \(shape) as '\(spec.name)', "
                    + "but takes \(wanted)"
            )
        )
    }
}
