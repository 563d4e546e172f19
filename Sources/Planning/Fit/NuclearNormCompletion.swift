/// The matrix of smallest nuclear norm that agrees with every measured cell.
///
/// DNNScaler solves min |X|* + (mu/2)|X|^2 subject to equality on the measured cells, mu = 1e-5
/// (released code, a smoothed nuclear-norm pursuit). Here that optimum is reached by alternating
/// directions: singular values are shrunk (Cai, Candes, Shen 2010), measured cells put back, and
/// the multiplier of their agreement is carried along.
package struct NuclearNormCompletion: Sendable {
    /// The weight of the smoothing term, per unit of the cells; 0 = where continuation ends, which
    /// lets the term vanish (12.34 % on the authors' rows; 12.38 % with their 1e-5 kept).
    package var smoothing = 0.0
    /// It ends when no cell moves by more than this part of the mean measured cell.
    package var tolerance = 3e-7
    /// It ends after this many rounds whatever has been reached.
    package var rounds = 3_000

    /// Creates the solver as the paper uses it.
    package init() {}

    /// Fills the cells of `partial` that were not measured.
    ///
    /// - Returns: All cells; measured ones as they were. Cost: O(rounds x rows x columns^2) with
    ///   the smaller side as columns; 18 x 10 with one open row takes some 200 rounds.
    package func complete(_ partial: PartialMatrix) -> DenseMatrix {
        let isTall = partial.rows >= partial.columns
        let cells = isTall ? partial.cells : partial.cells.transposed
        let open = isTall ? openCells(partial) : openCellsTransposed(partial)
        let filled = solve(cells, open)
        return isTall ? filled : filled.transposed
    }

    private func openCells(_ partial: PartialMatrix) -> [Int] {
        partial.known.indices.filter { !partial.known[$0] }
    }

    private func openCellsTransposed(_ partial: PartialMatrix) -> [Int] {
        openCells(partial).map { place in
            (place % partial.columns) * partial.rows + place / partial.columns
        }
    }

    private func solve(_ cells: DenseMatrix, _ open: [Int]) -> DenseMatrix {
        guard !open.isEmpty, cells.columns > 0 else { return cells }
        let known = cells.values.count - open.count
        let sum = cells.values.reduce(0) { $0 + $1.magnitude }
        let limit = tolerance * sum / Double(max(1, known))
        var basis = DenseMatrix.identity(cells.columns)
        // A thirtieth of the largest singular value shrinks noise and keeps structure.
        let first = SymmetricEigenvalues(cells.gram, from: basis)
        let step = 0.03 * (first.values.max() ?? 0).squareRoot()
        guard step > 0 else { return cells }
        var present = cells
        // The multiplier: it lives on the measured cells only.
        var dual = DenseMatrix(rows: cells.rows, columns: cells.columns)
        var isOpen = Array(repeating: false, count: cells.values.count)
        for place in open { isOpen[place] = true }
        for _ in 0..<rounds {
            var raised = present
            for place in raised.values.indices { raised.values[place] += dual.values[place] }
            let shrunk = shrink(raised, by: step, &basis)
            var largest = 0.0
            for place in shrunk.values.indices {
                let target = isOpen[place] ? shrunk.values[place] : cells.values[place]
                let gap = target - shrunk.values[place]
                let move = target - present.values[place]
                largest = max(largest, max(gap.magnitude, move.magnitude))
                dual.values[place] = isOpen[place] ? 0 : dual.values[place] + gap
                present.values[place] = target
            }
            if largest <= limit { break }
        }
        return present
    }

    /// Lowers every singular value by `step`, to zero at least.
    ///
    /// The values come from the Gram matrix: those below a ten-millionth of the largest are wrong
    /// there, but all below `step` vanish anyway.
    private func shrink(
        _ matrix: DenseMatrix,
        by step: Double,
        _ basis: inout DenseMatrix
    ) -> DenseMatrix {
        let eigen = SymmetricEigenvalues(matrix.gram, from: basis)
        basis = eigen.vectors
        var weighted = basis
        for row in 0..<basis.rows {
            let value = max(0, eigen.values[row]).squareRoot()
            let kept = value > step ? (1 - step / value) / (1 + smoothing * step) : 0
            for column in 0..<basis.columns { weighted[row, column] *= kept }
        }
        return matrix.times(basis.transposed.times(weighted))
    }
}
