/// A matrix of which some cells were measured and the others are wanted.
package struct PartialMatrix: Hashable, Sendable {
    /// The measured numbers; 0 where nothing was measured.
    package private(set) var cells: DenseMatrix
    /// Which cells were measured, in the order of `cells.values`.
    package private(set) var known: [Bool]

    /// Creates a matrix from rows that are equally long; nil = not measured.
    package init(_ rows: [[Double?]]) {
        cells = DenseMatrix(rows.map { row in row.map { $0 ?? 0 } })
        known = rows.flatMap { row in row.map { $0 != nil } }
    }

    /// How many rows and columns there are.
    package var rows: Int { cells.rows }
    /// How many columns there are.
    package var columns: Int { cells.columns }

    /// Whether one cell was measured.
    package func isKnown(_ row: Int, _ column: Int) -> Bool {
        known[row * cells.columns + column]
    }

    /// The rows of which every cell was measured.
    package var completeRows: [Int] {
        (0..<rows).filter { row in
            known[row * columns..<(row + 1) * columns].allSatisfy { $0 }
        }
    }

    /// The measured columns of one row.
    package func knownColumns(of row: Int) -> [Int] {
        (0..<columns).filter { isKnown(row, $0) }
    }

    /// The same with every cell multiplied by `factor` of its row.
    func scaled(by factors: [Double]) -> PartialMatrix {
        var result = self
        for row in 0..<rows {
            for column in 0..<columns { result.cells[row, column] *= factors[row] }
        }
        return result
    }
}
