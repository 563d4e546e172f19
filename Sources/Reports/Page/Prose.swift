/// Plain text with the little markup that reports need: paragraphs, lists, code.
enum Prose {
    /// Writes paragraphs and lists.
    static func blocks(_ text: String, into markup: inout Markup) {
        var paragraph: [Substring] = []
        var items: [Substring] = []
        func flush(_ markup: inout Markup) {
            if !paragraph.isEmpty {
                let whole = paragraph.joined(separator: " ")
                markup.element("p") { inline(whole, into: &$0) }
                markup.newline()
            }
            if !items.isEmpty {
                markup.element("ul") { list in
                    for item in items { list.element("li") { inline(String(item), into: &$0) } }
                }
                markup.newline()
            }
            paragraph = []
            items = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.allSatisfy({ $0 == " " }) {
                flush(&markup)
            } else if line.hasPrefix("- ") {
                if !paragraph.isEmpty { flush(&markup) }
                items.append(line.dropFirst(2))
            } else {
                if !items.isEmpty { flush(&markup) }
                paragraph.append(line)
            }
        }
        flush(&markup)
    }

    /// Writes a text whose words between backticks are code; a lone backtick stands as it is.
    static func inline(_ text: String, into markup: inout Markup) {
        let parts = text.split(separator: "`", omittingEmptySubsequences: false)
        guard parts.count > 2 else { return markup.write(text) }
        for (place, part) in parts.enumerated() {
            if place % 2 == 0 {
                markup.write(String(part))
            } else if place == parts.count - 1 {
                markup.write("`" + part)
            } else {
                markup.element("code", text: String(part))
            }
        }
    }
}
