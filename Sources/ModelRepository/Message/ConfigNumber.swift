/// Types a single written value: numbers with their ranges, truth values, words, text.
struct ConfigNumber {
    /// The field, for messages.
    let path: String
    let position: TextPosition
    let dialect: TextDialect

    func value(
        _ content: TextValue.Content,
        _ kind: FieldSchema.Kind
    ) throws(TextError) -> ConfigValue {
        switch kind {
        case .bool: .bool(try bool(content))
        case .int32: .int(try signed(content, Int64(Int32.min)...Int64(Int32.max)))
        case .int64: .int(try signed(content, Int64.min...Int64.max))
        case .uint32: .int(try signed(content, 0...Int64(UInt32.max)))
        case .uint64: .uint(try unsigned(content))
        case .float, .double: .double(try double(content))
        case .string: .string(try string(content))
        case .word(let words): .word(try word(content, words))
        case .message: preconditionFailure("messages are read by ConfigReader")
        }
    }

    private func bool(_ content: TextValue.Content) throws(TextError) -> Bool {
        switch content {
        case .word("true"), .word("True"), .word("t"), .number("1"): return true
        case .word("false"), .word("False"), .word("f"), .number("0"): return false
        default: throw wrong(content, "true or false")
        }
    }

    private func string(_ content: TextValue.Content) throws(TextError) -> String {
        guard case .string(let text) = content else { throw wrong(content, "text in quotes") }
        return text
    }

    private func word(
        _ content: TextValue.Content,
        _ words: ConfigWords
    ) throws(TextError) -> Int {
        let names = words.words
        switch content {
        // A quoted word is JSON's; protobuf text has bare ones only.
        case .word(let name),
            .string(let name) where dialect == .json:
            if let number = names.firstIndex(of: name) { return number }
            let hint = Self.hint(name, words)
            throw TextError(position, "'\(path)' has no value '\(name.prefix(64))'\(hint)")
        case .number(let text):
            guard let number = Self.unsigned(text), number < UInt64(names.count) else { break }
            return Int(number)
        default: break
        }
        throw wrong(content, "one of \(names.joined(separator: ", "))")
    }

    /// The word that was probably meant; of element types also by their names elsewhere, such as
    /// `FP32` and `TYPE_FLOAT32`.
    private static func hint(_ name: String, _ words: ConfigWords) -> String {
        var wanted = name.uppercased()
        if words == .dataType {
            if let range = wanted.firstRange(of: "FLOAT") {
                wanted.replaceSubrange(range, with: "FP")
            }
            if !wanted.hasPrefix("TYPE_") { wanted = "TYPE_" + wanted }
        }
        let hint = NearestName.hint(wanted, among: words.words)
        return hint.isEmpty ? "; give one of \(words.words.joined(separator: ", "))" : hint
    }

    private func signed(
        _ content: TextValue.Content,
        _ range: ClosedRange<Int64>
    ) throws(TextError) -> Int64 {
        guard let text = digits(content), let value = Self.signed(text), range.contains(value)
        else {
            let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
            throw wrong(content, wanted)
        }
        return value
    }

    private func unsigned(_ content: TextValue.Content) throws(TextError) -> UInt64 {
        guard let text = digits(content), let value = Self.unsigned(text) else {
            throw wrong(content, "a whole number from 0 to \(UInt64.max)")
        }
        return value
    }

    private func double(_ content: TextValue.Content) throws(TextError) -> Double {
        switch content {
        case .word(let word):
            switch word.lowercased() {
            case "inf", "infinity": return .infinity
            case "-inf", "-infinity": return -.infinity
            case "nan", "-nan": return .nan
            default: break
            }
        case .number, .string:
            guard var text = digits(content) else { break }
            if !text.contains("x"), text.last == "f" || text.last == "F" { text.removeLast() }
            if let value = Double(text) { return value }
        case .message: break
        }
        throw wrong(content, "a number")
    }

    /// A number as written; JSON may put it in quotes, or write 8 as 8.0.
    private func digits(_ content: TextValue.Content) -> String? {
        switch content {
        case .number(let text): dialect == .json ? Self.withoutZeroFraction(text) : text
        case .string(let text) where dialect == .json: Self.withoutZeroFraction(text)
        default: nil
        }
    }

    private static func withoutZeroFraction(_ text: String) -> String {
        text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// Reads decimal, 0x hexadecimal and 0 octal digits with an optional minus.
    static func signed(_ text: String) -> Int64? {
        guard text.hasPrefix("-") else {
            return unsigned(text).flatMap { Int64(exactly: $0) }
        }
        guard let size = unsigned(String(text.dropFirst())) else { return nil }
        if size == UInt64(Int64.max) + 1 { return .min }
        return Int64(exactly: size).map { -$0 }
    }

    /// Reads decimal, 0x hexadecimal and 0 octal digits.
    static func unsigned(_ text: String) -> UInt64? {
        guard text.utf8.first.map({ Ascii.isDigit($0) }) == true else { return nil }
        if text.hasPrefix("0x") || text.hasPrefix("0X") {
            let digits = text.dropFirst(2)
            guard Ascii.hexValue(digits.utf8.first) != nil else { return nil }
            return UInt64(digits, radix: 16)
        }
        if text.count > 1, text.hasPrefix("0") { return UInt64(text, radix: 8) }
        return UInt64(text)
    }

    private func wrong(_ content: TextValue.Content, _ wanted: String) -> TextError {
        let shown =
            switch content {
            case .string(let text): "\"\(text.prefix(64))\""
            case .number(let text), .word(let text): String(text.prefix(64))
            case .message: "{ ... }"
            }
        return TextError(position, "'\(path)' must be \(wanted), not \(shown)")
    }
}
