import Planning
import ServingTestKit
import Testing

/// The linear algebra under the fits, held against what must be true of any correct answer.
@Suite struct LinearAlgebraTests {
    private func random(_ rows: Int, _ columns: Int, seed: UInt64) -> DenseMatrix {
        var dice = SeededGenerator(seed: seed)
        var matrix = DenseMatrix(rows: rows, columns: columns)
        for place in matrix.values.indices {
            matrix.values[place] = Double(dice.number(in: -1_000...1_000)) / 100
        }
        return matrix
    }

    private func distance(_ left: DenseMatrix, _ right: DenseMatrix) -> Double {
        zip(left.values, right.values).map { ($0 - $1).magnitude }.max() ?? 0
    }

    @Test(
        "Singular vectors are orthonormal and put the matrix together again",
        arguments: [(18, 10), (10, 18), (5, 5), (1, 4), (4, 1), (7, 2)]
    )
    func recompose(_ rows: Int, _ columns: Int) {
        for seed in UInt64(1)...5 {
            let matrix = random(rows, columns, seed: seed)
            let parts = SingularValues(matrix)
            #expect(parts.values == parts.values.sorted(by: >))
            var scaled = parts.left
            for row in 0..<scaled.rows {
                for column in 0..<scaled.columns { scaled[row, column] *= parts.values[column] }
            }
            #expect(distance(scaled.times(parts.right.transposed), matrix) < 1e-10, "seed \(seed)")
            let unit = DenseMatrix.identity(parts.values.count)
            #expect(distance(parts.left.gram, unit) < 1e-10, "seed \(seed)")
            #expect(distance(parts.right.gram, unit) < 1e-10, "seed \(seed)")
        }
    }

    @Test("Values of a matrix that is known are the known ones, zero included")
    func knownValues() {
        let parts = SingularValues(DenseMatrix([[3, 0], [0, -4], [0, 0]]))
        #expect(parts.values == [4, 3])
        let flat = SingularValues(DenseMatrix([[1, 2], [2, 4]]))
        #expect((flat.values[0] - 5).magnitude < 1e-12 && flat.values[1] < 1e-12)
    }

    @Test("Least squares leaves a rest that is orthogonal to every column")
    func normalEquations() {
        for seed in UInt64(1)...10 {
            let matrix = random(9, 4, seed: seed)
            let right = random(9, 1, seed: seed + 100).values
            let solution = LeastSquares.solve(matrix, right)
            let column = DenseMatrix(solution.map { [$0] })
            let rest = zip(right, matrix.times(column).values).map { $0 - $1 }
            let products = matrix.transposed.times(DenseMatrix(rest.map { [$0] }))
            #expect((products.values.map(\.magnitude).max() ?? 1) < 1e-9, "seed \(seed)")
        }
    }

    @Test("A ridge pulls to zero, spares the intercept, and decides what is not determined")
    func ridge() {
        let matrix = DenseMatrix([[1, 1], [2, 1], [3, 1]])
        let exact = LeastSquares.solve(matrix, [3, 5, 7])
        #expect((exact[0] - 2).magnitude < 1e-12 && (exact[1] - 1).magnitude < 1e-12)
        let pulled = LeastSquares.solve(matrix, [3, 5, 7], ridge: 1e9, freeFrom: 1)
        #expect(pulled[0].magnitude < 1e-6 && (pulled[1] - 5).magnitude < 1e-5)
        let twins = LeastSquares.solve(DenseMatrix([[1, 1], [2, 2]]), [2, 4], ridge: 1e-9)
        #expect((twins[0] - 1).magnitude < 1e-6 && (twins[1] - 1).magnitude < 1e-6)
        #expect(LeastSquares.solve(DenseMatrix([[1, 0]]), [2]) == [2, 0])
    }
}
