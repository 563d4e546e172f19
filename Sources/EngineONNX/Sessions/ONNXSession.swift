import CONNXRuntime
import Glibc
import ServerRuntime
import Synchronization

/// A model ready to run, with the threads that run it.
///
/// Runs on one session may overlap. Instances hold their session, so it is released only when
/// no run can be live (releasing it under a run crashes; platform notes, G.4).
final class ONNXSession: @unchecked Sendable {
    // Safe: set in `init`; the library's calls on a session may come from any thread.

    /// The library's session.
    let handle: OpaquePointer
    /// Threads of one run, the caller included.
    let threads: Int32
    /// The other threads of a run.
    let crew: ThreadCrew
    /// The library.
    let library: ONNXLibrary
    /// The weights that the session reads, unless it has its own.
    let weights: SharedWeights?
    /// What the session runs on, which must outlive it: a GPU's stream.
    let ground: CUDAStream?
    /// Whether runs may capture CUDA graphs; each must say which, or that it runs plainly.
    let capturesGraphs: Bool
    private let claimed = Atomic<Bool>(false)
    private let graphs = Atomic<Int32>(0)
    private let spoilt = Atomic<Bool>(false)

    /// Reads and prepares a model. Blocks for as long as that takes.
    ///
    /// - Parameters:
    ///   - path: Where to read the file; what `file` says is for messages.
    ///   - weights: Weights to use instead of reading the file.
    ///   - ground: The stream that the session runs on, on a GPU.
    ///   - capturesGraphs: Whether `prepare` lets the session capture CUDA graphs.
    ///   - prepare: Changes the session's options before it is made.
    /// - Throws: `badModel` where the file can't be read or is no model.
    init(
        file: ModelFile,
        path: String,
        settings: SessionSettings,
        threads: Int32,
        library: ONNXLibrary,
        weights: SharedWeights? = nil,
        ground: CUDAStream? = nil,
        capturesGraphs: Bool = false,
        prepare: (OpaquePointer) throws(EngineError) -> Void = { _ in }
    ) throws(EngineError) {
        let crew = ThreadCrew(name: "onnx " + file.name)
        let options = try settings.options(threads: threads, crew: crew, of: library)
        defer { library.calls.release_session_options(options) }
        try prepare(options)
        var session: OpaquePointer?
        var status: OpaquePointer?
        if let weights {
            (status, session) = weights.makeSession(options)
        } else {
            let calls = library.calls
            status = calls.create_session(library.environment, path, options, &session)
        }
        if let complaint = library.take(status) { throw file.error(complaint) }
        guard let session else {
            throw EngineError(.failed, "ONNX Runtime made no session of \(file.title)")
        }
        handle = session
        self.threads = threads
        self.crew = crew
        self.library = library
        self.weights = weights
        self.ground = ground
        self.capturesGraphs = capturesGraphs
    }

    deinit {
        library.calls.release_session(handle)
        connx_trim_heap()
    }

    /// Takes the session for one instance; false when another has it.
    func claim() -> Bool {
        !claimed.exchange(true, ordering: .acquiringAndReleasing)
    }

    /// A number for a CUDA graph that no other of the session has: who takes the session over later
    /// has buffers of its own.
    func nextGraph() -> Int32 { graphs.add(1, ordering: .relaxed).newValue }

    /// Says that nobody should use the session any more.
    func spoil() { spoilt.store(true, ordering: .releasing) }

    /// Whether nobody should.
    var isSpoilt: Bool { spoilt.load(ordering: .acquiring) }

    /// Gives the session back for the next instance.
    func unclaim() {
        claimed.store(false, ordering: .releasing)
    }
}
