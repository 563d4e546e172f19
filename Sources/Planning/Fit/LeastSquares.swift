/// The weights that come closest to some equations, in the sense of least squares.
public enum LeastSquares {
    /// Solves `rows x weights = targets` by Householder's QR decomposition (Golub and Van Loan,
    /// section 5.3), which squares no condition number as normal equations would.
    ///
    /// - Returns: One weight per column; nil where there are fewer rows than columns, where a
    ///   column depends on the others, or where a number is not finite.
    /// - Precondition: Rows are equally long, and there are as many targets as rows.
    ///
    /// Cost: O(rows x columns^2).
    public static func weights(rows: [[Double]], targets: [Double]) -> [Double]? {
        precondition(rows.count == targets.count)
        guard let columns = rows.first?.count, columns > 0, rows.count >= columns else {
            return nil
        }
        precondition(rows.allSatisfy { $0.count == columns })
        var matrix = rows
        var right = targets
        for column in 0..<columns {
            let size = norm(matrix, column, from: column)
            // Relative to the column as it was: what is left of a dependent one is rounding.
            guard size.isFinite, size > 1e-10 * norm(rows, column, from: 0) else { return nil }
            reflect(&matrix, &right, column, size)
        }
        var weights = [Double](repeating: 0, count: columns)
        for column in (0..<columns).reversed() {
            var rest = right[column]
            for later in (column + 1)..<max(columns, column + 1) {
                rest -= matrix[column][later] * weights[later]
            }
            weights[column] = rest / matrix[column][column]
        }
        return weights.allSatisfy(\.isFinite) ? weights : nil
    }

    /// Mirrors everything so that `column` is zero below the diagonal.
    private static func reflect(
        _ matrix: inout [[Double]],
        _ right: inout [Double],
        _ column: Int,
        _ size: Double
    ) {
        let diagonal = matrix[column][column] > 0 ? -size : size
        var mirror = matrix[column...].map { $0[column] }
        mirror[0] -= diagonal
        let length = mirror.reduce(0) { $0 + $1 * $1 }
        guard length > 0 else { return }
        for target in column..<matrix[column].count {
            var product = 0.0
            for (row, part) in mirror.enumerated() {
                product += part * matrix[column + row][target]
            }
            for (row, part) in mirror.enumerated() {
                matrix[column + row][target] -= 2 * product / length * part
            }
        }
        var product = 0.0
        for (row, part) in mirror.enumerated() { product += part * right[column + row] }
        for (row, part) in mirror.enumerated() {
            right[column + row] -= 2 * product / length * part
        }
    }

    private static func norm(_ matrix: [[Double]], _ column: Int, from first: Int) -> Double {
        matrix[first...].reduce(0) { $0 + $1[column] * $1[column] }.squareRoot()
    }
}
