import CONNXRuntime
import ServerRuntime
import ServingDomain

/// Gets sessions of one model on one GPU: one that is idle, else a new one.
struct GPUSessions: Sendable {
    let weights: ModelWeights
    let tenure: ModelTenure
    let device: GPUDevice
    let provider: GPUProvider

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
        guard let shared = try sharedWeights(stream) else {
            return try make(on: stream, memoryMiB, nil)
        }
        do throws(EngineError) {
            return try make(on: stream, memoryMiB, shared)
        } catch {
            guard error.kind != .deviceLost, error.kind != .outOfMemory else { throw error }
            // Only if that goes well the shared weights were at fault.
            let own = try make(on: stream, memoryMiB, nil)
            weights.onGPUs.refuse(of: weights, on: device, error.message)
            return own
        }
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
        _ memoryMiB: Int64,
        _ shared: SharedWeights?
    ) throws(EngineError) -> ONNXSession {
        guard !provider.isHost, !weights.settings.allowsFallback else {
            return try make(on: stream, memoryMiB, shared, fallback: true, listens: false)
        }
        do throws(EngineError) {
            return try make(on: stream, memoryMiB, shared, fallback: false, listens: false)
        } catch {
            guard error.message.contains("fallback to CPU EP") else { throw error }
        }
        // Some nodes are left for the CPU: those that the provider has no kernel for are refused
        // by name, those that it prefers there (shapes and the like) are welcome.
        var outcome: Result<ONNXSession, EngineError>?
        let lines = PlacementLog.listening {
            do throws(EngineError) {
                outcome = .success(
                    try make(on: stream, memoryMiB, shared, fallback: true, listens: true)
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
        _ memoryMiB: Int64,
        _ shared: SharedWeights?,
        fallback: Bool,
        listens: Bool
    ) throws(EngineError) -> ONNXSession {
        let library = weights.library
        // A fifth more than the profile says: arenas do not fit to the byte.
        let needed = shared == nil ? memoryMiB : max(1, memoryMiB - weights.weightsMiB)
        let limit = memoryMiB > 0 ? needed + needed / 5 + 64 : device.spec.memoryMiB
        let session = try ONNXSession(
            file: weights.file,
            path: try weights.path(),
            settings: weights.settings,
            threads: 1,
            library: library,
            weights: shared,
            ground: stream
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
                changes: weights.settings.gpuOptions
            )
        }
        return session
    }
}
