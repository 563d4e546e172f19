/// The highest load of several servers behind one queue within a target of late requests.
///
/// As `CapacityTable`, for `PooledQueue`: by target (those of `CapacityTable`), servers and
/// patience, linear between two patiences. `PooledQueueTests` compares it with the queue.
enum PoolTable {
    /// The fewest and the most servers; more count as the most.
    static let servers = 2...16
    /// The objective over the time of a request; below 1 the load is 0, beyond the last it stays.
    static let patiences = [1, 1.25, 1.5, 1.75, 2, 2.5, 3, 4]

    /// The highest load, 0...1 of servers that are never idle.
    ///
    /// - Parameters:
    ///   - count: Servers, at least 2.
    ///   - patience: The objective over the time of a request.
    ///   - row: From `CapacityTable.row(of:)`.
    static func load(servers count: Int, patience: Double, row: Int) -> Double {
        guard patience >= 1, patience == patience, count >= servers.lowerBound else { return 0 }
        let server = min(count, servers.upperBound) - servers.lowerBound
        var column = 1
        while column < patiences.count - 1, patiences[column] < patience { column += 1 }
        let start = patiences[column - 1]
        let part = min(1, (patience - start) / (patiences[column] - start))
        let place = (row * servers.count + server) * patiences.count + column
        let (left, right) = (Double(perMille[place - 1]), Double(perMille[place]))
        return (left + part * (right - left)) / 1_000
    }
}
