/// The highest load of a lane within a target of late requests, read from a table.
///
/// The search of a planner asks this a million times, so `BatchQueue` was asked in advance: for
/// lanes whose batch time is a fixed part and a part in proportion to the size. A real profile is
/// replaced by the lowest such line above it. Between grid points the answer is linear; the target
/// goes down to the next row. What a plan reports is computed by `BatchQueue` itself afterwards, so
/// a rounding here can cost capacity but break no promise.
/// `CapacityTableTests` compares the numbers with the chain.
enum CapacityTable {
    /// Batch limits; larger ones count as the last.
    static let limits = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
    /// The fixed part of the time of a full batch, in quarters.
    static let fixedParts = 5
    /// The objective over the time of a full batch; at 1 the load is 0, beyond the last it stays.
    /// They are close together below 2, where a wait for one batch begins to fit.
    static let patiences = [1, 1.1, 1.25, 1.5, 1.75, 1.9, 1.99, 2, 2.5, 3, 4, 6]
    /// Targets of late requests, falling.
    static let targets = [0.05, 0.025, 0.01, 0.005, 0.002, 0.0005, 0.0001]

    /// The place of the row for `target`; nil where it is stricter than the last.
    static func row(of target: Double) -> Int? {
        targets.firstIndex { $0 <= target * 1.000_001 }
    }

    /// The highest load, 0...1 of full batches.
    ///
    /// - Parameters:
    ///   - limit: The batch limit.
    ///   - fixed: The fixed part of the time of a full batch, 0...1.
    ///   - patience: The objective over the time of a full batch.
    ///   - row: From `row(of:)`.
    static func load(limit: Int, fixed: Double, patience: Double, row: Int) -> Double {
        load(loads(limit: limit, fixed: fixed, row: row), patience: patience)
    }

    /// The loads at each of `patiences`: what is looked up again and again for one way to run.
    typealias Loads = InlineArray<12, Double>

    /// The loads of one limit and fixed part, read once.
    static func loads(limit: Int, fixed: Double, row: Int) -> Loads {
        let (lower, limitPart) = place(of: limit)
        let quarter = min(max(fixed, 0), 1) * 4
        let left = min(Int(quarter), fixedParts - 2)
        let fixedPart = quarter - Double(left)
        var loads = Loads(repeating: 0)
        for column in 1..<patiences.count {
            let read = { (limit: Int) in
                let flat = value(row, limit, left, column)
                return flat + fixedPart * (value(row, limit, left + 1, column) - flat)
            }
            let first = read(lower)
            loads[column] = limitPart > 0 ? first + limitPart * (read(lower + 1) - first) : first
        }
        return loads
    }

    /// The highest load at one patience, linear between the columns.
    static func load(_ loads: borrowing Loads, patience: Double) -> Double {
        guard patience > 1, patience == patience else { return 0 }
        var column = 1
        while column < 11, grid[column] < patience { column += 1 }
        let start = grid[column - 1]
        let part = min(1, (patience - start) / (grid[column] - start))
        return loads[column - 1] + part * (loads[column] - loads[column - 1])
    }

    /// `patiences` where no allocation stands between.
    private static let grid: Loads = [1, 1.1, 1.25, 1.5, 1.75, 1.9, 1.99, 2, 2.5, 3, 4, 6]

    private static func place(of limit: Int) -> (Int, Double) {
        var place = 0
        while place < limits.count - 1, limits[place + 1] <= limit { place += 1 }
        guard place < limits.count - 1, limit > limits[place] else { return (place, 0) }
        let width = limits[place + 1] - limits[place]
        return (place, Double(limit - limits[place]) / Double(width))
    }

    private static func value(_ row: Int, _ limit: Int, _ fixed: Int, _ column: Int) -> Double {
        let columns = patiences.count - 1
        let start = ((row * limits.count + limit) * fixedParts + fixed) * columns
        return Double(perMille[start + column - 1]) / 1_000
    }
}
