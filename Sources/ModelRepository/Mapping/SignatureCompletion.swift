import ServerRuntime
import ServingDomain

/// Fills in what a configuration leaves out, from what the model's file declares.
enum SignatureCompletion {
    /// Whether a configuration leaves tensors out.
    static func lacksTensors(_ config: ConfigMessage) -> Bool {
        for side in ["input", "output"] {
            let tensors = config.messages(side)
            if tensors.isEmpty { return true }
            if tensors.contains(where: { !$0.has("dims") || $0.word("data_type") == 0 }) {
                return true
            }
        }
        return false
    }

    /// Whether the first dimension of every tensor is free, so that it can count items.
    static func isBatchCapable(_ file: DeclaredSignature) -> Bool {
        let all = file.inputs + file.outputs
        return !all.isEmpty && all.allSatisfy { $0.shape.first == -1 }
    }

    /// Fills in `max_batch_size`, `dynamic_batching`, `input` and `output` where they are missing.
    ///
    /// - Parameter defaultMaxBatch: The `max_batch_size` of a model that could take batches and
    ///   does not say how large; 0 = it takes none.
    static func complete(
        _ config: inout ConfigMessage,
        from file: DeclaredSignature,
        defaultMaxBatch: Int64,
        _ findings: inout Findings
    ) {
        if !config.has("max_batch_size"), defaultMaxBatch > 0, isBatchCapable(file),
            leavesBatchOut(config, file)
        {
            config["max_batch_size"] = .int(defaultMaxBatch)
            findings.mapped(
                "max_batch_size",
                "left out: \(defaultMaxBatch), since the file's first dimension is free"
            )
            let hasScheduler = ["dynamic_batching", "sequence_batching", "ensemble_scheduling"]
                .contains { config.has($0) }
            if defaultMaxBatch > 1, !hasScheduler {
                config["dynamic_batching"] = .message(ConfigMessage(.dynamicBatching))
                findings.mapped("dynamic_batching", "left out: on")
            }
        }
        let batched = config.int("max_batch_size") > 0
        fill(&config, "input", .input, file.inputs, batched: batched, &findings)
        fill(&config, "output", .output, file.outputs, batched: batched, &findings)
    }

    /// Whether the dims that are given could be those of the file without its first dimension.
    private static func leavesBatchOut(_ config: ConfigMessage, _ file: DeclaredSignature) -> Bool {
        for (side, tensors) in [("input", file.inputs), ("output", file.outputs)] {
            for given in config.messages(side) where given.has("dims") {
                let declared = tensors.first { $0.name == given.string("name") }
                let seen = given.message("reshape")?.ints("shape") ?? given.ints("dims")
                guard let declared, seen.count + 1 == declared.shape.count else { return false }
            }
        }
        return true
    }

    private static func fill(
        _ config: inout ConfigMessage,
        _ side: String,
        _ type: MessageType,
        _ file: [DeclaredSignature.Tensor],
        batched: Bool,
        _ findings: inout Findings
    ) {
        var tensors = config.messages(side)
        if tensors.isEmpty {
            tensors = file.map { tensor in
                var message = ConfigMessage(type)
                message["name"] = .string(tensor.name)
                return message
            }
            findings.mapped(side, "left out: taken from the model's file")
        }
        for (index, tensor) in tensors.enumerated() {
            guard let declared = file.first(where: { $0.name == tensor.string("name") }) else {
                continue
            }
            tensors[index] = filled(tensor, declared, batched: batched)
        }
        // Where the field stood is kept for messages, so only its value is replaced.
        let place = config.position(side)
        guard let index = config.type.fields.firstIndex(where: { $0.name == side }) else { return }
        let value = ConfigValue.list(tensors.map { .message($0) })
        config.set(index, ConfigMessage.Slot(value: value, position: place))
    }

    private static func filled(
        _ tensor: ConfigMessage,
        _ declared: DeclaredSignature.Tensor,
        batched: Bool
    ) -> ConfigMessage {
        var tensor = tensor
        if tensor.word("data_type") == 0 {
            tensor["data_type"] = .word(TensorRule.word(declared.type))
        }
        guard tensor.ints("dims").isEmpty else { return tensor }
        let dims = Array(declared.shape.dropFirst(batched ? 1 : 0))
        if dims.isEmpty {
            // A single value per item: clients see [1], the engine sees no dimension at all.
            tensor["dims"] = .list([.int(1)])
            if !tensor.has("reshape") {
                var reshape = ConfigMessage(.reshape)
                reshape["shape"] = .list([])
                tensor["reshape"] = .message(reshape)
            }
        } else {
            tensor["dims"] = .list(dims.map { .int($0) })
        }
        return tensor
    }
}
