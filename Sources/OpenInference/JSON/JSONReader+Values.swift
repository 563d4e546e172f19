extension JSONReader {
    // MARK: Text

    /// The text that comes next; checked, not yet unescaped.
    public mutating func text() throws(WireError) -> Text {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw fault("text in quotes was expected")
        }
        position += 1
        let begin = position
        var isEscaped = false
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return Text(range: begin..<position - 1, isEscaped: isEscaped)
            case UInt8(ascii: "\\"):
                isEscaped = true
                _ = try escape()
            case 0..<0x20: throw fault("a control character inside text")
            case 0x80...: try passMultibyte()
            default: position += 1
            }
        }
        throw fault("text without a closing quote")
    }

    /// The text that comes next as a string.
    public mutating func string() throws(WireError) -> String {
        string(of: try text())
    }

    /// A text as a string. Short ones take no allocation.
    public func string(of text: Text) -> String {
        guard text.isEscaped else {
            return String(decoding: bytes[text.range], as: UTF8.self)
        }
        var unescaped: [UInt8] = []
        append(text, to: &unescaped)
        return String(decoding: unescaped, as: UTF8.self)
    }

    /// Whether a text says `word`.
    public func says(_ text: Text, _ word: StaticString) -> Bool {
        if text.isEscaped { return string(of: text) == word.description }
        guard text.range.count == word.utf8CodeUnitCount else { return false }
        let start = word.utf8Start
        for offset in 0..<text.range.count
        where bytes[text.range.lowerBound &+ offset] != start[offset] {
            return false
        }
        return true
    }

    /// Appends the UTF-8 of a text, unescaped.
    public func append(_ text: Text, to target: inout [UInt8]) {
        guard text.isEscaped else {
            target.append(contentsOf: bytes[text.range])
            return
        }
        var inner = self
        inner.position = text.range.lowerBound
        while inner.position < text.range.upperBound {
            let byte = bytes[inner.position]
            if byte != UInt8(ascii: "\\") {
                target.append(byte)
                inner.position += 1
            } else if let scalar = try? inner.escape() {
                target.append(contentsOf: String(Character(scalar)).utf8)
            } else {
                // `text()` has checked every escape.
                preconditionFailure("an escape that was checked is wrong")
            }
        }
    }

    /// Passes one escape sequence.
    private mutating func escape() throws(WireError) -> UnicodeScalar {
        guard position + 1 < bytes.count else { throw fault("text without a closing quote") }
        let letter = bytes[position + 1]
        position += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
            return UnicodeScalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape()
        default: throw fault("an unknown escape")
        }
    }

    private mutating func unicodeEscape() throws(WireError) -> UnicodeScalar {
        let first = try hexadecimal()
        guard (0xD800..<0xE000).contains(first) else {
            guard let scalar = UnicodeScalar(first) else { throw fault("half a surrogate pair") }
            return scalar
        }
        guard first < 0xDC00, position + 1 < bytes.count,
            bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u")
        else { throw fault("half a surrogate pair") }
        position += 2
        let second = try hexadecimal()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw fault("half a surrogate pair") }
        return scalar
    }

    private mutating func hexadecimal() throws(WireError) -> UInt32 {
        guard position + 4 <= bytes.count else { throw fault("an escape that ends early") }
        var value: UInt32 = 0
        for _ in 0..<4 {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 + UInt32(byte - 48)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 + UInt32(byte - 87)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 + UInt32(byte - 55)
            default: throw fault("a hexadecimal digit was expected")
            }
            position += 1
        }
        return value
    }

    /// Passes one character of two to four bytes (Unicode, table 3-7).
    private mutating func passMultibyte() throws(WireError) {
        let length = UTF8Check.length(in: bytes, at: position)
        guard length > 0 else { throw fault("text that is not UTF-8") }
        position += length
    }

    // MARK: Other values

    /// `true` or `false`.
    public mutating func flag() throws(WireError) -> Bool {
        skipWhitespace()
        if passWord("true") { return true }
        if passWord("false") { return false }
        throw fault("true or false was expected")
    }

    /// `null`.
    public mutating func null() throws(WireError) {
        skipWhitespace()
        guard passWord("null") else { throw fault("null was expected") }
    }

    /// A whole number that fits `Int64`.
    public mutating func int64() throws(WireError) -> Int64 {
        let number = try number()
        guard let value = number.int64 else {
            throw fault("a whole number of 64 bits was expected")
        }
        return value
    }

    /// A whole number from zero that fits `UInt64`.
    public mutating func uint64() throws(WireError) -> UInt64 {
        let number = try number()
        guard let value = number.uint64 else {
            throw fault("a whole number from 0 of 64 bits was expected")
        }
        return value
    }

    /// Any number, as the nearest `Double`.
    public mutating func double() throws(WireError) -> Double {
        let number = try number()
        let value = number.double(in: bytes)
        guard value.isFinite else { throw fault("a number beyond the range of FP64") }
        return value
    }

    /// The number that comes next, not yet converted.
    mutating func number() throws(WireError) -> DecimalNumber {
        skipWhitespace()
        guard let number = DecimalNumber(in: bytes, at: position) else {
            _ = try peek()
            throw fault("a number was expected")
        }
        position = number.range.upperBound
        return number
    }

    private mutating func passWord(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position + count <= bytes.count else { return false }
        for offset in 0..<count where bytes[position &+ offset] != word.utf8Start[offset] {
            return false
        }
        position += count
        return true
    }
}
