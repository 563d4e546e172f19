/// A rectangle of numbers, row by row, for the small systems that fits solve.
package struct DenseMatrix: Hashable, Sendable {
    /// How many rows and columns there are.
    package let rows: Int, columns: Int
    /// The numbers; row r begins at r x columns.
    package var values: [Double]

    /// Creates a matrix of zeros.
    package init(rows: Int, columns: Int) {
        precondition(rows >= 0 && columns >= 0)
        self.rows = rows
        self.columns = columns
        values = Array(repeating: 0, count: rows * columns)
    }

    /// Creates a matrix from its rows, which are equally long.
    package init(_ lines: [[Double]]) {
        rows = lines.count
        columns = lines.first?.count ?? 0
        precondition(lines.allSatisfy { [columns] in $0.count == columns })
        values = lines.flatMap { $0 }
    }

    /// One number. Cost: O(1).
    package subscript(row: Int, column: Int) -> Double {
        get { values[row * columns + column] }
        set { values[row * columns + column] = newValue }
    }

    /// One row as a list. Cost: O(columns).
    package func row(_ row: Int) -> [Double] {
        Array(values[row * columns..<(row + 1) * columns])
    }

    /// Rows for columns. Cost: O(rows x columns).
    package var transposed: DenseMatrix {
        var result = DenseMatrix(rows: columns, columns: rows)
        for row in 0..<rows {
            for column in 0..<columns { result[column, row] = self[row, column] }
        }
        return result
    }

    /// The product of two matrices. Cost: O(rows x columns x other's columns).
    package func times(_ other: DenseMatrix) -> DenseMatrix {
        precondition(columns == other.rows)
        var result = DenseMatrix(rows: rows, columns: other.columns)
        let width = other.columns
        for row in 0..<rows {
            let target = row * width
            for inner in 0..<columns {
                let factor = values[row * columns + inner]
                let source = inner * width
                // Along the rows of both, so that the compiler may use vectors.
                for column in 0..<width {
                    result.values[target + column] += factor * other.values[source + column]
                }
            }
        }
        return result
    }

    /// The products of all pairs of columns: the transposed matrix times the matrix.
    ///
    /// Cost: O(rows x columns^2).
    package var gram: DenseMatrix {
        var result = DenseMatrix(rows: columns, columns: columns)
        for row in 0..<rows {
            let source = row * columns
            for left in 0..<columns {
                let factor = values[source + left]
                let target = left * columns
                for right in left..<columns {
                    result.values[target + right] += factor * values[source + right]
                }
            }
        }
        for left in 0..<columns {
            for right in 0..<left { result[left, right] = result[right, left] }
        }
        return result
    }

    /// Ones on the diagonal.
    package static func identity(_ size: Int) -> DenseMatrix {
        var result = DenseMatrix(rows: size, columns: size)
        for place in 0..<size { result[place, place] = 1 }
        return result
    }
}
