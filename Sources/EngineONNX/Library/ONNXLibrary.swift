import CONNXRuntime
import Logging
import ServerRuntime
import Synchronization

/// ONNX Runtime, opened once per process and path, with its one environment.
final class ONNXLibrary: @unchecked Sendable {
    // Safe: everything is set in `init` and never changed, and the library's calls on these
    // objects may come from any thread.

    /// The library's calls.
    let calls: connx_calls
    /// Its version, such as `1.31.1`.
    let version: String
    /// Where it was found.
    let path: String
    /// The environment: logs and the arena that all sessions share.
    let environment: OpaquePointer
    /// Says of tensors over our own buffers that they lie in plain memory.
    let memory: OpaquePointer
    /// What the library allocates small things with.
    let allocator: OpaquePointer
    /// Whether sessions may use the shared, bounded arena.
    let hasSharedArena: Bool

    private static let opened = Mutex<[String: ONNXLibrary]>([:])

    /// Finds and opens the library; cheap from the second time on.
    ///
    /// - Throws: `unavailable` where it is missing, no ONNX Runtime or too old.
    static func open(_ library: String?) throws(EngineError) -> ONNXLibrary {
        let places = LibraryPlaces(library: library)
        var failure: EngineError?
        for path in places.paths {
            let outcome = opened.withLock { known -> Result<ONNXLibrary, EngineError> in
                if let known = known[path] { return .success(known) }
                do throws(EngineError) {
                    let fresh = try ONNXLibrary(path: path)
                    known[path] = fresh
                    return .success(fresh)
                } catch {
                    return .failure(error)
                }
            }
            switch outcome {
            case .success(let library): return library
            case .failure(let error): failure = failure ?? error
            }
        }
        if places.named, let failure { throw failure }
        throw EngineError(
            .unavailable,
            "ONNX Runtime was not found in .engine or among the system's libraries; run "
                + "Scripts/setup-engine.sh, or set \(LibraryPlaces.variable) to a "
                + "libonnxruntime.so of version 1.\(CONNX_API_VERSION) or later"
        )
    }

    private init(path: String) throws(EngineError) {
        let (calls, version) = try Self.load(path)
        self.calls = calls
        self.version = version
        self.path = path
        environment = try Self.made(calls, "an environment") {
            calls.create_env(onnxLog, nil, connx_log_error, "sluice", $0)
        }
        memory = try Self.made(calls, "a memory description") {
            calls.create_cpu_memory_info(connx_allocator_device, connx_memory_default, $0)
        }
        allocator = try Self.made(calls, "an allocator") { calls.default_allocator($0) }
        hasSharedArena = try Self.shareArena(calls, environment)
    }

    /// The execution providers that the library was built with, by its own names.
    func providers() throws(EngineError) -> [String] {
        var names: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
        var count: Int32 = 0
        try check(calls.available_providers(&names, &count), "a list of its providers")
        guard let names else { return [] }
        let found = (0..<Int(count)).compactMap { names[$0].map { String(cString: $0) } }
        try check(calls.release_providers(names, count), "room")
        return found
    }

    private static func load(_ path: String) throws(EngineError) -> (connx_calls, String) {
        let next =
            "run Scripts/setup-engine.sh, or set \(LibraryPlaces.variable) to a "
            + "libonnxruntime.so of version 1.\(CONNX_API_VERSION) or later"
        let calls = UnsafeMutablePointer<connx_calls>.allocate(capacity: 1)
        defer { calls.deallocate() }
        var text = [CChar](repeating: 0, count: 512)
        let opening = connx_open(path, calls, &text, text.count)
        let said = text.withUnsafeBufferPointer { buffer in
            buffer.baseAddress.map { String(cString: $0) } ?? ""
        }
        switch opening {
        case connx_opened:
            return (calls.pointee, said)
        case connx_too_old:
            throw EngineError(
                .unavailable,
                "ONNX Runtime at '\(path)' has version \(said), but 1.\(CONNX_API_VERSION) or "
                    + "later is needed; \(next)"
            )
        case connx_foreign:
            throw EngineError(
                .unavailable,
                "'\(path)' is a library, but not ONNX Runtime (\(said)); \(next)"
            )
        default:
            throw EngineError(.unavailable, "ONNX Runtime can't be loaded (\(said)); \(next)")
        }
    }

    /// Gives the environment one arena that takes no more than is asked for; sessions would each
    /// keep one of their own that doubles (platform notes, G.4).
    private static func shareArena(
        _ calls: connx_calls,
        _ environment: OpaquePointer
    ) throws(EngineError) -> Bool {
        let place = try made(calls, "a memory description") {
            calls.create_cpu_memory_info(connx_allocator_arena, connx_memory_default, $0)
        }
        defer { calls.release_memory_info(place) }
        let values = [1]  // 1: grow by what is asked for, not by powers of two
        let config = try made(calls, "an arena's settings") { out in
            "arena_extend_strategy".withCString { key in
                var keys = [key]
                return calls.create_arena_config(&keys, values, values.count, out)
            }
        }
        defer { calls.release_arena_config(config) }
        let refusal = calls.register_allocator(environment, place, config)
        if let refusal { calls.release_status(refusal) }
        return refusal == nil
    }
}

// MARK: - Errors

extension ONNXLibrary {
    /// What the library said about a call that failed.
    struct Complaint {
        /// The library's own code.
        var code: Int32
        /// Its text, on one line.
        var text: String
    }

    /// Takes over the status of a call: nil when it succeeded.
    static func take(_ calls: connx_calls, _ status: OpaquePointer?) -> Complaint? {
        guard let status else { return nil }
        defer { calls.release_status(status) }
        let text = String(cString: calls.status_message(status))
        return Complaint(code: calls.status_code(status), text: oneLine(text))
    }

    /// Takes over the status of a call: nil when it succeeded.
    func take(_ status: OpaquePointer?) -> Complaint? {
        status == nil ? nil : Self.take(calls, status)
    }

    /// Throws when a call failed that should not.
    func check(_ status: OpaquePointer?, _ what: StaticString) throws(EngineError) {
        guard let complaint = take(status) else { return }
        throw Self.error(complaint, what)
    }

    /// The object that a call makes.
    func made(
        _ what: StaticString,
        _ call: (UnsafeMutablePointer<OpaquePointer?>) -> OpaquePointer?
    ) throws(EngineError) -> OpaquePointer {
        try Self.made(calls, what, call)
    }

    private static func made(
        _ calls: connx_calls,
        _ what: StaticString,
        _ call: (UnsafeMutablePointer<OpaquePointer?>) -> OpaquePointer?
    ) throws(EngineError) -> OpaquePointer {
        var result: OpaquePointer?
        if let complaint = take(calls, call(&result)) { throw error(complaint, what) }
        guard let result else {
            throw EngineError(.failed, "ONNX Runtime made nothing instead of \(what)")
        }
        return result
    }

    private static func error(_ complaint: Complaint, _ what: StaticString) -> EngineError {
        EngineError(
            isOutOfMemory(complaint.text) ? .outOfMemory : .failed,
            "ONNX Runtime could not make \(what): \(complaint.text)"
        )
    }

    /// Whether a text of the library speaks of memory that ran out.
    static func isOutOfMemory(_ text: String) -> Bool {
        [
            "bad_alloc", "Failed to allocate memory", "bad allocation", "out of memory",
            "smaller than requested bytes", "ALLOC_FAILED",
        ].contains { text.contains($0) }
    }

    private static func oneLine(_ text: String) -> String {
        let limit = 400
        let words = text.split { $0.isWhitespace || $0.isNewline }.joined(separator: " ")
        return words.count <= limit ? words : words.prefix(limit) + "..."
    }
}

// MARK: - Log

/// Where the engine's own remarks go.
let engineLog = Logger(label: "sluice.onnxruntime")

/// Passes the library's log lines on. Errors come back as statuses too, so they are detail here.
private let onnxLog: connx_log_function = { _, severity, _, _, _, message in
    let level: Logger.Level = severity >= connx_log_fatal ? .error : .debug
    let text = String(cString: message)
    if PlacementLog.takes(text) { return }
    engineLog.log(level: level, "\(text)")
}
