/// A value of a document, with its place for messages.
public struct DocumentNode: Sendable {
    enum Value: Sendable {
        case null
        case bool(Bool)
        /// A number, as it is written.
        case number(String)
        case text(String)
        case list([DocumentNode])
        case object([(key: String, line: Int, node: DocumentNode)])
    }

    /// The place within the document, such as `latency[2].ms`.
    public let path: String
    /// The line, from 1.
    public let line: Int
    let source: String
    let value: Value

    init(path: String, line: Int, source: String, value: Value) {
        self.path = path
        self.line = line
        self.source = source
        self.value = value
    }

    // MARK: What callers ask for

    /// Whether the value is `null`, which counts as left out.
    public var isNull: Bool { if case .null = value { true } else { false } }

    /// The text; numbers and truth values are none unless they are quoted.
    public func string() throws(DocumentError) -> String {
        guard case .text(let text) = value else { throw mismatch("a text") }
        return text
    }

    /// The number, if it lies within `range`.
    public func number(in range: ClosedRange<Double>) throws(DocumentError) -> Double {
        guard case .number(let text) = value, let number = Double(text) else {
            throw mismatch("a number")
        }
        guard range.contains(number) else {
            throw wrong("must lie within \(range.lowerBound) and \(range.upperBound), is \(text)")
        }
        return number
    }

    /// The whole number, if it lies within `range`.
    public func integer(in range: ClosedRange<Int64>) throws(DocumentError) -> Int64 {
        guard case .number(let text) = value else { throw mismatch("a whole number") }
        // 1e6 and 100.0 are whole numbers as well.
        guard let number = Int64(text) ?? Double(text).flatMap({ Int64(exactly: $0) }) else {
            throw mismatch("a whole number")
        }
        guard range.contains(number) else {
            throw wrong("must lie within \(range.lowerBound) and \(range.upperBound), is \(text)")
        }
        return number
    }

    /// The truth value.
    public func bool() throws(DocumentError) -> Bool {
        guard case .bool(let bool) = value else { throw mismatch("true or false") }
        return bool
    }

    /// The entries of a list of at most `limit`.
    public func list(limit: Int) throws(DocumentError) -> [DocumentNode] {
        guard case .list(let list) = value else { throw mismatch("a list") }
        guard list.count <= limit else {
            throw wrong("has \(list.count) entries; the limit is \(limit)")
        }
        return list
    }

    /// The object, if it has no key beside `keys`.
    public func object(_ keys: [String]) throws(DocumentError) -> DocumentObject {
        guard case .object(let entries) = value else { throw mismatch("an object") }
        for entry in entries where !keys.contains(entry.key) {
            let known = NearestWord.to(entry.key, among: keys)
            throw DocumentError(
                source: source,
                line: entry.line,
                path: path,
                what: "unknown key '\(entry.key)'; "
                    + (known.map { "the nearest known one is '\($0)'" }
                        ?? "known are \(keys.joined(separator: ", "))")
            )
        }
        return DocumentObject(node: self, entries: entries.map { ($0.key, $0.node) })
    }

    /// An error at this place.
    public func wrong(_ what: String) -> DocumentError {
        DocumentError(source: source, line: line, path: path, what: what)
    }

    private func mismatch(_ wanted: String) -> DocumentError {
        let found =
            switch value {
            case .null: "null"
            case .bool(let bool): "\(bool)"
            case .number(let text): "the number \(text)"
            case .text(let text): "the text '\(text.prefix(40))'"
            case .list: "a list"
            case .object: "an object"
            }
        return wrong("must be \(wanted), is \(found)")
    }
}
