/// Eigenvalues and eigenvectors of a symmetric matrix by cyclic Jacobi rotations.
///
/// The nuclear-norm completion wants those of nearly the same matrix hundreds of times, so that a
/// start from the last vectors saves most of the sweeps.
struct SymmetricEigenvalues {
    /// The eigenvalues, in no order.
    let values: [Double]
    /// The eigenvectors as rows: `vectors.row(i)` belongs to `values[i]`.
    let vectors: DenseMatrix

    /// Solves for `matrix`, from vectors (as rows) that may be nearly right.
    ///
    /// Cost: O(sweeps x size^3), 2 sweeps from a good start.
    init(_ matrix: DenseMatrix, from start: DenseMatrix) {
        var vectors = start
        var work = start.times(matrix).times(start.transposed)
        var sweeps = 0
        while sweeps < 30, Self.sweep(&work, &vectors) { sweeps += 1 }
        values = (0..<work.rows).map { work[$0, $0] }
        self.vectors = vectors
    }

    private static func sweep(_ work: inout DenseMatrix, _ vectors: inout DenseMatrix) -> Bool {
        let size = work.rows
        var largest = 0.0
        for place in 0..<size { largest = max(largest, work[place, place].magnitude) }
        var hasTurned = false
        for first in 0..<size {
            for second in first + 1..<max(first + 1, size) {
                let gamma = work[first, second]
                guard gamma.magnitude > 1e-13 * largest else { continue }
                hasTurned = true
                let rotation = JacobiRotation(
                    alpha: work[first, first],
                    beta: work[second, second],
                    gamma: gamma
                )
                rotation.turn(&work, first, second)
                turnColumns(&work, first, second, rotation)
                rotation.turn(&vectors, first, second)
            }
        }
        return hasTurned
    }

    private static func turnColumns(
        _ work: inout DenseMatrix,
        _ first: Int,
        _ second: Int,
        _ rotation: JacobiRotation
    ) {
        for row in 0..<work.rows {
            let (x, y) = (work[row, first], work[row, second])
            work[row, first] = rotation.cosine * x - rotation.sine * y
            work[row, second] = rotation.sine * x + rotation.cosine * y
        }
    }
}
