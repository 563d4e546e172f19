import Foundation

/// The project's own sources, read once, for tests that hold the house to its rules.
struct SourceTree {
    /// One source file.
    struct File {
        /// The path from the project's root.
        let path: String
        let lines: [Substring]

        /// The target that the file belongs to.
        var room: String {
            let parts = path.split(separator: "/")
            return parts.count > 1 ? String(parts[1]) : ""
        }

        /// The lines without comments and string contents, as far as one line shows them.
        var code: [String] {
            lines.map { line in
                let stripped = line.prefix(upTo: line.range(of: "//")?.lowerBound ?? line.endIndex)
                guard stripped.contains("\"") else { return String(stripped) }
                return String(stripped).replacing(/"(?:[^"\\]|\\.)*"/, with: "\"\"")
            }
        }
    }

    static let root = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// All Swift files below `folder` that people wrote.
    static func files(below folder: String) -> [File] {
        let base = root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(atPath: base.path) else { return [] }
        return walk.compactMap { $0 as? String }
            .filter { $0.hasSuffix(".swift") && !$0.contains("Generated/") }
            .sorted()
            .compactMap { path in
                guard
                    let text = try? String(contentsOf: base.appending(path: path), encoding: .utf8)
                else { return nil }
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                return File(path: "\(folder)/\(path)", lines: lines)
            }
    }
}
