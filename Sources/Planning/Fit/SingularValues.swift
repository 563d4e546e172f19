/// A matrix as a sum of rank-one matrices, the heaviest first: M = left x diag(values) x right'.
///
/// One-sided Jacobi (Hestenes 1958): columns are rotated pairwise until all are orthogonal. Slow
/// for large matrices, but short, and accurate to the last digits even for tiny values.
package struct SingularValues: Sendable {
    /// Orthonormal columns, one per value (rows x count); zero where the value is zero.
    package let left: DenseMatrix
    /// The weights, descending; as many as the smaller side.
    package let values: [Double]
    /// Orthonormal columns, one per value (columns x count).
    package let right: DenseMatrix

    /// Takes `matrix` apart. Cost: O(sweeps x rows x columns^2) with the smaller side as columns;
    /// usually 6 to 10 sweeps, 60 at most.
    package init(_ matrix: DenseMatrix) {
        guard matrix.rows >= matrix.columns else {
            let flipped = SingularValues(matrix.transposed)
            (left, values, right) = (flipped.right, flipped.values, flipped.left)
            return
        }
        // The columns become rows, so that a rotation walks along memory.
        var work = matrix.transposed
        var turned = DenseMatrix.identity(matrix.columns)
        var sweeps = 0
        while sweeps < 60, Self.sweep(&work, &turned) { sweeps += 1 }
        let norms = (0..<work.rows).map { Self.norm(work, $0) }
        let order = norms.indices.sorted { (norms[$1], $0) < (norms[$0], $1) }
        values = order.map { norms[$0] }
        var left = DenseMatrix(rows: matrix.rows, columns: order.count)
        var right = DenseMatrix(rows: matrix.columns, columns: order.count)
        for (place, source) in order.enumerated() {
            for row in 0..<matrix.rows where norms[source] > 0 {
                left[row, place] = work[source, row] / norms[source]
            }
            for row in 0..<matrix.columns { right[row, place] = turned[source, row] }
        }
        self.left = left
        self.right = right
    }

    /// Rotates every pair once; returns whether any was not orthogonal yet.
    private static func sweep(_ work: inout DenseMatrix, _ turned: inout DenseMatrix) -> Bool {
        var hasTurned = false
        for first in 0..<work.rows {
            for second in first + 1..<max(first + 1, work.rows) {
                var (alpha, beta, gamma) = (0.0, 0.0, 0.0)
                for place in 0..<work.columns {
                    let (x, y) = (work[first, place], work[second, place])
                    alpha += x * x
                    beta += y * y
                    gamma += x * y
                }
                guard gamma.magnitude > 1e-15 * (alpha * beta).squareRoot() else { continue }
                hasTurned = true
                let rotation = JacobiRotation(alpha: alpha, beta: beta, gamma: gamma)
                rotation.turn(&work, first, second)
                rotation.turn(&turned, first, second)
            }
        }
        return hasTurned
    }

    private static func norm(_ matrix: DenseMatrix, _ row: Int) -> Double {
        var sum = 0.0
        for place in 0..<matrix.columns { sum += matrix[row, place] * matrix[row, place] }
        return sum.squareRoot()
    }
}

/// The rotation that makes two vectors orthogonal, or a pair off the diagonal zero.
struct JacobiRotation {
    let cosine: Double, sine: Double

    /// For vectors of square length `alpha` and `beta` and product `gamma`, which is not zero.
    init(alpha: Double, beta: Double, gamma: Double) {
        let zeta = (beta - alpha) / (2 * gamma)
        let sign = zeta >= 0 ? 1.0 : -1.0
        let tangent = sign / (zeta.magnitude + (1 + zeta * zeta).squareRoot())
        cosine = 1 / (1 + tangent * tangent).squareRoot()
        sine = cosine * tangent
    }

    /// Turns two rows of `matrix` into each other.
    func turn(_ matrix: inout DenseMatrix, _ first: Int, _ second: Int) {
        let (one, two) = (first * matrix.columns, second * matrix.columns)
        for place in 0..<matrix.columns {
            let (x, y) = (matrix.values[one + place], matrix.values[two + place])
            matrix.values[one + place] = cosine * x - sine * y
            matrix.values[two + place] = sine * x + cosine * y
        }
    }
}
