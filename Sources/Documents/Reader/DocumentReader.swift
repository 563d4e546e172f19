import Yams

/// Reads JSON and YAML alike, strictly: nothing is guessed, and what is wrong names its line.
///
/// Aliases and several documents in one file are refused: none of our files needs them, and small
/// files may grow without a bound through them.
public enum DocumentReader {
    /// The largest file, in bytes.
    public static let byteLimit = 64 << 20
    /// How deep brackets may nest.
    public static let flowLimit = 32
    /// How far a line may be indented, in characters.
    public static let indentLimit = 128

    /// The root of the document.
    ///
    /// - Parameters:
    ///   - bytes: UTF-8 text.
    ///   - source: The file's name, for messages.
    public static func read(
        _ bytes: [UInt8],
        source: String
    ) throws(DocumentError) -> DocumentNode {
        func wrong(_ line: Int?, _ what: String) -> DocumentError {
            DocumentError(source: source, line: line, path: "", what: what)
        }
        guard bytes.count <= byteLimit else {
            throw wrong(nil, "the file has \(bytes.count) bytes; the limit is \(byteLimit)")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw wrong(nil, "the file is not UTF-8 text")
        }
        // The parser below recurses; its stack must not depend on the file.
        if let line = tooDeep(bytes) {
            throw wrong(line, "nested deeper than \(flowLimit) brackets or \(indentLimit) columns")
        }
        let root: Node
        do {
            guard let node = try compose(yaml: text) else { throw wrong(nil, "the file is empty") }
            root = node
        } catch {
            throw translated(error, source: source)
        }
        var builder = DocumentBuilder(source: source)
        return try builder.build(root, path: "")
    }

    private static func tooDeep(_ bytes: [UInt8]) -> Int? {
        var line = 1
        var depth = 0
        var indent = 0
        var isIndenting = true
        for byte in bytes {
            switch byte {
            case 10:
                line += 1
                indent = 0
                isIndenting = true
            case 91, 123:
                depth += 1
                isIndenting = false
            case 93, 125:
                depth = max(0, depth - 1)
                isIndenting = false
            // Space, tab, dash, question mark: what a line may open blocks with.
            case 32, 9, 45, 63: indent += isIndenting ? 1 : 0
            default: isIndenting = false
            }
            if depth > flowLimit || (indent > indentLimit && depth == 0) { return line }
        }
        return nil
    }

    private static func translated(_ error: any Error, source: String) -> DocumentError {
        func wrong(_ line: Int?, _ what: String) -> DocumentError {
            DocumentError(source: source, line: line, path: "", what: what)
        }
        if let error = error as? DocumentError { return error }
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            return wrong(mark.line, "not JSON or YAML: \(problem)")
        case .reader(let problem, _, _, _):
            return wrong(nil, "not JSON or YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let name = keys.first ?? ""
            return wrong(context.mark.line, "the key '\(name)' is there twice; keep one")
        default:
            let text = String(describing: error).prefix { $0 != "\n" }
            return wrong(nil, "not JSON or YAML: \(text)")
        }
    }
}
