import ServingDomain

/// This server's settings among `parameters`, and those that go on to the engine.
///
/// They stand in `parameters`, so that the same file still loads in Triton.
struct OwnSettings: Hashable {
    var slo: TimeSpan?
    var percentile = 99.0
    /// The level of requests that name none, by `priority.class`.
    var defaultLevel: Int32?
    var batchLimit: Int64?
    var instanceLimit: Int64?
    /// The part of a device, in per cent, that the plan may give.
    var minShare = 0.0, maxShare = 100.0
    var fixed = false
    /// What goes on to the engine, by name.
    var options: [String: String] = [:]

    /// Our names in `parameters`.
    static let names = [
        "slo.latency_ms", "slo.percentile", "priority.class", "batch.limit", "instances.limit",
        "gpulet.min_share", "gpulet.max_share", "batching.fixed",
    ]

    /// The names of Triton's ONNX Runtime backend, and ours for GPUs; `session.` followed by
    /// anything goes on too.
    static let engineNames = [
        "intra_op_thread_count", "inter_op_thread_count", "execution_mode", "enable_mem_arena",
        "enable_mem_pattern", "memory.enable_memory_arena_shrinkage",
        "session.use_device_allocator_for_initializers", "gpu_mem_limit",
        "arena_extend_strategy", "cudnn_conv_algo_search", "do_copy_in_default_stream",
        "gpu.cpu_fallback", "gpu.share_weights",
    ]

    private static let families = names.map { $0.prefix { $0 != "." } + "." }

    static func map(
        _ config: ConfigMessage,
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) -> OwnSettings {
        var settings = OwnSettings()
        for entry in config.entries("parameters") {
            let value = entry.value.asMessage?.string("string_value") ?? ""
            let position = config.position("parameters")
            if names.contains(entry.key) {
                settings.set(entry.key, value, config, limits, &findings)
            } else if engineNames.contains(entry.key) || entry.key.hasPrefix("session.") {
                settings.options[entry.key] = value
                findings.mapped("parameters.\(entry.key)", "handed on to ONNX Runtime")
            } else if families.contains(where: { entry.key.hasPrefix($0) }) {
                let hint = NearestName.hint(entry.key, among: names)
                findings.add(
                    ConfigFinding(
                        "parameters.\(entry.key)",
                        .unknown,
                        "no such setting\(hint)",
                        at: position
                    )
                )
            } else {
                let hint = NearestName.hint(entry.key, among: names + engineNames)
                findings.ignored("parameters.\(entry.key)", "nobody here reads it\(hint)")
            }
        }
        settings.finish(config, &findings)
        return settings
    }

    /// What a setting may be, and what it comes to; no note = the value is not allowed.
    private typealias Answer = (allowed: String, note: String?)

    private mutating func set(
        _ key: String,
        _ value: String,
        _ config: ConfigMessage,
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) {
        let position = config.position("parameters")
        let answer =
            key.hasSuffix(".limit") || key.hasPrefix("gpulet.")
            ? setBound(key, value, config, limits) : setAim(key, value)
        if let note = answer.note {
            findings.mapped("parameters.\(key)", note, at: position)
        } else {
            findings.error(
                "parameters.\(key)",
                "'\(value.prefix(64))' is not allowed; give \(answer.allowed)",
                at: position
            )
        }
    }

    /// Objective, class and obedience.
    private mutating func setAim(_ key: String, _ value: String) -> Answer {
        switch key {
        case "slo.latency_ms":
            let number = number(value, above: 0, to: 3_600_000)
            slo = number.map { .milliseconds(rounding: $0) }
            return (
                "a number of milliseconds above 0, at most 3600000",
                number.map { _ in "every request's deadline is its arrival plus \(value) ms" }
            )
        case "slo.percentile":
            let number = number(value, above: 0, to: 99.999_999)
            percentile = number ?? percentile
            return (
                "a number above 0 and below 100",
                number.map { _ in "\(value) % of the requests are to be in time" }
            )
        case "priority.class":
            defaultLevel = value == "high" ? 1 : value == "low" ? 2 : nil
            return (
                "high or low",
                defaultLevel.map { "requests that name no level get level \($0)" }
            )
        default:
            let truth = ["true": true, "1": true, "false": false, "0": false][value]
            fixed = truth ?? false
            return (
                "true or false",
                truth.map { $0 ? "config.pbtxt is obeyed literally" : "the plan chooses" }
            )
        }
    }

    /// How far the plan may go.
    private mutating func setBound(
        _ key: String,
        _ value: String,
        _ config: ConfigMessage,
        _ limits: RepositoryLimits
    ) -> Answer {
        switch key {
        case "batch.limit":
            let most = max(1, min(config.int("max_batch_size"), limits.batch))
            batchLimit = whole(value, 1...most)
            return (
                "a whole number from 1 to max_batch_size, which is \(most)",
                batchLimit.map { "batches and requests have at most \($0) rows" }
            )
        case "instances.limit":
            instanceLimit = whole(value, 1...limits.instances)
            return (
                "a whole number from 1 to \(limits.instances)",
                instanceLimit.map { "at most \($0) instances on a lane" }
            )
        default:
            let isMost = key == "gpulet.max_share"
            let share = number(value, above: 0, to: 100)
            if isMost { maxShare = share ?? maxShare } else { minShare = share ?? minShare }
            return (
                "a percentage above 0, at most 100",
                share.map { _ in "at \(isMost ? "most" : "least") \(value) % of a device" }
            )
        }
    }

    /// Checks what can only be seen once all are read.
    private func finish(_ config: ConfigMessage, _ findings: inout Findings) {
        if minShare > maxShare {
            findings.error(
                "parameters.gpulet.min_share",
                "\(minShare) is above gpulet.max_share, which is \(maxShare); exchange them",
                at: config.position("parameters")
            )
        }
        if slo == nil, config.entries("parameters").contains(where: { $0.key == "slo.percentile" })
        {
            findings.ignored(
                "parameters.slo.percentile",
                "has no effect without slo.latency_ms; add it"
            )
        }
    }

    private func number(_ text: String, above: Double, to: Double) -> Double? {
        guard let value = Double(text), value > above, value <= to else { return nil }
        return value
    }

    private func whole(_ text: String, _ range: ClosedRange<Int64>) -> Int64? {
        guard let value = Int64(text), range.contains(value) else { return nil }
        return value
    }
}
