/// Turns a tree of text into a configuration message by the tables, types checked.
///
/// Unknown fields are kept in the message and listed; everything else that is wrong ends the
/// reading with one line.
struct ConfigReader {
    /// A field that no table knows.
    struct Unknown: Hashable {
        var path: String
        var position: TextPosition
        /// The field that was probably meant.
        var nearest: String?
    }

    let dialect: TextDialect
    private(set) var unknown: [Unknown] = []

    init(dialect: TextDialect) { self.dialect = dialect }

    /// Parses and types a whole configuration.
    static func read(
        _ bytes: [UInt8],
        dialect: TextDialect,
        limits: TextLimits = TextLimits()
    ) throws(TextError) -> (config: ConfigMessage, unknown: [Unknown]) {
        let tree = try TextParser.parse(bytes, dialect: dialect, limits: limits)
        var reader = ConfigReader(dialect: dialect)
        let config = try reader.message(.modelConfig, tree, path: "")
        return (config, reader.unknown)
    }

    /// Reads one message.
    mutating func message(
        _ type: MessageType,
        _ tree: TextMessage,
        path: String
    ) throws(TextError) -> ConfigMessage {
        var message = ConfigMessage(type)
        for written in tree.fields {
            guard let place = Self.place(of: written.name, in: type, dialect) else {
                let nearest = NearestName.of(written.name, among: type.fields.map(\.name))
                unknown.append(
                    Unknown(
                        path: path + written.name,
                        position: written.position,
                        nearest: nearest
                    )
                )
                message.unknown.append(written)
                continue
            }
            try read(written, type.fields[place], at: place, into: &message, path: path)
        }
        return message
    }

    private static func place(
        of name: String,
        in type: MessageType,
        _ dialect: TextDialect
    ) -> Int? {
        let fields = type.fields
        if let place = fields.firstIndex(where: { $0.name == name }) { return place }
        guard dialect == .json else { return nil }
        // Protobuf's JSON may write max_batch_size as maxBatchSize.
        var snake = ""
        for character in name {
            if character.isUppercase { snake += "_" }
            snake += character.lowercased()
        }
        return fields.firstIndex { $0.name == snake }
    }

    private mutating func read(
        _ written: TextField,
        _ field: FieldSchema,
        at place: Int,
        into message: inout ConfigMessage,
        path: String
    ) throws(TextError) {
        let path = path + field.name
        let old = message.slots[place]?.value
        var value: ConfigValue
        switch field.arity {
        case .one:
            guard old == nil else {
                throw TextError(written.position, "'\(path)' is given twice; keep one of them")
            }
            guard !written.isList, let only = written.values.first else {
                throw TextError(written.position, "'\(path)' takes one value, not a list")
            }
            if let choice = field.choice,
                let other = message.type.fields.first(where: {
                    $0.choice == choice && message.has($0.name)
                })
            {
                throw TextError(
                    written.position,
                    "'\(path)' and '\(other.name)' exclude each other; keep one of them"
                )
            }
            value = try one(only, field.kind, path: path)
        case .many:
            var values: [ConfigValue] = []
            if case .list(let before) = old { values = before }
            for item in written.values { values.append(try one(item, field.kind, path: path)) }
            value = .list(values)
        case .map(let numbered):
            var entries: [ConfigEntry] = []
            if case .map(let before) = old { entries = before }
            for entry in try self.entries(written, field, numbered: numbered, path: path) {
                entries.removeAll { $0.key == entry.key }
                entries.append(entry)
            }
            value = .map(entries)
        }
        message.set(place, ConfigMessage.Slot(value: value, position: written.position))
    }

    // MARK: Maps

    private mutating func entries(
        _ written: TextField,
        _ field: FieldSchema,
        numbered: Bool,
        path: String
    ) throws(TextError) -> [ConfigEntry] {
        var entries: [ConfigEntry] = []
        for item in written.values {
            guard case .message(let tree) = item.content else {
                throw TextError(item.position, "'\(path)' takes { key: ... value: ... }")
            }
            if dialect == .json {
                for pair in tree.fields {
                    guard !pair.isList, let value = pair.values.first else {
                        throw TextError(pair.position, "'\(path)' takes one value per key")
                    }
                    let key = try self.key(
                        .string(pair.name),
                        pair.position,
                        numbered: numbered,
                        path: path
                    )
                    let typed = try one(value, field.kind, path: "\(path).\(key)")
                    entries.append(ConfigEntry(key: key, value: typed))
                }
            } else {
                entries.append(try entry(tree, item, field, numbered: numbered, path: path))
            }
        }
        return entries
    }

    private mutating func entry(
        _ tree: TextMessage,
        _ item: TextValue,
        _ field: FieldSchema,
        numbered: Bool,
        path: String
    ) throws(TextError) -> ConfigEntry {
        var key: String?
        var written: TextValue?
        for part in tree.fields {
            guard part.name == "key" || part.name == "value", !part.isList,
                let value = part.values.first
            else {
                throw TextError(
                    part.position,
                    "'\(path)' takes { key: ... value: ... }, not '\(part.name)'"
                )
            }
            if part.name == "key" {
                key = try self.key(value.content, part.position, numbered: numbered, path: path)
            } else {
                written = value
            }
        }
        let name = key ?? (numbered ? "0" : "")
        guard let written else {
            return ConfigEntry(key: name, value: Self.empty(field.kind))
        }
        let value = try one(written, field.kind, path: "\(path).\(name)")
        return ConfigEntry(key: name, value: value)
    }

    private func key(
        _ content: TextValue.Content,
        _ position: TextPosition,
        numbered: Bool,
        path: String
    ) throws(TextError) -> String {
        switch content {
        case .string(let key) where !numbered: return key
        case .string(let key) where dialect == .json:
            guard let number = UInt64(key) else { break }
            return String(number)
        case .number(let text) where numbered:
            guard let number = ConfigNumber.unsigned(text) else { break }
            return String(number)
        default: break
        }
        let wanted = numbered ? "a whole number from 0" : "text in quotes"
        throw TextError(position, "the key of '\(path)' must be \(wanted)")
    }

    private static func empty(_ kind: FieldSchema.Kind) -> ConfigValue {
        switch kind {
        case .message(let type): .message(ConfigMessage(type))
        case .bool: .bool(false)
        case .word: .word(0)
        case .string: .string("")
        case .int32, .int64, .uint32: .int(0)
        case .uint64: .uint(0)
        case .float, .double: .double(0)
        }
    }

    // MARK: Single values

    private mutating func one(
        _ written: TextValue,
        _ kind: FieldSchema.Kind,
        path: String
    ) throws(TextError) -> ConfigValue {
        switch (kind, written.content) {
        case (.message(let type), .message(let tree)):
            return .message(try message(type, tree, path: path + "."))
        case (.message, _):
            throw TextError(written.position, "'\(path)' takes { ... }")
        case (_, .message):
            throw TextError(written.position, "'\(path)' takes one value, not { ... }")
        default:
            let scalar = ConfigNumber(path: path, position: written.position, dialect: dialect)
            return try scalar.value(written.content, kind)
        }
    }
}
