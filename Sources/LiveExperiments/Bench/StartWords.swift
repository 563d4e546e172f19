/// What a server says of itself while it starts: where it listens, and whether it is ready.
struct StartWords: Hashable, Sendable {
    /// Where requests go; nil = not said yet.
    var url: String?
    /// Where metrics stand.
    var metrics: String?
    /// Whether it has said that it is ready.
    var isReady = false
    /// Why it will not be; nil = it may still become so.
    var refusal: String?

    /// Reads what has been printed so far; a line without its end counts as not printed yet.
    init(_ text: String) {
        var reason: String?
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        for line in lines {
            let words = line.split(separator: " ")
            if words.count == 2, words[0] == "HTTP" { url = String(words[1]) }
            if words.count == 2, words[0] == "metrics" { metrics = String(words[1]) }
            if line == "ready" { isReady = true }
            // The last line counts the models that failed; those before it say why.
            if line.hasPrefix("not ready") { refusal = reason ?? String(line) }
            if words.first == "failed", reason == nil {
                reason = words.dropFirst().joined(separator: " ")
            }
        }
    }

    /// The last line that says something, cut to what a row can hold: usually an error's.
    static func last(of text: String) -> String {
        let line = text.split(whereSeparator: \.isNewline).last.map(String.init) ?? ""
        let plain = line.hasPrefix("Error: ") ? String(line.dropFirst(7)) : line
        return plain.count > 300 ? String(plain.prefix(297)) + "..." : plain
    }
}
