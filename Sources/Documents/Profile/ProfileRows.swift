/// The rows of a profile in an order in which contradictions stand side by side.
struct ProfileRows {
    /// One row, and where it stands in the file.
    private struct Entry {
        var row: Profile.Row
        var place: Int

        func isSameShare(as other: Entry) -> Bool {
            row.share == other.row.share && row.instances == other.row.instances
        }
    }

    /// Ascending by instances, share and batch.
    private let entries: [Entry]

    init(_ rows: [Profile.Row]) {
        entries = rows.enumerated().map { Entry(row: $1, place: $0) }
            .sorted { left, right in
                (left.row.instances, left.row.share, left.row.batch, left.place)
                    < (right.row.instances, right.row.share, right.row.batch, right.place)
            }
    }

    /// Refuses what can't be meant.
    ///
    /// - Parameter nodes: The rows as the file has them, for the error's place.
    func check(_ nodes: [DocumentNode]) throws(DocumentError) {
        if let first = entries.first, first.row.instances > 1 {
            throw nodes[first.place].wrong(
                "there is no row of one instance alone; measure that first"
            )
        }
        for (order, entry) in entries.enumerated() {
            let row = entry.row
            let before = order > 0 ? entries[order - 1] : nil
            guard let before, before.isSameShare(as: entry) else {
                guard row.batch == 1 || row.instances > 1 else {
                    throw nodes[entry.place].wrong(
                        "\(Self.place(row)) has no row of batch 1; every share needs one, since"
                            + " nothing is guessed below the smallest batch"
                    )
                }
                continue
            }
            guard before.row.batch != row.batch else {
                throw nodes[entry.place].wrong(
                    "batch \(row.batch) on \(Self.place(row)) is there twice, the first time as"
                        + " latency[\(before.place)]; keep one"
                )
            }
            guard row.ms * 2 >= before.row.ms else {
                throw nodes[entry.place].wrong(
                    Self.falls(entry.row, below: before.row)
                        + "; a larger batch can't be twice as fast, measure again"
                )
            }
        }
    }

    /// One line for each place where a larger batch takes less time than a smaller one: noise,
    /// or a mistake, which only whoever measured can tell.
    var warnings: [String] {
        var lines: [String] = []
        for (order, entry) in entries.enumerated() where order > 0 {
            let before = entries[order - 1]
            guard before.isSameShare(as: entry), entry.row.ms < before.row.ms else { continue }
            lines.append(
                "latency[\(entry.place)].ms: " + Self.falls(entry.row, below: before.row)
                    + "; taken as it is"
            )
        }
        return lines
    }

    private static func place(_ row: Profile.Row) -> String {
        let share = "\(JSONText.number(row.share)) %"
        return row.instances == 1 ? share : "\(share) with \(row.instances) instances"
    }

    private static func falls(_ row: Profile.Row, below other: Profile.Row) -> String {
        "on \(place(row)) batch \(row.batch) takes \(JSONText.number(row.ms)) ms, less than the "
            + "\(JSONText.number(other.ms)) ms of batch \(other.batch)"
    }
}

extension Profile {
    /// What looks wrong and is taken as it is, one line each, the field named; at most 20.
    public var warnings: [String] {
        let lines = ProfileRows(latency).warnings
        guard lines.count > 20 else { return lines.map { "profile of '\(model)': \($0)" } }
        return lines.prefix(20).map { "profile of '\(model)': \($0)" }
            + ["profile of '\(model)': \(lines.count - 20) more latencies that fall"]
    }
}
