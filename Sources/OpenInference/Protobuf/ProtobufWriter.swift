/// Writes protobuf fields into bytes. Fields that hold their default are left to the caller.
public struct ProtobufWriter {
    /// What has been written so far.
    public var bytes: [UInt8]

    /// Creates a writer that appends to `bytes`.
    public init(_ bytes: [UInt8] = []) {
        self.bytes = bytes
    }

    /// Writes a number of variable length, without a key.
    public mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// Writes a field's key.
    public mutating func key(_ number: UInt32, _ type: ProtobufReader.WireType) {
        varint(UInt64(number) << 3 | UInt64(type.rawValue))
    }

    /// Writes a number.
    public mutating func field(_ number: UInt32, varint value: UInt64) {
        key(number, .varint)
        varint(value)
    }

    /// Writes text.
    public mutating func field(_ number: UInt32, _ text: String) {
        var text = text
        text.withUTF8 { field(number, UnsafeRawBufferPointer($0)) }
    }

    /// Writes bytes.
    public mutating func field(_ number: UInt32, _ content: UnsafeRawBufferPointer) {
        header(number, length: content.count)
        bytes.append(contentsOf: content)
    }

    /// Writes the key and length of bytes that the caller writes itself.
    public mutating func header(_ number: UInt32, length: Int) {
        key(number, .delimited)
        varint(UInt64(length))
    }

    /// Writes eight bytes.
    public mutating func field(_ number: UInt32, fixed64 value: UInt64) {
        key(number, .fixed64)
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }

    /// Writes a message as a field; its length is put in afterwards.
    ///
    /// Cost: moves the message once when it takes 128 bytes or more.
    public mutating func message(_ number: UInt32, _ write: (inout ProtobufWriter) -> Void) {
        key(number, .delimited)
        let place = bytes.count
        bytes.append(0)
        write(&self)
        let length = bytes.count - place - 1
        guard length >= 0x80 else {
            bytes[place] = UInt8(length)
            return
        }
        var prefix = ProtobufWriter()
        prefix.varint(UInt64(length))
        bytes.replaceSubrange(place...place, with: prefix.bytes)
    }

    /// How many bytes a number takes.
    public static func size(ofVarint value: UInt64) -> Int {
        max(1, (70 - value.leadingZeroBitCount) / 7)
    }
}
