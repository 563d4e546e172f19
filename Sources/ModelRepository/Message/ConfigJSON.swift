/// Prints a configuration as Triton does over HTTP: names as in config.pbtxt, every default that
/// has no presence, all whole numbers as JSON numbers, unset messages left out.
struct ConfigJSON {
    private var out: [UInt8] = []

    /// The message as one JSON object without spaces.
    ///
    /// Complexity: O(size of the message and its table).
    static func encode(_ message: ConfigMessage) -> [UInt8] {
        var writer = ConfigJSON()
        writer.write(message)
        return writer.out
    }

    /// A JSON string, quotes included.
    static func quoted(_ text: String) -> [UInt8] {
        var writer = ConfigJSON()
        writer.write(text)
        return writer.out
    }

    private mutating func write(_ message: ConfigMessage) {
        put("{")
        var isFirst = true
        for (field, slot) in zip(message.type.fields, message.slots) {
            guard slot != nil || field.hasDefault else { continue }
            name(field.name, &isFirst)
            write(slot?.value ?? Self.unset(field), field)
        }
        for field in message.unknown {
            name(field.name, &isFirst)
            write(field)
        }
        put("}")
    }

    private mutating func name(_ name: String, _ isFirst: inout Bool) {
        if !isFirst { put(",") }
        isFirst = false
        write(name)
        put(":")
    }

    private static func unset(_ field: FieldSchema) -> ConfigValue {
        switch field.arity {
        case .many: return .list([])
        case .map: return .map([])
        case .one: break
        }
        switch field.kind {
        case .bool: return .bool(false)
        case .word: return .word(0)
        case .string: return .string("")
        case .float, .double: return .double(0)
        case .int32, .int64, .uint32, .uint64, .message: return .int(0)
        }
    }

    private mutating func write(_ value: ConfigValue, _ field: FieldSchema) {
        switch value {
        case .bool(let value): put(value ? "true" : "false")
        case .int(let value): put(String(value))
        case .uint(let value): put(String(value))
        case .double(let value): write(value)
        case .string(let value): write(value)
        case .word(let number):
            guard case .word(let words) = field.kind else { return put(String(number)) }
            write(words.words[number])
        case .message(let message): write(message)
        case .list(let values):
            put("[")
            for (index, item) in values.enumerated() {
                if index > 0 { put(",") }
                write(item, field)
            }
            put("]")
        case .map(let entries):
            put("{")
            var isFirst = true
            for entry in entries {
                name(entry.key, &isFirst)
                write(entry.value, field)
            }
            put("}")
        }
    }

    private mutating func write(_ value: Double) {
        if value.isNaN { return write("NaN") }
        if value.isInfinite { return write(value < 0 ? "-Infinity" : "Infinity") }
        if let whole = Int64(exactly: value) { return put(String(whole)) }
        put(value.description)
    }

    // MARK: Fields that no table knows

    private mutating func write(_ field: TextField) {
        guard field.isList || field.values.count != 1 else { return write(field.values[0].content) }
        put("[")
        for (index, value) in field.values.enumerated() {
            if index > 0 { put(",") }
            write(value.content)
        }
        put("]")
    }

    private mutating func write(_ content: TextValue.Content) {
        switch content {
        case .string(let text): write(text)
        case .word("true"): put("true")
        case .word("false"): put("false")
        case .word(let word): write(word)
        case .number(let text):
            // Hexadecimal and the like are no JSON.
            if let whole = ConfigNumber.signed(text) {
                put(String(whole))
            } else if let value = Double(text) {
                write(value)
            } else {
                write(text)
            }
        case .message(let message):
            put("{")
            var isFirst = true
            for field in message.fields {
                name(field.name, &isFirst)
                write(field)
            }
            put("}")
        }
    }

    // MARK: Text

    private mutating func put(_ text: String) { out.append(contentsOf: text.utf8) }

    private mutating func write(_ text: String) {
        out.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""): put("\\\"")
            case UInt8(ascii: "\\"): put("\\\\")
            case 0x0A: put("\\n")
            case 0x0D: put("\\r")
            case 0x09: put("\\t")
            case 0..<0x20, 0x7F:
                let digits = String(byte, radix: 16)
                put("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
            default: out.append(byte)
            }
        }
        out.append(UInt8(ascii: "\""))
    }
}
