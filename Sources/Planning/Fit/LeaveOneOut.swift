/// How well a method estimates networks that it has not seen: each row of a library in turn is
/// reduced to its probes and completed from the others.
package struct LeaveOneOut: Sendable {
    /// |estimate - measured| / measured, by row, then by setting; nil where probed or unmeasured.
    package let errors: [[Double?]]

    /// Tries `method` on every row of `library` that has all `probes`.
    ///
    /// - Parameter probes: The places of the settings that are taken as known, such as [0, 7].
    /// - Throws: What the method throws.
    /// Cost: one completion per row.
    package init(
        _ method: CompletionMethod,
        on library: LatencyLibrary,
        probes: [Int]
    ) throws(FitError) {
        var errors: [[Double?]] = []
        for (place, row) in library.rows.enumerated() {
            guard probes.allSatisfy({ row.latencies[$0] != nil }) else {
                errors.append(Array(repeating: nil, count: library.settings.count))
                continue
            }
            let reduced = row.latencies.indices.map {
                probes.contains($0) ? row.latencies[$0] : nil
            }
            let estimate = try method.estimate(reduced, from: library.without(place))
            errors.append(
                row.latencies.indices.map { column in
                    guard !probes.contains(column), let measured = row.latencies[column] else {
                        return nil
                    }
                    return (estimate[column] - measured).magnitude / measured
                }
            )
        }
        self.errors = errors
    }

    /// The mean over all cells that were estimated; 0 if there is none.
    package var mean: Double {
        let all = errors.flatMap { $0.compactMap { $0 } }
        return all.isEmpty ? 0 : all.reduce(0, +) / Double(all.count)
    }

    /// The median over all cells that were estimated; 0 if there is none.
    package var median: Double {
        let all = errors.flatMap { $0.compactMap { $0 } }.sorted()
        guard !all.isEmpty else { return 0 }
        return (all[(all.count - 1) / 2] + all[all.count / 2]) / 2
    }

    /// The worst of all cells that were estimated; 0 if there is none.
    package var worst: Double {
        errors.flatMap { $0.compactMap { $0 } }.max() ?? 0
    }

    /// The mean of the cells of one row; nil if none was estimated.
    package func mean(row: Int) -> Double? {
        let cells = errors[row].compactMap { $0 }
        return cells.isEmpty ? nil : cells.reduce(0, +) / Double(cells.count)
    }

    /// The root mean square of one setting's errors: how far to trust an estimate of it.
    package func spread(column: Int) -> Double? {
        let cells = errors.compactMap { $0[column] }
        guard !cells.isEmpty else { return nil }
        return (cells.reduce(0) { $0 + $1 * $1 } / Double(cells.count)).squareRoot()
    }
}
