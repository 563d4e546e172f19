/// What is wrong in a file, in one line: where, what, and what would be right.
public struct DocumentError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file's name.
    public var source: String
    /// The line, from 1; nil where none can be named.
    public var line: Int?
    /// The place within the document, such as `latency[2].ms`; empty for the whole of it.
    public var path: String
    /// What is wrong, and what would be right.
    public var what: String

    /// Creates an error.
    public init(source: String, line: Int?, path: String, what: String) {
        self.source = source
        self.line = line
        self.path = path
        self.what = what
    }

    /// One line: file, line, path within the document, and what is wrong.
    public var description: String {
        let place = line.map { "\(source):\($0)" } ?? source
        return path.isEmpty ? "\(place): \(what)" : "\(place): \(path): \(what)"
    }
}
