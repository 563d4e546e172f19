import Foundation

/// The tables that DNNScaler's authors measured on a Tesla P40. They carry no licence, so they
/// are not part of the project: tests that want them skip where they are absent.
public struct P40Tables: Sendable {
    /// One network on one data set: what it takes at 1...10 instances.
    public struct Row: Sendable {
        /// Data set and network.
        public var name: String
        /// The measured mean latency in ms.
        public var measured: [Double]
        /// The authors' own estimate of the same cells.
        public var estimated: [Double]
    }

    /// All 18 rows in the order of the file; the two video rows are in ms like the others.
    public var rows: [Row]

    /// The tables, or nil with a line on the console: `dnnscaler` in the folder that
    /// `SLUICE_SHARED` names or in `../shared` beside the checkout.
    public static let shared: P40Tables? = {
        let checkout = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let root =
            ProcessInfo.processInfo.environment["SLUICE_SHARED"].map { URL(fileURLWithPath: $0) }
            ?? checkout.deletingLastPathComponent().appendingPathComponent("shared")
        let folder = root.appendingPathComponent("data/dnnscaler")
        guard let measured = table(folder, "p40_mtl_latency_ms.csv"),
            let estimated = table(folder, "p40_mc_estimate_ms.csv"),
            measured.map(\.name) == estimated.map(\.name)
        else {
            print("The P40 tables are not at \(folder.path); tests that need them do nothing.")
            return nil
        }
        let rows = zip(measured, estimated).map {
            Row(name: $0.name, measured: $0.cells, estimated: $1.cells)
        }
        return P40Tables(rows: rows)
    }()

    private static func table(_ folder: URL, _ name: String) -> [(name: String, cells: [Double])]? {
        let file = folder.appendingPathComponent(name)
        guard let text = try? String(contentsOf: file, encoding: .utf8) else { return nil }
        return text.split(whereSeparator: \.isNewline).dropFirst().map { line in
            let cells = line.split(separator: ",").map(String.init)
            return (cells[0] + " " + cells[1], cells.dropFirst(2).compactMap { Double($0) })
        }
    }

    /// The row of a network on a data set, such as `ImageNet Inc-V1`.
    public func row(_ name: String) -> Row? { rows.first { $0.name == name } }
}
