/// Keeps messages to one line, whatever names and values they quote.
enum OneLine {
    /// The text with a question mark in place of everything that can't be seen.
    static func of(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { !isHidden($0) }
        if isPlain { return text }
        var out = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { out.append(isHidden(scalar) ? "?" : scalar) }
        return String(out)
    }

    private static func isHidden(_ scalar: UnicodeScalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
