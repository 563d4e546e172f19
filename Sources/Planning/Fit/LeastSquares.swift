/// Least squares by Householder's reflections (Golub and Van Loan, section 5.3), which square no
/// condition number as normal equations would.
public enum LeastSquares {
    /// The weights that come closest to `rows x weights = targets`, where they are determined.
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
        let matrix = DenseMatrix(rows)
        let work = triangle(of: matrix, targets)
        for column in 0..<columns {
            // Relative to the column as it was: what is left of a dependent one is rounding.
            var square = 0.0
            for row in 0..<matrix.rows { square += matrix[row, column] * matrix[row, column] }
            let rest = work[column, column].magnitude
            guard rest.isFinite, rest > 1e-10 * square.squareRoot() else { return nil }
        }
        let weights = substitute(work, unknowns: columns)
        return weights.allSatisfy(\.isFinite) ? weights : nil
    }

    /// The x that makes |A x - b|^2 + ridge |x|^2 smallest, whether or not that determines it.
    ///
    /// Unknowns that the equations say nothing about become 0.
    ///
    /// - Parameters:
    ///   - matrix: A, one row per equation.
    ///   - right: b, as many numbers as rows.
    ///   - ridge: How much large unknowns cost; 0 = nothing.
    ///   - free: Unknowns from here on cost nothing whatever the ridge (an intercept, put last).
    /// - Returns: As many numbers as columns. Cost: O(rows x columns^2).
    package static func solve(
        _ matrix: DenseMatrix,
        _ right: [Double],
        ridge: Double = 0,
        freeFrom free: Int = .max
    ) -> [Double] {
        precondition(matrix.rows == right.count && ridge >= 0)
        guard matrix.columns > 0 else { return [] }
        var lines = (0..<matrix.rows).map { matrix.row($0) }
        var targets = right
        if ridge > 0 {
            for column in 0..<min(free, matrix.columns) {
                var line = Array(repeating: 0.0, count: matrix.columns)
                line[column] = ridge.squareRoot()
                lines.append(line)
                targets.append(0)
            }
        }
        while lines.count < matrix.columns {
            lines.append(Array(repeating: 0, count: matrix.columns))
            targets.append(0)
        }
        let work = triangle(of: DenseMatrix(lines), targets)
        return substitute(work, unknowns: matrix.columns)
    }

    /// The equations with zeros below the diagonal, what they are to equal in the last column.
    private static func triangle(of matrix: DenseMatrix, _ right: [Double]) -> DenseMatrix {
        var work = DenseMatrix((0..<matrix.rows).map { matrix.row($0) + [right[$0]] })
        for column in 0..<matrix.columns { reflect(&work, column) }
        return work
    }

    /// Makes what lies below the diagonal in `column` zero.
    private static func reflect(_ work: inout DenseMatrix, _ column: Int) {
        var norm = 0.0
        for row in column..<work.rows { norm += work[row, column] * work[row, column] }
        norm = norm.squareRoot()
        guard norm > 0 else { return }
        let head = work[column, column]
        let pivot = head >= 0 ? head + norm : head - norm
        var vector = (column..<work.rows).map { work[$0, column] }
        vector[0] = pivot
        let square = vector.reduce(0) { $0 + $1 * $1 }
        guard square > 0 else { return }
        for other in column..<work.columns {
            var product = 0.0
            for (place, entry) in vector.enumerated() {
                product += entry * work[column + place, other]
            }
            let factor = 2 * product / square
            for (place, entry) in vector.enumerated() {
                work[column + place, other] -= factor * entry
            }
        }
    }

    private static func substitute(_ work: DenseMatrix, unknowns: Int) -> [Double] {
        var largest = 0.0
        for place in 0..<unknowns { largest = max(largest, work[place, place].magnitude) }
        var result = Array(repeating: 0.0, count: unknowns)
        for place in (0..<unknowns).reversed() {
            guard work[place, place].magnitude > 1e-12 * largest else { continue }
            var rest = work[place, unknowns]
            for later in place + 1..<max(place + 1, unknowns) {
                rest -= work[place, later] * result[later]
            }
            result[place] = rest / work[place, place]
        }
        return result
    }
}
