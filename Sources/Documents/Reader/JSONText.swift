/// Writes JSON with keys in the order in which they are given, so equal values give equal bytes.
public enum JSONText {
    /// An object on one line.
    public static func object(_ members: [(key: String, value: String?)]) -> String {
        let written = members.compactMap { member in
            member.value.map { string(member.key) + ":" + $0 }
        }
        return "{" + written.joined(separator: ",") + "}"
    }

    /// A list on one line.
    public static func list(_ entries: [String]) -> String {
        "[" + entries.joined(separator: ",") + "]"
    }

    /// A list with one entry per line.
    public static func lines(_ entries: [String]) -> String {
        entries.isEmpty ? "[]" : "[\n  " + entries.joined(separator: ",\n  ") + "\n]"
    }

    /// A number in the fewest digits that read back as the same; whole ones without a point.
    ///
    /// - Precondition: it is finite; JSON has no other numbers.
    public static func number(_ value: Double) -> String {
        precondition(value.isFinite)
        if let whole = Int64(exactly: value), abs(value) < 1e15 { return String(whole) }
        return String(value)
    }

    /// A number, or null for none and for what JSON has no number for.
    public static func numberOrNull(_ value: Double?) -> String {
        guard let value, value.isFinite else { return "null" }
        return number(value)
    }

    /// A quoted text.
    public static func string(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case _ where scalar.value < 32:
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
