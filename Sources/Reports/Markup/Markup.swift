/// Text of HTML or SVG as it grows. Whatever callers pass in is escaped; only names of elements
/// and attributes, which are our own constants, are written as they are.
struct Markup {
    /// An attribute's name and its value, which is escaped when it is written.
    typealias Attribute = (name: StaticString, value: String)

    /// What has been written so far.
    private(set) var text = ""

    /// Writes an element around what `content` writes.
    mutating func element(
        _ name: StaticString,
        _ attributes: [Attribute] = [],
        content: (inout Markup) -> Void
    ) {
        open(name, attributes)
        text += ">"
        content(&self)
        text += "</\(name)>"
    }

    /// Writes an element around a text.
    mutating func element(
        _ name: StaticString,
        _ attributes: [Attribute] = [],
        text content: String
    ) {
        open(name, attributes)
        text += ">" + Self.escaped(content) + "</\(name)>"
    }

    /// Writes an element without content, closed as XML wants it (which HTML allows).
    mutating func empty(_ name: StaticString, _ attributes: [Attribute] = []) {
        open(name, attributes)
        text += "/>"
    }

    /// Writes a text.
    mutating func write(_ content: String) { text += Self.escaped(content) }

    /// Writes our own markup or style sheets as they are; never anything that came from outside.
    mutating func raw(_ content: String) { text += content }

    /// Begins a new line, so that files can be compared line by line.
    mutating func newline() { text += "\n" }

    private mutating func open(_ name: StaticString, _ attributes: [Attribute]) {
        text += "<\(name)"
        for attribute in attributes {
            text += " \(attribute.name)=\"" + Self.escaped(attribute.value) + "\""
        }
    }

    /// The text with the five characters that mean something to XML written as entities.
    ///
    /// Control characters and the two non-characters that XML forbids become U+FFFD.
    static func escaped(_ text: String) -> String {
        var isPlain = true
        for byte in text.utf8 where !(32...126).contains(byte) || special.contains(byte) {
            isPlain = false
            break
        }
        if isPlain { return text }
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result.append(contentsOf: "&amp;".unicodeScalars)
            case "<": result.append(contentsOf: "&lt;".unicodeScalars)
            case ">": result.append(contentsOf: "&gt;".unicodeScalars)
            case "\"": result.append(contentsOf: "&quot;".unicodeScalars)
            case "'": result.append(contentsOf: "&#39;".unicodeScalars)
            case "\t", "\n": result.append(scalar)
            case _ where scalar.value < 32 || (127..<160).contains(scalar.value):
                result.append("\u{FFFD}")
            case "\u{FFFE}", "\u{FFFF}": result.append("\u{FFFD}")
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// The bytes of & < > " and '.
    private static let special: [UInt8] = [38, 60, 62, 34, 39]
}
