import CONNXRuntime
import Logging
import ServerRuntime
import Synchronization

/// A model in memory: its weights, and its sessions by number of threads, made when first wanted.
final class ModelWeights: Sendable {
    /// The file it was read from.
    let file: ModelFile
    /// How its sessions are set up.
    let settings: SessionSettings
    /// The library.
    let library: ONNXLibrary
    /// The tensors that the file declares.
    let declared: DeclaredSignature
    /// Initialisers that a request may replace.
    let overridable: [DeclaredSignature.Tensor]
    /// What the weights take, in MiB, rounded up.
    let weightsMiB: Int64

    private struct Sessions {
        /// The session made last; it stays, so that a model without instances stays loaded.
        var resident: ONNXSession
        /// The session that all one-core instances use, as long as one of them lives.
        weak var shared: ONNXSession?
    }

    /// Sharing less than this among siblings is not worth a second file.
    private static let worthwhileMiB = 4

    private enum Sharing {
        case untried
        case refused
        case ready(SharedWeights)
    }

    private let sessions: Mutex<Sessions>
    private let sharing = Mutex(Sharing.untried)
    /// The same weights on GPUs, where sessions run there.
    let onGPUs = GPUWeights()
    /// The file as it was read, so that later sessions see the same bytes; nil where weights lie
    /// in files beside it, which can't be found from there.
    private let mapped: MappedFile?

    /// Reads the model; its first session serves to learn the signature too.
    init(file: ModelFile, settings: SessionSettings, library: ONNXLibrary) throws(EngineError) {
        self.file = file
        self.settings = settings
        self.library = library
        let mapped = MappedFile(path: file.path)
        let first = try ONNXSession(
            file: file,
            path: file.path,
            settings: settings,
            threads: settings.threads(cores: 1),
            library: library
        )
        let reader = SignatureReader(session: first, file: file)
        declared = try reader.declared()
        overridable = try reader.overridable()
        let weights = mapped.flatMap { InitializerReader($0.bytes).initializers() } ?? []
        let bytes = weights.reduce(Int64(0)) {
            $0 + Int64($1.raw.count + $1.typedBytes) + $1.externalBytes
        }
        weightsMiB = (bytes + (1 << 20) - 1) >> 20
        mapped?.forget()
        self.mapped = weights.contains(where: \.isExternal) ? nil : mapped
        let shared = settings.isShared(threads: first.threads) ? first : nil
        sessions = Mutex(Sessions(resident: first, shared: shared))
        connx_trim_heap()
    }

    /// A session for an instance with `cores` cores: the shared one, or one of its own.
    ///
    /// Blocks while a session is made.
    /// - Parameter siblings: How many such instances are to be expected, itself included; from
    ///   two on their sessions share the weights where the model allows it.
    func session(cores: Int, siblings: Int) throws(EngineError) -> ONNXSession {
        let threads = settings.threads(cores: cores)
        guard settings.isShared(threads: threads) else {
            let weights = siblings < 2 ? nil : sharedWeights()
            if weights == nil, let unused = unusedSession(threads: threads) { return unused }
            let own = try makeSession(threads: threads, weights: weights)
            _ = own.claim()
            sessions.withLock { $0.resident = own }
            return own
        }
        // Made under the lock: a second instance is to wait for the first one's session.
        let outcome = sessions.withLock { sessions -> Result<ONNXSession, EngineError> in
            if let shared = sessions.shared { return .success(shared) }
            do throws(EngineError) {
                let fresh = try makeSession(threads: threads, weights: nil)
                (sessions.shared, sessions.resident) = (fresh, fresh)
                return .success(fresh)
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }

    /// The resident session, when it has that many threads and no instance uses it.
    private func unusedSession(threads: Int32) -> ONNXSession? {
        sessions.withLock { sessions in
            guard sessions.resident.threads == threads, sessions.resident.claim() else {
                return nil
            }
            return sessions.resident
        }
    }

    private func makeSession(
        threads: Int32,
        weights: SharedWeights?
    ) throws(EngineError) -> ONNXSession {
        let session = try ONNXSession(
            file: file,
            path: try path(),
            settings: settings,
            threads: threads,
            library: library,
            weights: weights
        )
        connx_trim_heap()
        return session
    }

    /// The weights to share, read at the first call; nil where the model does not allow it.
    private func sharedWeights() -> SharedWeights? {
        sharing.withLock { sharing -> SharedWeights? in
            switch sharing {
            case .ready(let weights): return weights
            case .refused: return nil
            case .untried: break
            }
            do throws(EngineError) {
                let memory = library.memory
                let weights = try makeShared(packs: true) { count in
                    HostWeightRoom(count, memory: memory)
                }
                sharing = weights.map { .ready($0) } ?? .refused
                return weights
            } catch {
                engineLog.info(
                    "\(file.title): every instance keeps its own weights: \(error.message)"
                )
                sharing = .refused
                return nil
            }
        }
    }

    /// Reads the weights into some room, for sessions to share; nil where that is not worth it.
    ///
    /// - Parameters:
    ///   - packs: Whether the sessions share what their kernels pack.
    ///   - prepare: Changes the options of the session that rewrites the graph.
    ///   - room: Makes room for so many bytes.
    func makeShared(
        packs: Bool,
        prepare: (OpaquePointer) throws(EngineError) -> Void = { _ in },
        room: (Int) throws(EngineError) -> any WeightRoom
    ) throws(EngineError) -> SharedWeights? {
        guard weightsMiB >= Self.worthwhileMiB else { return nil }
        guard mapped != nil else {
            throw EngineError(.failed, "its weights lie in files of their own")
        }
        return try SharedWeights(
            file: file,
            path: try path(),
            settings: settings,
            library: library,
            packs: packs,
            prepare: prepare,
            room: room
        )
    }

    /// Where to read the bytes again that were loaded.
    func path() throws(EngineError) -> String {
        if let mapped { return mapped.path }
        guard file.isUnchanged else {
            throw EngineError(
                .badModel,
                "\(file.title): '\(file.path)' was changed since it was loaded; load it again"
            )
        }
        return file.path
    }
}
