package import ServingDomain

/// The next points in time of a fixed number of sources, the earliest first; of equal ones the
/// lowest number. Cost: `set` O(log n), `earliest` O(1), no allocation.
package struct Tournament: Sendable {
    /// Leaves stand behind their parents; parent of `i` is `i / 2`.
    private var points: [Int64]
    private var winners: [Int32]
    private let leaves: Int

    /// Creates a tournament in which nothing is due.
    package init(sources: Int) {
        var leaves = 1
        while leaves < max(1, sources) { leaves *= 2 }
        self.leaves = leaves
        points = Array(repeating: .max, count: leaves)
        winners = Array(repeating: 0, count: leaves * 2)
        for place in (1..<leaves * 2).reversed() {
            winners[place] =
                place >= leaves ? Int32(place - leaves) : winners[place * 2]
        }
    }

    /// The earliest point; `distantFuture` = none.
    package var earliest: Instant { Instant(nanoseconds: points[Int(winners[1])]) }

    /// The source of the earliest point.
    package var source: Int { Int(winners[1]) }

    /// Sets the next point of `source`.
    package mutating func set(_ number: Int, at when: Instant) {
        let source = Int32(number)
        points[number] = when.nanoseconds
        var place = (number + leaves) / 2
        while place >= 1 {
            let left = winners[place * 2]
            let right = winners[place * 2 + 1]
            let winner = points[Int(right)] < points[Int(left)] ? right : left
            // Where another won before and wins still, nothing changes above.
            if winner == winners[place], winner != source { return }
            winners[place] = winner
            place /= 2
        }
    }
}
