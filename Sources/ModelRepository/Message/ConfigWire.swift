/// Writes a configuration as the bytes of `inference.ModelConfig`; unknown fields have no number
/// there and are left out.
struct ConfigWire {
    private var out: [UInt8] = []

    /// The message's bytes, fields in ascending order of their numbers.
    ///
    /// Complexity: O(size), times the depth of nesting, which is bounded.
    static func encode(_ message: ConfigMessage) -> [UInt8] {
        var writer = ConfigWire()
        writer.write(message)
        return writer.out
    }

    private mutating func write(_ message: ConfigMessage) {
        let set = zip(message.type.fields, message.slots).sorted { $0.0.number < $1.0.number }
        for (field, slot) in set {
            guard let value = slot?.value else { continue }
            // Without presence, a default is not sent; in a choice it says which was chosen.
            if value.isDefault, field.choice == nil { continue }
            write(value, field)
        }
    }

    private mutating func write(_ value: ConfigValue, _ field: FieldSchema) {
        switch value {
        case .list(let values):
            switch field.kind {
            case .string, .message:
                for item in values { one(item, field.kind, number: field.number) }
            default:
                var packed = ConfigWire()
                for item in values { packed.payload(item, field.kind) }
                block(field.number, packed.out)
            }
        case .map(let entries):
            guard case .map(let numbered) = field.arity else { return }
            for entry in entries {
                var pair = ConfigWire()
                if numbered {
                    pair.one(.uint(UInt64(entry.key) ?? 0), .uint64, number: 1)
                } else {
                    pair.one(.string(entry.key), .string, number: 1)
                }
                pair.one(entry.value, field.kind, number: 2)
                block(field.number, pair.out)
            }
        default:
            one(value, field.kind, number: field.number)
        }
    }

    private mutating func one(_ value: ConfigValue, _ kind: FieldSchema.Kind, number: Int) {
        switch value {
        case .string(let text): block(number, Array(text.utf8))
        case .message(let message): block(number, Self.encode(message))
        default:
            let wireType: UInt64 =
                switch kind {
                case .double: 1
                case .float: 5
                default: 0
                }
            varint(UInt64(number) << 3 | wireType)
            payload(value, kind)
        }
    }

    /// The bytes of one number without its tag.
    private mutating func payload(_ value: ConfigValue, _ kind: FieldSchema.Kind) {
        switch value {
        case .bool(let value): varint(value ? 1 : 0)
        case .int(let value): varint(UInt64(bitPattern: value))
        case .uint(let value): varint(value)
        case .word(let value): varint(UInt64(value))
        case .double(let value):
            if kind == .float {
                fixed(UInt64(Float(value).bitPattern), bytes: 4)
            } else {
                fixed(value.bitPattern, bytes: 8)
            }
        case .string, .message, .list, .map: break
        }
    }

    private mutating func block(_ number: Int, _ bytes: [UInt8]) {
        varint(UInt64(number) << 3 | 2)
        varint(UInt64(bytes.count))
        out.append(contentsOf: bytes)
    }

    private mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            out.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        out.append(UInt8(rest))
    }

    private mutating func fixed(_ value: UInt64, bytes: Int) {
        for shift in 0..<bytes { out.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
    }
}
