import Foundation
import ServerRuntime
import ServingDomain

@testable import ModelRepository

/// A repository in a temporary folder that goes away with it.
final class Shelf {
    /// The folder that holds the models' folders.
    let path: String

    init() throws {
        let folder = FileManager.default.temporaryDirectory
            .appending(path: "shelf-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        path = folder.path
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Puts a model there: its configuration, if any, and one file per version.
    @discardableResult
    func model(_ name: String, _ config: String?, versions: [String] = ["1"]) throws -> Shelf {
        if let config { try file("\(name)/config.pbtxt", config) }
        for version in versions { try file("\(name)/\(version)/model.onnx", "onnx") }
        return self
    }

    /// Writes a file, folders included.
    func file(_ relative: String, _ text: String) throws {
        try file(relative, Array(text.utf8))
    }

    func file(_ relative: String, _ bytes: [UInt8]) throws {
        let url = URL(fileURLWithPath: path).appending(path: relative)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(),
            withIntermediateDirectories: true
        )
        try Data(bytes).write(to: url)
    }

    func link(_ relative: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(
            atPath: path + "/" + relative,
            withDestinationPath: target
        )
    }

    func remove(_ relative: String) throws {
        try FileManager.default.removeItem(atPath: path + "/" + relative)
    }

    func repository(
        configName: String? = nil,
        defaultMaxBatch: Int64 = 4,
        limits: RepositoryLimits = RepositoryLimits()
    ) throws -> ModelRepository {
        try ModelRepository(
            paths: [path],
            configName: configName,
            defaultMaxBatch: defaultMaxBatch,
            limits: limits
        )
    }

    /// Reads a model whose file declares `file`.
    func read(
        _ name: String = "m",
        _ override: LoadOverride? = nil,
        file: DeclaredSignature = .plain
    ) throws -> ModelDefinition {
        try repository().read(name, override: override) { _ in file }
    }

    /// The error of reading a model; nil if it could be read.
    func failure(
        _ name: String = "m",
        _ override: LoadOverride? = nil,
        file: DeclaredSignature = .plain
    ) throws -> SourceError? {
        do {
            _ = try read(name, override, file: file)
            return nil
        } catch let error as SourceError {
            return error
        }
    }
}

extension DeclaredSignature {
    /// One input `x` [-1,16] and one output `y` [-1,4], both FP32.
    static let plain = DeclaredSignature(
        inputs: [Tensor(name: "x", type: .fp32, shape: [-1, 16])],
        outputs: [Tensor(name: "y", type: .fp32, shape: [-1, 4])]
    )

    /// The same with a batch of exactly one.
    static let single = DeclaredSignature(
        inputs: [Tensor(name: "x", type: .fp32, shape: [1, 16])],
        outputs: [Tensor(name: "y", type: .fp32, shape: [1, 4])]
    )
}

/// A whole configuration that fits `DeclaredSignature.plain`, with more behind it.
func plainConfig(_ more: String = "", maxBatch: Int = 8) -> String {
    """
    max_batch_size: \(maxBatch)
    input { name: "x" data_type: TYPE_FP32 dims: 16 }
    output { name: "y" data_type: TYPE_FP32 dims: 4 }
    \(more)
    """
}
