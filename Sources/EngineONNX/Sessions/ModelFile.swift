import Glibc
import ServerRuntime

/// A model's file on disk, checked as far as can be told without reading it.
struct ModelFile: Hashable, Sendable {
    /// The model's name, for messages and thread names.
    let name: String
    /// The model's version, for messages.
    let version: Int64
    /// The path of the file itself.
    let path: String
    /// What tells this state of the file from a later one.
    let identity: [Int64]

    /// The largest file that the format allows; larger models keep their weights beside it.
    private static let limit: Int64 = 2 << 30

    /// Finds the file that an artifact means: itself, or `model.onnx` in its folder.
    init(_ artifact: ModelArtifact) throws(EngineError) {
        name = artifact.name
        version = artifact.version
        let title = "model '\(artifact.name)' version \(artifact.version)"
        var path = artifact.path
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            let reason = String(cString: strerror(errno))
            throw EngineError(.badModel, "\(title): '\(path)' can't be read: \(reason)")
        }
        if facts.st_mode & S_IFMT == S_IFDIR {
            path += "/model.onnx"
            guard stat(path, &facts) == 0 else {
                throw EngineError(
                    .badModel,
                    "\(title): there is no model.onnx in '\(artifact.path)'; put it there"
                )
            }
        }
        guard facts.st_mode & S_IFMT == S_IFREG, facts.st_size > 0, facts.st_size < Self.limit
        else {
            throw EngineError(
                .badModel,
                "\(title): '\(path)' must be a file of 1 byte to 2 GiB, but has "
                    + "\(facts.st_size) bytes; export the model again"
            )
        }
        self.path = path
        identity = Self.identity(facts)
    }

    private static func identity(_ facts: stat) -> [Int64] {
        [
            Int64(facts.st_dev), Int64(bitPattern: UInt64(facts.st_ino)), Int64(facts.st_size),
            Int64(facts.st_mtim.tv_sec), Int64(facts.st_mtim.tv_nsec),
        ]
    }

    /// Whether the path still leads to the file as it was found.
    var isUnchanged: Bool {
        var facts = stat()
        return stat(path, &facts) == 0 && Self.identity(facts) == identity
    }

    /// How messages call the model.
    var title: String { "model '\(name)' version \(version)" }

    /// Why the library would not have it.
    func error(_ complaint: ONNXLibrary.Complaint) -> EngineError {
        if ONNXLibrary.isOutOfMemory(complaint.text) {
            return EngineError(
                .outOfMemory,
                "\(title) does not fit into memory: \(complaint.text); unload another first"
            )
        }
        return EngineError(
            .badModel,
            "\(title) can't be loaded: \(complaint.text); the file must be a whole ONNX model "
                + "with its external data beside it"
        )
    }
}
