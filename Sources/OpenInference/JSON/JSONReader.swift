/// Reads JSON from bytes, piece by piece, without building a tree.
///
/// Strict (RFC 8259): no comments, no trailing commas, no NaN; UTF-8 is checked; arrays and
/// objects nest `maxDepth` deep at most. Every error is `malformed` and says where. The bytes
/// must outlive the reader. Cost: one pass, no allocation but for the strings asked for.
public struct JSONReader {
    /// How deep arrays and objects may nest (Triton's limit).
    public static let maxDepth = 100

    let bytes: UnsafeRawBufferPointer
    var position = 0
    /// How many arrays and objects are open.
    public internal(set) var depth = 0
    /// One bit per depth: something has been read there, so a comma must come next.
    var started: UInt128 = 0
    /// One bit per depth: what is open there is an object.
    private var objects: UInt128 = 0

    /// A piece of text between quotes, not yet unescaped.
    public struct Text {
        /// Where it lies, quotes left out.
        public let range: Range<Int>
        /// Whether it holds a backslash.
        public let isEscaped: Bool
    }

    /// What comes next.
    public enum Kind: UInt8, Sendable {
        /// An object, an array, text, a number, true or false, null.
        case object, array, text, number, flag, null
    }

    /// Creates a reader of one JSON text.
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    // MARK: Structure

    /// What kind of value comes next.
    public mutating func peek() throws(WireError) -> Kind {
        skipWhitespace()
        guard position < bytes.count else { throw fault("the text ends early") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return .object
        case UInt8(ascii: "["): return .array
        case UInt8(ascii: "\""): return .text
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .flag
        case UInt8(ascii: "n"): return .null
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return .number
        case UInt8(ascii: "N"), UInt8(ascii: "I"):
            throw fault("JSON has no NaN and no Infinity; send such values as binary data")
        default: throw fault("a value was expected")
        }
    }

    /// Enters an object; `nextKey` follows.
    public mutating func beginObject() throws(WireError) {
        try open(UInt8(ascii: "{"), "an object was expected")
    }

    /// Enters an array; `nextElement` follows.
    public mutating func beginArray() throws(WireError) {
        try open(UInt8(ascii: "["), "an array was expected")
    }

    /// The next key of the object, its colon passed; nil at the end of the object.
    public mutating func nextKey() throws(WireError) -> Text? {
        guard try more(until: UInt8(ascii: "}")) else { return nil }
        let key = try text()
        skipWhitespace()
        guard position < bytes.count, bytes[position] == UInt8(ascii: ":") else {
            throw fault("':' was expected after a key")
        }
        position += 1
        return key
    }

    /// Whether another element follows; false at the end of the array, which is then left.
    public mutating func nextElement() throws(WireError) -> Bool {
        try more(until: UInt8(ascii: "]"))
    }

    /// Goes to the next value that is no array, through any nesting.
    ///
    /// - Parameter outer: The depth before the outermost array was entered.
    /// - Returns: False when that array has ended.
    mutating func nextLeaf(outer: Int) throws(WireError) -> Bool {
        while true {
            if try nextElement() {
                skipWhitespace()
                guard position < bytes.count, bytes[position] == UInt8(ascii: "[") else {
                    return true
                }
                try beginArray()
            } else if depth == outer {
                return false
            }
        }
    }

    /// Makes sure that nothing but white space is left.
    public mutating func end() throws(WireError) {
        skipWhitespace()
        guard position == bytes.count else { throw fault("something follows the end of the JSON") }
    }

    /// Passes over one value of any kind, checking it all the same.
    public mutating func skip() throws(WireError) {
        let outer = depth
        repeat {
            if depth > outer {
                if isObject(depth) {
                    guard try nextKey() != nil else { continue }
                } else {
                    guard try nextElement() else { continue }
                }
            }
            switch try peek() {
            case .object: try beginObject()
            case .array: try beginArray()
            case .text: _ = try text()
            case .number: _ = try number()
            case .flag: _ = try flag()
            case .null: try null()
            }
        } while depth > outer
    }

    // MARK: Inside

    private func isObject(_ depth: Int) -> Bool { objects >> UInt128(depth) & 1 == 1 }

    private mutating func open(_ byte: UInt8, _ expectation: String) throws(WireError) {
        skipWhitespace()
        guard position < bytes.count, bytes[position] == byte else { throw fault(expectation) }
        guard depth < Self.maxDepth else {
            throw fault("it nests deeper than \(Self.maxDepth) levels")
        }
        position += 1
        depth += 1
        let bit = UInt128(1) << UInt128(depth)
        started &= ~bit
        if byte == UInt8(ascii: "{") { objects |= bit } else { objects &= ~bit }
    }

    private mutating func more(until closing: UInt8) throws(WireError) -> Bool {
        skipWhitespace()
        guard position < bytes.count else { throw fault("the text ends early") }
        let bit = UInt128(1) << UInt128(depth)
        if bytes[position] == closing {
            position += 1
            depth -= 1
            return false
        }
        guard started & bit != 0 else {
            started |= bit
            return true
        }
        guard bytes[position] == UInt8(ascii: ",") else {
            throw fault("',' or '\(Character(UnicodeScalar(closing)))' was expected")
        }
        position += 1
        skipWhitespace()
        if position < bytes.count, bytes[position] == closing {
            throw fault("a comma before '\(Character(UnicodeScalar(closing)))'")
        }
        return true
    }

    @inline(__always)
    mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0A, 0x0D, 0x09: position += 1
            default: return
            }
        }
    }

    /// An error at the present position.
    func fault(_ what: String) -> WireError {
        WireError(.malformed, "malformed JSON at byte \(position): \(what)")
    }
}
