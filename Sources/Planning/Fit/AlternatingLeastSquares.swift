/// Completion by a matrix of fixed rank: rows and columns are fitted in turn.
///
/// It starts from the singular vectors of the rows that are complete. From random starts most
/// runs end in poor places (notes on DNNScaler, section 4.1), from this one the first sweep
/// already stands at the optimum when only one row is open.
package struct AlternatingLeastSquares: Sendable {
    /// The rank: how many independent shapes of a row there are.
    package var rank = 2
    /// How often rows and columns are fitted.
    package var sweeps = 3

    /// Creates the solver for rank 2.
    package init() {}

    /// Fills the cells of `partial` that were not measured.
    ///
    /// - Returns: All cells, measured ones as they were; nil when fewer than `rank` rows are
    ///   complete. Cost: O(sweeps x cells x rank^2).
    package func complete(_ partial: PartialMatrix) -> DenseMatrix? {
        let whole = partial.completeRows
        guard whole.count >= rank, partial.columns >= rank else { return nil }
        let start = SingularValues(DenseMatrix(whole.map { partial.cells.row($0) }))
        var right = DenseMatrix(rows: partial.columns, columns: rank)
        for column in 0..<partial.columns {
            for place in 0..<rank { right[column, place] = start.right[column, place] }
        }
        var left = DenseMatrix(rows: partial.rows, columns: rank)
        for _ in 0..<sweeps {
            for row in 0..<partial.rows {
                let seen = partial.knownColumns(of: row)
                fit(&left, row, against: right, seen) { partial.cells[row, $0] }
            }
            for column in 0..<partial.columns {
                let seen = (0..<partial.rows).filter { partial.isKnown($0, column) }
                fit(&right, column, against: left, seen) { partial.cells[$0, column] }
            }
        }
        var result = left.times(right.transposed)
        for place in partial.known.indices where partial.known[place] {
            result.values[place] = partial.cells.values[place]
        }
        return result
    }

    private func fit(
        _ side: inout DenseMatrix,
        _ line: Int,
        against other: DenseMatrix,
        _ seen: [Int],
        _ cell: (Int) -> Double
    ) {
        guard !seen.isEmpty else { return }
        // Normal equations: two unknowns that were orthogonal to begin with.
        var normal = DenseMatrix(rows: rank, columns: rank)
        var sums = Array(repeating: 0.0, count: rank)
        for place in seen {
            let value = cell(place)
            for first in 0..<rank {
                sums[first] += other[place, first] * value
                for second in 0..<rank {
                    normal[first, second] += other[place, first] * other[place, second]
                }
            }
        }
        let solution = LeastSquares.solve(normal, sums)
        for place in 0..<rank { side[line, place] = solution[place] }
    }
}
