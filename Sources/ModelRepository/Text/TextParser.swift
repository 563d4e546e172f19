/// Reads protobuf's text format, with all the liberties that config.pbtxt files take, or JSON.
///
/// It knows no field names; `ConfigReader` does. Bounded in size, depth and number of values.
struct TextParser {
    private var lexer: TextLexer
    private var token: TextLexer.Token
    private let dialect: TextDialect
    private let limits: TextLimits
    private var valueCount = 0

    /// Reads a whole text.
    static func parse(
        _ bytes: [UInt8],
        dialect: TextDialect = .protobufText,
        limits: TextLimits = TextLimits()
    ) throws(TextError) -> TextMessage {
        guard bytes.count <= limits.bytes else {
            throw TextError(
                TextPosition(line: 1, column: 1),
                "the text has \(bytes.count) bytes, the limit is \(limits.bytes); shorten it"
            )
        }
        var parser = try TextParser(bytes, dialect, limits)
        return try parser.document()
    }

    private init(
        _ bytes: [UInt8],
        _ dialect: TextDialect,
        _ limits: TextLimits
    ) throws(TextError) {
        lexer = TextLexer(bytes, dialect: dialect)
        token = try lexer.next()
        self.dialect = dialect
        self.limits = limits
    }

    private mutating func document() throws(TextError) -> TextMessage {
        var message = TextMessage()
        if dialect == .json {
            guard try takeSymbol("{") else {
                throw TextError(token.position, "a JSON configuration begins with {")
            }
            try fields(into: &message, until: "}", depth: 1)
            try advance()
        } else {
            try fields(into: &message, until: nil, depth: 0)
        }
        guard token.kind == .end else {
            throw TextError(token.position, "unexpected \(shown) after the configuration's end")
        }
        return message
    }

    /// Reads fields up to the closing mark, which stays the present token; nil = the text's end.
    private mutating func fields(
        into message: inout TextMessage,
        until close: Character?,
        depth: Int
    ) throws(TextError) {
        guard depth <= limits.depth else {
            throw TextError(
                token.position,
                "messages are nested deeper than \(limits.depth); flatten them"
            )
        }
        while true {
            if let close, isSymbol(close) { return }
            if token.kind == .end {
                guard let close else { return }
                throw TextError(token.position, "the text ends before the closing \(close)")
            }
            if let field = try field(depth: depth) { message.fields.append(field) }
            if try !takeSymbol(",") { _ = try takeSymbol(";") }
        }
    }

    private mutating func field(depth: Int) throws(TextError) -> TextField? {
        let position = token.position
        let name = try fieldName()
        let hasColon = try takeSymbol(":")
        if dialect == .json, !hasColon {
            throw TextError(token.position, "expected : after \"\(name)\", found \(shown)")
        }
        var field = TextField(name: name, position: position, values: [], isList: false)
        if isSymbol("[") {
            field.isList = true
            try list(into: &field, depth: depth)
            return field
        }
        guard hasColon || isSymbol("{") || isSymbol("<") else {
            throw TextError(token.position, "expected : or { after '\(name)', found \(shown)")
        }
        guard let value = try value(of: name, depth: depth) else { return nil }
        field.values.append(value)
        return field
    }

    private mutating func fieldName() throws(TextError) -> String {
        switch token.kind {
        case .identifier(let name):
            try advance()
            return name
        case .string(let name) where dialect == .json:
            try advance()
            return name
        case .symbol(UInt8(ascii: "[")) where dialect == .protobufText:
            return try extensionName()
        default:
            throw TextError(token.position, "expected a field's name, found \(shown)")
        }
    }

    /// `[package.name]` or `[host/package.Message]`; nobody knows such fields, so they are kept
    /// as unknown ones.
    private mutating func extensionName() throws(TextError) -> String {
        let position = token.position
        var name = "["
        try advance()
        while true {
            switch token.kind {
            case .symbol(UInt8(ascii: "]")):
                try advance()
                return name + "]"
            case .identifier(let part), .number(let part): name += part
            case .symbol(let byte): name.append(Character(UnicodeScalar(byte)))
            case .string, .end:
                throw TextError(position, "the name in [ ] does not end; close it with ]")
            }
            guard name.utf8.count <= 256 else {
                throw TextError(position, "the name in [ ] is longer than 256 bytes")
            }
            try advance()
        }
    }

    private mutating func list(into field: inout TextField, depth: Int) throws(TextError) {
        let position = token.position
        try advance()
        while !isSymbol("]") {
            guard token.kind != .end else {
                throw TextError(position, "the list of '\(field.name)' does not end; add ]")
            }
            guard !isSymbol("[") else {
                throw TextError(token.position, "a list inside a list; write one flat list")
            }
            if let value = try value(of: field.name, depth: depth) { field.values.append(value) }
            if isSymbol("]") { break }
            if token.kind == .end { continue }
            guard try takeSymbol(",") else {
                throw TextError(
                    token.position,
                    "expected , or ] in the list of '\(field.name)', found \(shown)"
                )
            }
        }
        try advance()
    }

    /// One value; nil for JSON's null, which means the same as leaving the field out.
    private mutating func value(of name: String, depth: Int) throws(TextError) -> TextValue? {
        valueCount += 1
        guard valueCount <= limits.values else {
            throw TextError(
                token.position,
                "more than \(limits.values) values; shorten the configuration"
            )
        }
        let position = token.position
        if isSymbol("{") || isSymbol("<") {
            let close: Character = isSymbol("{") ? "}" : ">"
            var message = TextMessage()
            try advance()
            try fields(into: &message, until: close, depth: depth + 1)
            try advance()
            return TextValue(content: .message(message), position: position)
        }
        guard let content = try scalar(of: name) else { return nil }
        return TextValue(content: content, position: position)
    }

    private mutating func scalar(of name: String) throws(TextError) -> TextValue.Content? {
        var sign = ""
        if isSymbol("-") || isSymbol("+") {
            sign = isSymbol("-") ? "-" : ""
            try advance()
        }
        switch token.kind {
        case .number(let text):
            try advance()
            return .number(sign + text)
        case .identifier("null") where dialect == .json:
            try advance()
            return nil
        case .identifier(let word):
            try advance()
            return .word(sign + word)
        case .string(let first) where sign.isEmpty:
            try advance()
            var whole = first
            while dialect == .protobufText, case .string(let part) = token.kind {
                whole += part
                try advance()
            }
            return .string(whole)
        default:
            throw TextError(token.position, "expected a value of '\(name)', found \(shown)")
        }
    }

    // MARK: Tokens

    private mutating func advance() throws(TextError) { token = try lexer.next() }

    private func isSymbol(_ character: Character) -> Bool {
        guard case .symbol(let byte) = token.kind else { return false }
        return character.asciiValue == byte
    }

    private mutating func takeSymbol(_ character: Character) throws(TextError) -> Bool {
        guard isSymbol(character) else { return false }
        try advance()
        return true
    }

    /// The present token for a message.
    private var shown: String {
        switch token.kind {
        case .identifier(let word): "'\(word.prefix(64))'"
        case .number(let text): "'\(text.prefix(64))'"
        case .string: "a string"
        case .symbol(let byte): Ascii.describe(byte)
        case .end: "the end of the text"
        }
    }
}
