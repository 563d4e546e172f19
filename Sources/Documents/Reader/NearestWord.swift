/// Finds the word that somebody may have meant.
enum NearestWord {
    /// The known word with the fewest edits to `word`; nil if that would be a guess.
    static func to(_ word: String, among known: [String]) -> String? {
        let word = Array(word.lowercased().prefix(64))
        var best: (word: String, edits: Int)?
        for candidate in known {
            let edits = distance(word, Array(candidate.lowercased().prefix(64)))
            if best.map({ edits < $0.edits }) ?? true { best = (candidate, edits) }
        }
        guard let best, best.edits <= max(1, best.word.count / 2) else { return nil }
        return best.word
    }

    /// Levenshtein's distance.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var row = Array(0...right.count)
        for (place, letter) in left.enumerated() {
            var diagonal = row[0]
            row[0] = place + 1
            for column in right.indices {
                let cost = diagonal + (letter == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(cost, row[column] + 1, row[column + 1] + 1)
            }
        }
        return row[right.count]
    }
}
