/// Finds the word that somebody probably meant.
enum NearestName {
    /// The candidate with the fewest edits, if those are few for its length; ties fall to the
    /// first. Words longer than 64 bytes have none.
    ///
    /// Complexity: O(candidates x lengths).
    static func of(_ word: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(word.lowercased().utf8)
        guard wanted.count <= 64 else { return nil }
        var best: (name: String, edits: Int)?
        for candidate in candidates {
            let edits = distance(wanted, Array(candidate.lowercased().utf8))
            if edits < best?.edits ?? .max { best = (candidate, edits) }
        }
        guard let best, best.edits <= max(2, wanted.count / 3) else { return nil }
        return best.name
    }

    /// A clause for a message: the nearest name, or nothing.
    static func hint(_ word: String, among candidates: some Sequence<String>) -> String {
        guard let name = of(word, among: candidates) else { return "" }
        return "; did you mean '\(name)'?"
    }

    /// Insertions, deletions and replacements that turn one word into the other.
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, a) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, b) in right.enumerated() {
                let replaced = diagonal + (a == b ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
