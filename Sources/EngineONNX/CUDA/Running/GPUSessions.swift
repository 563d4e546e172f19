import CONNXRuntime
import ServerRuntime
import ServingDomain

/// Gets sessions of one model on one GPU: one that is idle, else a new one.
struct GPUSessions: Sendable {
    let weights: ModelWeights
    let tenure: ModelTenure
    let device: GPUDevice
    let provider: GPUProvider
    /// Whether its sessions capture CUDA graphs.
    let graphs: GraphCaptures

    private var title: String { weights.file.title }

    /// A session on a gpulet's units, the caller's until it is given to `device.idle` again.
    ///
    /// Blocks while one is made. Memory that only idle sessions hold is freed first when there is
    /// too little.
    func session(_ units: [Int32], memoryMiB: Int64) throws(EngineError) -> ONNXSession {
        if device.context.isLost {
            throw EngineError(
                .deviceLost,
                "GPU \(device.facts.ordinal) is lost; restart the server"
            )
        }
        if let known = device.idle.take(tenure, units) { return known }
        do throws(EngineError) {
            return try make(units, memoryMiB)
        } catch {
            guard error.kind == .outOfMemory, device.idle.drop() > 0 else { throw error }
            return try make(units, memoryMiB)
        }
    }

    private func make(_ units: [Int32], _ memoryMiB: Int64) throws(EngineError) -> ONNXSession {
        let seat = try device.partition.acquire(units)
        let stream = try CUDAStream(on: seat, priority: seat.priority)
        let shared = try sharedWeights(stream)
        let wish = Wish(memoryMiB: memoryMiB, shared: shared, captures: graphs.isOn)
        do throws(EngineError) {
            return try make(on: stream, wish)
        } catch {
            guard error.kind != .deviceLost, error.kind != .outOfMemory, !wish.isPlain else {
                throw error
            }
            return try makeOtherwise(on: stream, wish, after: error)
        }
    }

    /// What a session is to be like.
    private struct Wish {
        var memoryMiB: Int64
        /// Weights to use in place of its own.
        var shared: SharedWeights?
        /// Whether it captures CUDA graphs.
        var captures: Bool

        var isPlain: Bool { shared == nil && !captures }
    }

    /// Makes a session that wishes for less: no graphs, then no shared weights either. What goes
    /// well only without them, later sessions go without too.
    private func makeOtherwise(
        on stream: CUDAStream,
        _ wish: Wish,
        after failure: EngineError
    ) throws(EngineError) -> ONNXSession {
        var (wish, reason) = (wish, failure.message)
        if wish.captures {
            wish.captures = false
            do throws(EngineError) {
                let session = try make(on: stream, wish)
                graphs.refuse(title, reason)
                return session
            } catch {
                guard wish.shared != nil else { throw error }
                reason = error.message
            }
        }
        wish.shared = nil
        let session = try make(on: stream, wish)
        graphs.refuse(title, reason)
        weights.onGPUs.refuse(of: weights, on: device, reason)
        return session
    }

    /// The weights that all sessions of the model on this GPU use; nil = each has its own.
    private func sharedWeights(_ stream: CUDAStream) throws(EngineError) -> SharedWeights? {
        guard weights.settings.sharesOnGPU else { return nil }
        let library = weights.library
        return try weights.onGPUs.weights(
            of: weights,
            on: device,
            { options throws(EngineError) in
                try provider.append(
                    to: options,
                    of: library,
                    on: device,
                    stream: stream,
                    memoryMiB: device.spec.memoryMiB,
                    changes: weights.settings.gpuOptions
                )
            },
            memory: { () throws(EngineError) in try provider.memory(of: library, on: device) }
        )
    }

    private func make(
        on stream: CUDAStream,
        _ wish: Wish
    ) throws(EngineError) -> ONNXSession {
        guard !provider.isHost, !weights.settings.allowsFallback else {
            return try make(on: stream, wish, fallback: true, listens: false)
        }
        do throws(EngineError) {
            return try make(on: stream, wish, fallback: false, listens: false)
        } catch {
            guard error.message.contains("fallback to CPU EP") else { throw error }
        }
        // Some nodes are left for the CPU: those that the provider has no kernel for are refused
        // by name, those that it prefers there (shapes and the like) are welcome.
        var outcome: Result<ONNXSession, EngineError>?
        let lines = PlacementLog.listening {
            do throws(EngineError) {
                outcome = .success(
                    try make(on: stream, wish, fallback: true, listens: true)
                )
            } catch {
                outcome = .failure(error)
            }
        }
        let missing = PlacementLog.missing(lines)
        if !missing.isEmpty { throw Self.refusal(of: missing, title: title) }
        guard let outcome else { preconditionFailure("listening does its body") }
        return try outcome.get()
    }

    static func refusal(of operators: [String], title: String) -> EngineError {
        let names = operators.prefix(8).joined(separator: ", ")
        let more = operators.count > 8 ? " and \(operators.count - 8) more" : ""
        return EngineError(
            .badModel,
            "\(title): the CUDA provider has no kernel for \(names)\(more); allow the CPU for them "
                + "with parameter gpu.cpu_fallback = 1"
        )
    }

    private func make(
        on stream: CUDAStream,
        _ wish: Wish,
        fallback: Bool,
        listens: Bool
    ) throws(EngineError) -> ONNXSession {
        let library = weights.library
        // A fifth more than the profile says: arenas do not fit to the byte.
        let weighed = wish.shared == nil ? 0 : weights.weightsMiB
        let needed = max(1, wish.memoryMiB - weighed)
        let limit = wish.memoryMiB > 0 ? needed + needed / 5 + 64 : device.spec.memoryMiB
        let session = try ONNXSession(
            file: weights.file,
            path: try weights.path(),
            settings: weights.settings,
            threads: 1,
            library: library,
            weights: wish.shared,
            ground: stream,
            capturesGraphs: wish.captures
        ) { options throws(EngineError) in
            let calls = library.calls
            if listens {
                let status = calls.set_session_severity(options, connx_log_verbose)
                try library.check(status, "session options")
            }
            if !fallback {
                let key = "session.disable_cpu_ep_fallback"
                let status = calls.add_session_entry(options, key, "1")
                try library.check(status, "session options")
            }
            try provider.append(
                to: options,
                of: library,
                on: device,
                stream: stream,
                memoryMiB: min(limit, device.spec.memoryMiB),
                changes: weights.settings.gpuOptions,
                graphs: wish.captures
            )
        }
        return session
    }
}
