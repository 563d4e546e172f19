import CONNXRuntime
import ServerRuntime

/// What runs a model's kernels on a GPU's memory.
struct GPUProvider: Sendable {
    /// ONNX Runtime's CPU provider, on devices whose memory is the host's; else the CUDA provider.
    var isHost = false
    /// Whether sessions capture CUDA graphs, as far as their models allow it.
    var capturesGraphs = false
    /// In tests: what the library is to complain about in a run of so many items.
    var complaint: (@Sendable (Int32) -> String?)?

    /// Sets the provider of a session that is to run on a stream, with a limit of its memory.
    func append(
        to options: OpaquePointer,
        of library: ONNXLibrary,
        on device: GPUDevice,
        stream: CUDAStream,
        memoryMiB: Int64,
        changes: [String: String],
        graphs: Bool = false
    ) throws(EngineError) {
        guard !isHost else { return }
        let calls = library.calls
        let cuda = try library.made("CUDA options") { calls.create_cuda_options($0) }
        defer { calls.release_cuda_options(cuda) }
        let (ordinal, stream) = (device.facts.ordinal, stream.handle)
        let settings = Self.settings(ordinal, stream, memoryMiB, changes, graphs: graphs)
        var keys = settings.map { $0.key.pointer }
        var values = settings.map { $0.value.pointer }
        defer { for setting in settings { setting.release() } }
        let status = calls.update_cuda_options(cuda, &keys, &values, settings.count)
        try library.check(status, "CUDA options")
        try library.check(calls.append_cuda(options, cuda), "a CUDA provider")
    }

    /// Where a session's tensors lie, in the library's words; the caller releases it.
    func memory(of library: ONNXLibrary, on device: GPUDevice) throws(EngineError) -> OpaquePointer
    {
        let name = isHost ? "Cpu" : "Cuda"
        let ordinal = isHost ? 0 : device.facts.ordinal
        return try library.made("a memory description") { out in
            library.calls.create_memory_info(
                name,
                connx_allocator_device,
                ordinal,
                connx_memory_default,
                out
            )
        }
    }

    /// The provider's options (platform notes, F.3). The search for convolutions is HEURISTIC,
    /// since every new batch size would stall for an exhaustive one; the arena takes what is
    /// asked for, since powers of two would break the limit. A model's own configuration may
    /// change those.
    ///
    /// - Parameters:
    ///   - changes: Options to set otherwise, by their names.
    ///   - graphs: Whether the session captures CUDA graphs.
    static func settings(
        _ ordinal: Int32,
        _ stream: OpaquePointer,
        _ memoryMiB: Int64,
        _ changes: [String: String] = [:],
        graphs: Bool = false
    ) -> [(key: CText, value: CText, release: () -> Void)] {
        var words: [(String, String)] = [
            ("device_id", String(ordinal)),
            ("has_user_compute_stream", "1"),
            ("user_compute_stream", String(UInt(bitPattern: stream))),
            ("gpu_mem_limit", String(max(1, memoryMiB) << 20)),
            ("arena_extend_strategy", "kSameAsRequested"),
            ("cudnn_conv_algo_search", "HEURISTIC"),
            ("do_copy_in_default_stream", "1"),
        ]
        if graphs { words.append(("enable_cuda_graph", "1")) }
        return words.map { key, value in
            let (key, value) = (CText(key), CText(changes[key] ?? value))
            return (
                key, value,
                {
                    key.free()
                    value.free()
                }
            )
        }
    }
}

/// A text as C has it, until it is freed.
struct CText {
    let pointer: UnsafePointer<CChar>
    private let room: UnsafeMutableBufferPointer<CChar>

    init(_ text: String) {
        let bytes = text.utf8CString
        room = .allocate(capacity: bytes.count)
        _ = room.initialize(from: bytes)
        guard let start = room.baseAddress else { preconditionFailure("a text ends with a zero") }
        pointer = UnsafePointer(start)
    }

    func free() { room.deallocate() }

    /// The text again.
    var text: String { String(cString: pointer) }
}
