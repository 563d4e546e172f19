import Foundation
import ModelZoo

/// A folder of our own under the system's for temporary files: networks, repositories, output.
struct Workplace: Sendable {
    /// The folder.
    let path: String

    /// Makes the folder.
    ///
    /// - Throws: `LiveError` where it can't be made.
    init() throws(LiveError) {
        path =
            FileManager.default.temporaryDirectory
            .appendingPathComponent("sluice-live-\(UUID().uuidString.prefix(8))").path
        try Self.makeFolder(path)
    }

    /// Takes everything away.
    func remove() { try? FileManager.default.removeItem(atPath: path) }

    /// A new folder with this name in front.
    func folder(_ name: String) throws(LiveError) -> String {
        let folder = "\(path)/\(name)-\(UUID().uuidString.prefix(8))"
        try Self.makeFolder(folder)
        return folder
    }

    /// A repository of zoo networks; each is built once, and linked into every repository.
    ///
    /// - Parameter models: The model's name, its network, and what its configuration is told.
    /// - Throws: `LiveError`: no such network, disk full.
    func repository(
        _ name: String,
        _ models: [(network: String, settings: ModelSettings)]
    ) throws(LiveError) -> String {
        let folder = try folder(name)
        for (network, settings) in models {
            let built = try build(network)
            try Self.makeFolder("\(folder)/\(network)/1")
            do {
                try FileManager.default.linkItem(
                    atPath: "\(built)/1/model.onnx",
                    toPath: "\(folder)/\(network)/1/model.onnx"
                )
                let config = try String(contentsOfFile: "\(built)/config.pbtxt", encoding: .utf8)
                try settings.apply(to: config).write(
                    toFile: "\(folder)/\(network)/config.pbtxt",
                    atomically: true,
                    encoding: .utf8
                )
            } catch {
                throw LiveError("'\(folder)' can't be filled: \(error.localizedDescription)")
            }
        }
        return folder
    }

    /// The folder of a network; built where it is not there yet.
    func build(_ network: String) throws(LiveError) -> String {
        let folder = "\(path)/networks"
        let model = "\(folder)/\(network)"
        if FileManager.default.fileExists(atPath: "\(model)/config.pbtxt") { return model }
        do throws(ZooError) {
            return try Zoo.build(network).write(to: folder)
        } catch {
            throw LiveError("\(error)")
        }
    }

    private static func makeFolder(_ path: String) throws(LiveError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true
            )
        } catch {
            throw LiveError("the folder '\(path)' can't be made: \(error.localizedDescription)")
        }
    }
}
