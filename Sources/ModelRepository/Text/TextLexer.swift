/// Cuts a configuration text into tokens; serves protobuf text and JSON alike.
///
/// It works on bytes and never looks behind, so its cost grows with the text only.
struct TextLexer {
    /// What a token is.
    enum Kind: Hashable {
        case identifier(String)
        case number(String)
        case string(String)
        case symbol(UInt8)
        case end
    }

    /// A token and where it began.
    struct Token: Hashable {
        var kind: Kind
        var position: TextPosition
    }

    private let bytes: [UInt8]
    private let dialect: TextDialect
    private var index: Int
    private var line = 1
    private var lineStart: Int

    init(_ bytes: [UInt8], dialect: TextDialect) {
        self.bytes = bytes
        self.dialect = dialect
        // Editors on some systems put a byte order mark in front.
        index = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        lineStart = index
    }

    /// The next token; `end` for ever once the text is over.
    mutating func next() throws(TextError) -> Token {
        skipSpace()
        let position = here
        guard let byte = peek() else { return Token(kind: .end, position: position) }
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            return Token(kind: .string(try string(quote: byte)), position: position)
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            return Token(kind: .number(number()), position: position)
        case UInt8(ascii: ".") where Ascii.isDigit(peek(1)):
            return Token(kind: .number(number()), position: position)
        case _ where Ascii.isWordStart(byte):
            return Token(kind: .identifier(word()), position: position)
        case _ where Ascii.symbols.contains(byte):
            index += 1
            return Token(kind: .symbol(byte), position: position)
        default:
            let shown = Ascii.describe(byte)
            throw TextError(
                position,
                "unexpected \(shown); remove it, or put text in quotes"
            )
        }
    }

    private var here: TextPosition {
        TextPosition(line: line, column: index - lineStart + 1)
    }

    private func peek(_ ahead: Int = 0) -> UInt8? {
        let place = index + ahead
        return place < bytes.count ? bytes[place] : nil
    }

    private mutating func skipSpace() {
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\n"):
                index += 1
                line += 1
                lineStart = index
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), 0x0B, 0x0C:
                index += 1
            case UInt8(ascii: "#") where dialect == .protobufText:
                while let next = peek(), next != UInt8(ascii: "\n") { index += 1 }
            default:
                return
            }
        }
    }

    private mutating func word() -> String {
        let start = index
        while let byte = peek(), Ascii.isWordPart(byte) { index += 1 }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// Everything that may belong to a number; whether it is one, the field's type says later.
    private mutating func number() -> String {
        let start = index
        let isHex =
            peek() == UInt8(ascii: "0")
            && (peek(1) == UInt8(ascii: "x") || peek(1) == UInt8(ascii: "X"))
        while let byte = peek() {
            if Ascii.isWordPart(byte) || byte == UInt8(ascii: ".") {
                index += 1
            } else if !isHex, byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"),
                let last = index > start ? bytes[index - 1] : nil,
                last == UInt8(ascii: "e") || last == UInt8(ascii: "E")
            {
                index += 1
            } else {
                break
            }
        }
        return String(decoding: bytes[start..<index], as: UTF8.self)
    }

    private mutating func string(quote: UInt8) throws(TextError) -> String {
        let position = here
        var content: [UInt8] = []
        index += 1
        while let byte = peek() {
            if byte == quote {
                index += 1
                guard let text = String(validating: content, as: UTF8.self) else {
                    throw TextError(position, "the string is not UTF-8; save the file as UTF-8")
                }
                return text
            }
            if byte == UInt8(ascii: "\n") { break }
            index += 1
            if byte == UInt8(ascii: "\\") {
                try escape(into: &content)
            } else {
                content.append(byte)
            }
        }
        let mark = Character(UnicodeScalar(quote))
        throw TextError(position, "the string does not end on its line; close it with \(mark)")
    }

    private mutating func escape(into content: inout [UInt8]) throws(TextError) {
        let position = TextPosition(line: line, column: index - lineStart)
        guard let byte = peek() else {
            throw TextError(position, "the text ends inside an escape; close the string")
        }
        index += 1
        switch byte {
        case UInt8(ascii: "n"): content.append(0x0A)
        case UInt8(ascii: "r"): content.append(0x0D)
        case UInt8(ascii: "t"): content.append(0x09)
        case UInt8(ascii: "a"): content.append(0x07)
        case UInt8(ascii: "b"): content.append(0x08)
        case UInt8(ascii: "f"): content.append(0x0C)
        case UInt8(ascii: "v"): content.append(0x0B)
        case UInt8(ascii: "\\"), UInt8(ascii: "'"), UInt8(ascii: "\""), UInt8(ascii: "?"),
            UInt8(ascii: "/"):
            content.append(byte)
        case UInt8(ascii: "x"), UInt8(ascii: "X"):
            content.append(UInt8(truncatingIfNeeded: try hex(atMost: 2, atLeast: 1, position)))
        case UInt8(ascii: "0")...UInt8(ascii: "7"):
            index -= 1
            content.append(UInt8(truncatingIfNeeded: octal()))
        case UInt8(ascii: "u"):
            try unicode(try hex(atMost: 4, atLeast: 4, position), position, into: &content)
        case UInt8(ascii: "U"):
            try unicode(try hex(atMost: 8, atLeast: 8, position), position, into: &content)
        default:
            let shown = Ascii.describe(byte)
            throw TextError(position, "no such escape: \\ before \(shown); write \\\\ for \\")
        }
    }

    private mutating func octal() -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<3 {
            guard let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else {
                break
            }
            value = value * 8 + UInt32(byte - UInt8(ascii: "0"))
            index += 1
        }
        return value
    }

    private mutating func hex(
        atMost: Int,
        atLeast: Int,
        _ position: TextPosition
    ) throws(TextError) -> UInt32 {
        var value: UInt32 = 0
        var digits = 0
        while digits < atMost, let digit = Ascii.hexValue(peek()) {
            value = value << 4 | UInt32(digit)
            digits += 1
            index += 1
        }
        guard digits >= atLeast else {
            throw TextError(position, "the escape needs \(atLeast) hexadecimal digits")
        }
        return value
    }

    /// Appends a code point; JSON writes those beyond 65,535 as two escapes.
    private mutating func unicode(
        _ first: UInt32,
        _ position: TextPosition,
        into content: inout [UInt8]
    ) throws(TextError) {
        var point = first
        if (0xD800...0xDBFF).contains(first), peek() == UInt8(ascii: "\\"),
            peek(1) == UInt8(ascii: "u")
        {
            index += 2
            let second = try hex(atMost: 4, atLeast: 4, position)
            guard (0xDC00...0xDFFF).contains(second) else {
                throw TextError(position, "half of a surrogate pair; write the character itself")
            }
            point = 0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)
        }
        guard let scalar = UnicodeScalar(point) else {
            throw TextError(position, "no such character; write the character itself")
        }
        content.append(contentsOf: Array(String(Character(scalar)).utf8))
    }
}

/// What single bytes of a configuration text mean.
enum Ascii {
    /// The bytes that stand for themselves.
    static let symbols: Set<UInt8> = Set("{}[]<>:,;-+/.".utf8)

    static func isDigit(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    static func isWordStart(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
            || byte == UInt8(ascii: "_")
    }

    static func isWordPart(_ byte: UInt8) -> Bool {
        isWordStart(byte) || isDigit(byte)
    }

    static func hexValue(_ byte: UInt8?) -> UInt8? {
        guard let byte else { return nil }
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): return byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): return byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): return byte - UInt8(ascii: "A") + 10
        default: return nil
        }
    }

    /// A byte for a message: itself in quotes where it can be seen, else its number.
    static func describe(_ byte: UInt8) -> String {
        if (0x21...0x7E).contains(byte) { return "'\(Character(UnicodeScalar(byte)))'" }
        return "byte 0x" + String(byte, radix: 16)
    }
}
