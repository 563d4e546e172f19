import Yams

/// Turns the parser's tree into a document's.
///
/// The parser puts what an alias refers to in the alias's place, so a few lines can stand for
/// millions of values. Such a value betrays itself by its position, which lies before what was
/// seen last; the first one is refused, before anything grows.
struct DocumentBuilder {
    let source: String
    private var last = (line: 0, column: 0)

    init(source: String) { self.source = source }

    mutating func build(_ node: Node, path: String) throws(DocumentError) -> DocumentNode {
        let line = try advance(to: node, path: path)
        let value: DocumentNode.Value
        switch node {
        case .scalar(let scalar): value = Self.plain(scalar)
        case .sequence(let sequence):
            var list: [DocumentNode] = []
            list.reserveCapacity(sequence.count)
            for (place, entry) in sequence.enumerated() {
                list.append(try build(entry, path: "\(path)[\(place)]"))
            }
            value = .list(list)
        case .mapping(let mapping):
            var object: [(key: String, line: Int, node: DocumentNode)] = []
            for (key, entry) in mapping {
                guard case .scalar(let name) = key else {
                    throw wrong(line, path, "keys must be words")
                }
                let keyLine = try advance(to: key, path: path)
                let place = path.isEmpty ? name.string : path + "." + name.string
                object.append((name.string, keyLine, try build(entry, path: place)))
            }
            value = .object(object)
        case .alias: throw wrong(line, path, "anchors and aliases are not allowed")
        }
        return DocumentNode(path: path, line: line, source: source, value: value)
    }

    /// Moves on to a node; returns its line.
    private mutating func advance(to node: Node, path: String) throws(DocumentError) -> Int {
        guard let mark = node.mark else { return last.line }
        // A list or object begins where its first part does; two words never do.
        var isWord = false
        if case .scalar(let scalar) = node { isWord = !scalar.string.isEmpty }
        let place = (line: mark.line, column: mark.column * 2 + (isWord ? 1 : 0))
        guard place > last || (place == last && !isWord) else {
            throw wrong(max(mark.line, last.line), path, "anchors and aliases are not allowed")
        }
        last = place
        return mark.line
    }

    /// What an unquoted word means: JSON's words and numbers, nothing of YAML's many more.
    private static func plain(_ scalar: Node.Scalar) -> DocumentNode.Value {
        let text = scalar.string
        guard scalar.style == .plain || scalar.style == .any else { return .text(text) }
        switch text {
        case "", "~", "null": return .null
        case "true": return .bool(true)
        case "false": return .bool(false)
        default:
            let first = text.utf8.first ?? 0
            // A digit, a sign or a point: so `nan` and `infinity` are texts.
            let looksLikeNumber = (48...57).contains(first) || [43, 45, 46].contains(first)
            return looksLikeNumber && Double(text)?.isFinite == true ? .number(text) : .text(text)
        }
    }

    private func wrong(_ line: Int, _ path: String, _ what: String) -> DocumentError {
        DocumentError(source: source, line: line, path: path, what: what)
    }
}
