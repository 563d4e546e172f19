/// The name of a planner, scaler or policy with its options, as in `whole:slots=4`.
///
/// The form is `name[:key=value[,key=value]...]`; an option without a value reads as `true`.
public struct OptionedName: Hashable, Sendable {
    /// One option.
    public struct Option: Hashable, Sendable {
        /// The option's name.
        public var key: String
        /// What it is set to.
        public var value: String

        /// Creates an option.
        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    /// The name in front of the colon.
    public var name: String
    /// The options in the order they stand in.
    public var options: [Option]

    /// Reads `text`; any text has a reading, whether the name exists is for others to say.
    public init(_ text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(parts[0])
        options = []
        guard parts.count == 2 else { return }
        for piece in parts[1].split(separator: ",") {
            let pair = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            options.append(
                Option(key: String(pair[0]), value: pair.count == 2 ? String(pair[1]) : "true")
            )
        }
    }

    /// One line for a name that there isn't: the nearest that there is, and all of them.
    ///
    /// - Parameters:
    ///   - kind: What is named, such as `policy`.
    ///   - name: What was asked for.
    ///   - known: What there is; not empty.
    public static func unknown(_ kind: String, _ name: String, known: [String]) -> String {
        let nearest = nearest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ";"
        return "There is no \(kind) '\(name)'\(nearest) Known: \(known.joined(separator: ", "))."
    }

    /// The one of `candidates` that takes the fewest edits to become `word`; the first of equals.
    public static func nearest(to word: String, among candidates: [String]) -> String? {
        candidates.enumerated()
            .map { (distance: edits(from: word, to: $0.element), place: $0.offset) }
            .min { ($0.distance, $0.place) < ($1.distance, $1.place) }
            .map { candidates[$0.place] }
    }

    /// Insertions, removals and replacements between two words; long words are cut at 64.
    private static func edits(from left: String, to right: String) -> Int {
        let first = Array(left.utf8.prefix(64))
        let second = Array(right.utf8.prefix(64))
        var row = Array(0...second.count)
        for (line, letter) in first.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for column in second.indices {
                let replaced = diagonal + (letter == second[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(replaced, diagonal + 1, row[column] + 1)
            }
        }
        return row[second.count]
    }
}
