import Foundation

/// Measured data of others that are not part of the project; tests that want them skip where
/// they are absent.
enum SharedFolder {
    /// The lines of a file below `data` of the folder that `SLUICE_SHARED` names, or of `../shared`
    /// beside the checkout; nil where there is none.
    static func lines(of path: String) -> [String]? {
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let named = ProcessInfo.processInfo.environment["SLUICE_SHARED"]
        let folder =
            named.map { URL(fileURLWithPath: $0) }
            ?? checkout.deletingLastPathComponent().appendingPathComponent("shared")
        guard
            let text = try? String(
                contentsOf: folder.appendingPathComponent("data/\(path)"),
                encoding: .utf8
            )
        else {
            print("skipped: no data/\(path) in \(folder.path); SLUICE_SHARED may name the folder")
            return nil
        }
        return text.split(whereSeparator: \.isNewline).map(String.init)
    }
}
