import CONNXRuntime
import ServerRuntime

/// How sessions of a model are set up: our defaults, changed by Triton's parameters of the same
/// names, and ours. Names that are not known here are left alone; the repository warns of them.
struct SessionSettings: Hashable, Sendable {
    /// Threads of one run; 0 = as many as the instance has cores.
    var intraThreads: Int32 = 0
    /// Threads that run independent nodes side by side; counts in parallel mode only.
    var interThreads: Int32 = 1
    /// Whether independent nodes run side by side.
    var parallel = false
    /// Whether the library keeps memory between runs.
    var arena = true
    /// Whether the library plans memory by shape; useless where batch sizes vary.
    var memoryPattern = false
    /// The arenas to shrink after every run, such as `cpu:0`; empty = none.
    var shrinkage = ""
    /// Whether weights bypass the arena, so that unloading gives their memory back.
    var weightsOutsideArena = true
    /// How far the graph is rewritten, by the library's numbers.
    var graphLevel = connx_graph_all

    /// Whether operators that a GPU has no kernel for may run on the CPU, with copies between.
    var allowsFallback = false
    /// Whether sessions on one GPU share one copy of the weights there.
    var sharesOnGPU = true
    /// What a model's configuration changes of the CUDA provider's options, in its own words.
    var gpuOptions: [String: String] = [:]

    /// Reads Triton's parameters.
    init(_ options: [String: String]) throws(EngineError) {
        intraThreads = try Self.number(options, "intra_op_thread_count", 0...1024) ?? 0
        interThreads = max(1, try Self.number(options, "inter_op_thread_count", 0...1024) ?? 1)
        parallel = try Self.number(options, "execution_mode", 0...1) == 1
        arena = try Self.number(options, "enable_mem_arena", 0...1) != 0
        memoryPattern = try Self.number(options, "enable_mem_pattern", 0...1) == 1
        shrinkage = options["memory.enable_memory_arena_shrinkage"] ?? ""
        let device = "session.use_device_allocator_for_initializers"
        weightsOutsideArena = try Self.number(options, device, 0...1) != 0
        gpuOptions = try Self.gpuOptions(options)
        allowsFallback = try Self.number(options, "gpu.cpu_fallback", 0...1) == 1
        sharesOnGPU = try Self.number(options, "gpu.share_weights", 0...1) != 0
        switch try Self.number(options, "optimization.graph.level", -1...2) {
        case -1: graphLevel = connx_graph_basic
        case 1: graphLevel = connx_graph_extended
        default: graphLevel = connx_graph_all
        }
    }

    /// Triton's numbers for the CUDA provider's options, as the provider writes them.
    private static func gpuOptions(
        _ options: [String: String]
    ) throws(EngineError) -> [String: String] {
        var found: [String: String] = [:]
        if let strategy = try number(options, "arena_extend_strategy", 0...1) {
            found["arena_extend_strategy"] = ["kNextPowerOfTwo", "kSameAsRequested"][Int(strategy)]
        }
        if let search = try number(options, "cudnn_conv_algo_search", 0...2) {
            found["cudnn_conv_algo_search"] = ["EXHAUSTIVE", "HEURISTIC", "DEFAULT"][Int(search)]
        }
        if let copies = try number(options, "do_copy_in_default_stream", 0...1) {
            found["do_copy_in_default_stream"] = String(copies)
        }
        if let limit = options["gpu_mem_limit"] {
            guard let bytes = Int64(limit), bytes > 0 else {
                throw EngineError(
                    .badModel,
                    "parameter 'gpu_mem_limit' is '\(limit)'; it must be a number of bytes above 0"
                )
            }
            found["gpu_mem_limit"] = String(bytes)
        }
        return found
    }

    /// Whether one session may serve several instances at once: it has no threads of its own.
    func isShared(threads: Int32) -> Bool {
        threads == 1 && !(parallel && interThreads > 1)
    }

    /// Threads of one run for an instance with `cores` cores.
    func threads(cores: Int) -> Int32 {
        intraThreads > 0 ? intraThreads : Int32(clamping: max(1, cores))
    }

    private static func number(
        _ options: [String: String],
        _ name: String,
        _ range: ClosedRange<Int32>
    ) throws(EngineError) -> Int32? {
        guard let text = options[name] else { return nil }
        guard let value = Int32(text), range.contains(value) else {
            throw EngineError(
                .badModel,
                "parameter '\(name)' is '\(text)'; it must be a whole number from "
                    + "\(range.lowerBound) to \(range.upperBound)"
            )
        }
        return value
    }
}

// MARK: - Session options

extension SessionSettings {
    /// The library's own form of these settings; the caller releases it.
    func options(
        threads: Int32,
        crew: ThreadCrew,
        of library: ONNXLibrary
    ) throws(EngineError) -> OpaquePointer {
        let calls = library.calls
        let options = try library.made("session options") { calls.create_session_options($0) }
        do throws(EngineError) {
            try apply(to: options, threads: threads, crew: crew, of: library)
        } catch {
            calls.release_session_options(options)
            throw error
        }
        return options
    }

    private func apply(
        to options: OpaquePointer,
        threads: Int32,
        crew: ThreadCrew,
        of library: ONNXLibrary
    ) throws(EngineError) {
        let calls = library.calls
        func set(_ status: OpaquePointer?) throws(EngineError) {
            try library.check(status, "session options")
        }
        func entry(_ key: String, _ value: String) throws(EngineError) {
            try set(calls.add_session_entry(options, key, value))
        }
        try set(calls.set_intra_threads(options, threads))
        try set(calls.set_inter_threads(options, parallel ? interThreads : 1))
        let mode = parallel ? connx_run_parallel : connx_run_sequential
        try set(calls.set_execution_mode(options, mode))
        try set(calls.set_graph_level(options, graphLevel))
        // Threads that spin for work would take the neighbours' cores (platform notes, 0.6).
        try entry("session.intra_op.allow_spinning", "0")
        try entry("session.inter_op.allow_spinning", "0")
        try entry("session.set_denormal_as_zero", "1")
        try set(
            memoryPattern
                ? calls.enable_memory_pattern(options) : calls.disable_memory_pattern(options)
        )
        if arena {
            if library.hasSharedArena { try entry("session.use_env_allocators", "1") }
        } else {
            try set(calls.disable_arena(options))
        }
        if weightsOutsideArena {
            try entry("session.use_device_allocator_for_initializers", "1")
        }
        try set(crew.enlist(in: options, of: library))
    }
}
