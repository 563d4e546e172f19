/// Reads protobuf fields from bytes, one by one, without copying.
///
/// Safe against truncated and lying lengths: every error is `malformed`. The bytes must outlive
/// the reader. Unknown fields are passed over, groups included.
public struct ProtobufReader {
    /// How a field is written.
    public enum WireType: UInt8, Sendable {
        /// A number of variable length.
        case varint = 0
        /// Eight bytes.
        case fixed64 = 1
        /// A length, and as many bytes.
        case delimited = 2
        /// The beginning of a group (an old form).
        case groupBegin = 3
        /// The end of a group.
        case groupEnd = 4
        /// Four bytes.
        case fixed32 = 5
    }

    let bytes: UnsafeRawBufferPointer
    private(set) var position: Int
    private let end: Int

    /// Creates a reader of a whole message.
    public init(_ bytes: UnsafeRawBufferPointer) {
        self.init(bytes, 0..<bytes.count)
    }

    /// Creates a reader of a message that lies inside another.
    public init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
        self.bytes = bytes
        position = range.lowerBound
        end = range.upperBound
    }

    /// The next field's number and form; nil at the end.
    public mutating func next() throws(WireError) -> (number: UInt32, type: WireType)? {
        guard position < end else { return nil }
        let key = try varint()
        guard let type = WireType(rawValue: UInt8(key & 7)), key >> 3 > 0, key >> 3 < 1 << 29 else {
            throw fault("no such field key")
        }
        return (UInt32(key >> 3), type)
    }

    /// A number of variable length.
    @inline(__always)
    public mutating func varint() throws(WireError) -> UInt64 {
        guard position < end else { throw fault("it ends early") }
        let first = bytes[position]
        guard first >= 0x80 else {
            position += 1
            return UInt64(first)
        }
        return try longVarint()
    }

    private mutating func longVarint() throws(WireError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = bytes[position]
            position += 1
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw fault(position < end ? "a number of more than 64 bits" : "it ends early")
    }

    /// Where the bytes of a delimited field are.
    public mutating func range() throws(WireError) -> Range<Int> {
        let length = try varint()
        guard length <= UInt64(end - position) else {
            throw fault("a field of \(length) bytes where \(end - position) are left")
        }
        let begin = position
        position += Int(length)
        return begin..<position
    }

    /// Text; checked to be UTF-8.
    public mutating func string() throws(WireError) -> String {
        let range = try range()
        guard UTF8Check.passes(UnsafeRawBufferPointer(rebasing: bytes[range])) else {
            throw fault("text that is not UTF-8")
        }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    /// Four bytes, little-endian.
    public mutating func fixed32() throws(WireError) -> UInt32 {
        guard end - position >= 4 else { throw fault("it ends early") }
        defer { position += 4 }
        return UInt32(
            littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)
        )
    }

    /// Eight bytes, little-endian.
    public mutating func fixed64() throws(WireError) -> UInt64 {
        guard end - position >= 8 else { throw fault("it ends early") }
        defer { position += 8 }
        return UInt64(
            littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
        )
    }

    /// Passes over a field.
    public mutating func skip(_ type: WireType, number: UInt32) throws(WireError) {
        switch type {
        case .varint: _ = try varint()
        case .fixed64: _ = try fixed64()
        case .delimited: _ = try range()
        case .fixed32: _ = try fixed32()
        case .groupBegin: try skipGroup(number)
        case .groupEnd: throw fault("a group ends that has not begun")
        }
    }

    private mutating func skipGroup(_ number: UInt32) throws(WireError) {
        var open = [number]
        while let inner = open.last {
            guard let field = try next() else { throw fault("a group without an end") }
            switch field.type {
            case .groupBegin:
                guard open.count < JSONReader.maxDepth else {
                    throw fault("groups nest deeper than \(JSONReader.maxDepth) levels")
                }
                open.append(field.number)
            case .groupEnd:
                guard field.number == inner else { throw fault("the wrong group ends") }
                open.removeLast()
            default: try skip(field.type, number: field.number)
            }
        }
    }

    /// An error at the present position.
    func fault(_ what: String) -> WireError {
        WireError(.malformed, "malformed protobuf at byte \(position): \(what)")
    }
}
