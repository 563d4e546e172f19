/// Writes JSON into bytes, piece by piece; commas are its own affair.
///
/// Cost: appends only. Nothing checks that what is opened is closed: callers are code, not data.
public struct JSONWriter {
    /// What has been written so far.
    public var bytes: [UInt8]
    /// A comma must come before the next value.
    private var needsComma = false

    /// Creates a writer that appends to `bytes`.
    public init(_ bytes: [UInt8] = []) {
        self.bytes = bytes
    }

    // MARK: Structure

    /// Opens an object.
    public mutating func beginObject() {
        separate()
        bytes.append(UInt8(ascii: "{"))
        needsComma = false
    }

    /// Closes an object.
    public mutating func endObject() {
        bytes.append(UInt8(ascii: "}"))
        needsComma = true
    }

    /// Opens an array.
    public mutating func beginArray() {
        separate()
        bytes.append(UInt8(ascii: "["))
        needsComma = false
    }

    /// Closes an array.
    public mutating func endArray() {
        bytes.append(UInt8(ascii: "]"))
        needsComma = true
    }

    /// Writes a key that needs no escapes; its value follows.
    public mutating func key(_ word: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        word.withUTF8Buffer { bytes.append(contentsOf: $0) }
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a key of any text; its value follows.
    public mutating func key(text: String) {
        separate()
        quote(text)
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: Values

    /// Writes text, escaped as needed.
    public mutating func string(_ text: String) {
        separate()
        quote(text)
        needsComma = true
    }

    /// Writes UTF-8 bytes as text; bytes that are no UTF-8 become U+FFFD.
    public mutating func string(utf8: UnsafeRawBufferPointer) {
        guard UTF8Check.passes(utf8) else {
            string(String(decoding: utf8, as: UTF8.self))
            return
        }
        separate()
        quote(utf8)
        needsComma = true
    }

    /// Writes a whole number.
    public mutating func number(_ value: some BinaryInteger) {
        separate()
        let isNegative = value < 0
        appendDecimal(UInt64(value.magnitude), negative: isNegative)
        needsComma = true
    }

    /// Writes the shortest decimal that reads back as the same `Float`; NaN and the infinities
    /// as the words that Triton writes and that its clients read.
    public mutating func number(_ value: Float) {
        separate()
        if value.isFinite { append(value.description) } else { append(Self.word(Double(value))) }
        needsComma = true
    }

    /// Writes the shortest decimal that reads back as the same `Double`; NaN and the infinities
    /// as the words that Triton writes and that its clients read.
    public mutating func number(_ value: Double) {
        separate()
        if value.isFinite { append(value.description) } else { append(Self.word(value)) }
        needsComma = true
    }

    /// Writes true or false.
    public mutating func flag(_ value: Bool) {
        separate()
        append(value ? "true" : "false")
        needsComma = true
    }

    /// Writes null.
    public mutating func null() {
        separate()
        append("null")
        needsComma = true
    }

    /// Writes a value that is JSON already.
    public mutating func raw(_ json: [UInt8]) {
        separate()
        bytes.append(contentsOf: json)
        needsComma = true
    }

    // MARK: Inside

    @inline(__always)
    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func appendDecimal(_ value: UInt64, negative: Bool) {
        if negative { bytes.append(UInt8(ascii: "-")) }
        if value < 10 {
            bytes.append(UInt8(ascii: "0") + UInt8(value))
            return
        }
        let begin = bytes.count
        var rest = value
        while rest > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(rest % 10))
            rest /= 10
        }
        bytes[begin...].reverse()
    }

    private mutating func quote(_ text: String) {
        var text = text
        text.withUTF8 { quote(UnsafeRawBufferPointer($0)) }
    }

    private mutating func quote(_ utf8: UnsafeRawBufferPointer) {
        bytes.append(UInt8(ascii: "\""))
        var begin = 0
        for position in 0..<utf8.count {
            let byte = utf8[position]
            guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else {
                continue
            }
            bytes.append(contentsOf: utf8[begin..<position])
            begin = position + 1
            appendEscaped(byte)
        }
        bytes.append(contentsOf: utf8[begin..<utf8.count])
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        default:
            append("u00")
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        }
    }

    private static func word(_ value: Double) -> String {
        value.isNaN ? "NaN" : value > 0 ? "Infinity" : "-Infinity"
    }
}
