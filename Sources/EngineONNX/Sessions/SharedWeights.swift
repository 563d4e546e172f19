import CONNXRuntime
import Glibc
import ServerRuntime

/// A model's weights in memory once, for any number of sessions with threads of their own.
///
/// The library shares only initialisers that we hand it, and what it packs of them, and it can't
/// match them by name once it has rewritten the graph. So it rewrites the graph first, into a
/// file that is unlinked at once; the initialisers of that file are read once and handed to every
/// session, together with one container for packed forms. Measured with version 1.31.1 on
/// networks of 100 MB: each further session takes 0.3 MiB instead of 100; weights that kernels
/// pack (matrix products) are kept twice in all, those of convolutions once. On a GPU they lie in
/// its memory (`GPUWeights`) and nothing is packed.
final class SharedWeights: @unchecked Sendable {
    // Safe: everything is set in `init`; the library locks its container.

    private let library: ONNXLibrary
    private let rewritten: MappedFile
    private let room: any WeightRoom
    private var values: [(name: String, value: OpaquePointer)] = []
    /// What kernels of the CPU pack; nil elsewhere.
    private let container: OpaquePointer?

    /// Smaller initialisers are left where they are; the library wants to see them early.
    private static let smallest = 1 << 10

    /// Rewrites the model and reads its weights. Takes as long as making a session.
    ///
    /// - Parameters:
    ///   - packs: Whether the sessions share what their kernels pack.
    ///   - prepare: Changes the options of the session that rewrites the graph.
    ///   - makeRoom: Makes room for so many bytes of weights.
    /// - Throws: `failed` where the weights can't be shared, with the reason.
    init(
        file: ModelFile,
        path: String,
        settings: SessionSettings,
        library: ONNXLibrary,
        packs: Bool,
        prepare: (OpaquePointer) throws(EngineError) -> Void,
        room makeRoom: (Int) throws(EngineError) -> any WeightRoom
    ) throws(EngineError) {
        self.library = library
        rewritten = try Self.rewrite(file, path, settings, library, prepare)
        guard let all = InitializerReader(rewritten.bytes).initializers() else {
            throw EngineError(.failed, "the rewritten graph can't be read")
        }
        let large = all.filter { $0.raw.count >= Self.smallest && !$0.isExternal }
        let total = large.reduce(0) { $0 + Self.aligned($1.raw.count) }
        guard total > 0 else {
            throw EngineError(.failed, "the rewritten graph has no weights of its own")
        }
        room = try makeRoom(total)
        container =
            packs
            ? try library.made("a container for packed weights") {
                library.calls.create_prepacked($0)
            } : nil
        var offset = 0
        for initializer in large {
            let bytes = UnsafeRawBufferPointer(rebasing: rewritten.bytes[initializer.raw])
            try room.fill(offset, from: bytes)
            let place = room.place(offset)
            offset += Self.aligned(initializer.raw.count)
            let value = try library.made("a shared weight") {
                library.calls.create_tensor_over(
                    room.memory,
                    place,
                    initializer.raw.count,
                    initializer.dims,
                    initializer.dims.count,
                    initializer.type,
                    $0
                )
            }
            values.append((initializer.name, value))
        }
        room.seal()
        rewritten.forget()
    }

    deinit {
        if let container { library.calls.release_prepacked(container) }
        for (_, value) in values { library.calls.release_value(value) }
    }

    /// Makes a session on the shared weights; it must not outlive this object.
    func makeSession(_ options: OpaquePointer) -> (status: OpaquePointer?, OpaquePointer?) {
        let calls = library.calls
        var session: OpaquePointer?
        // The graph is rewritten already, and rewriting it again could rename the weights.
        if let status = calls.set_graph_level(options, connx_graph_none) { return (status, nil) }
        for (name, value) in values {
            if let status = calls.add_initializer(options, name, value) { return (status, nil) }
        }
        let (environment, path) = (library.environment, rewritten.path)
        guard let container else {
            let status = calls.create_session(environment, path, options, &session)
            return (status, session)
        }
        let status =
            calls.create_session_prepacked(environment, path, options, container, &session)
        return (status, session)
    }

    /// As the driver aligns memory of a GPU.
    private static func aligned(_ count: Int) -> Int { (count + 255) / 256 * 256 }

    /// Lets the library write the rewritten graph and opens it; the file has no name after.
    private static func rewrite(
        _ file: ModelFile,
        _ path: String,
        _ settings: SessionSettings,
        _ library: ONNXLibrary,
        _ prepare: (OpaquePointer) throws(EngineError) -> Void
    ) throws(EngineError) -> MappedFile {
        var name = Array(
            (temporaryFolder + "/sluice-graph-" + String(repeating: "X", count: 6)).utf8CString
        )
        let descriptor = mkstemp(&name)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw EngineError(.failed, "no temporary file: \(reason); set TMPDIR")
        }
        close(descriptor)
        let target = name.withUnsafeBufferPointer { String(cString: $0.start) }
        defer { unlink(target) }
        let crew = ThreadCrew(name: "onnx " + file.name)
        let options = try settings.options(threads: 1, crew: crew, of: library)
        defer { library.calls.release_session_options(options) }
        try prepare(options)
        try library.check(
            library.calls.set_optimized_model_path(options, target),
            "session options"
        )
        var session: OpaquePointer?
        let calls = library.calls
        let status = calls.create_session(library.environment, path, options, &session)
        if let complaint = library.take(status) { throw file.error(complaint) }
        if let session { calls.release_session(session) }
        guard let mapped = MappedFile(path: target) else {
            throw EngineError(.failed, "the rewritten graph can't be read")
        }
        return mapped
    }

    /// `TMPDIR`, else the folder that usually lies on a disk rather than in memory.
    private static var temporaryFolder: String {
        if let value = getenv("TMPDIR"), value.pointee != 0 { return String(cString: value) }
        return access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp"
    }
}

extension UnsafeBufferPointer {
    /// The first element of a buffer that is not empty.
    fileprivate var start: UnsafePointer<Element> {
        guard let baseAddress else { preconditionFailure("an empty buffer has no start") }
        return baseAddress
    }
}
