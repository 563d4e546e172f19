import ServingDomain

/// Maps `dynamic_batching`: how requests are put together, their levels and their queues.
struct BatchingRule {
    /// How requests are put together.
    var batching: BatchingRules
    /// The levels that requests may name.
    var priorities: PriorityRules
    /// The rules of each level's queue.
    var queues: [QueueRules]

    static func map(
        _ config: ConfigMessage,
        _ settings: OwnSettings,
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) -> BatchingRule {
        let maxBatch = config.int("max_batch_size")
        guard let dynamic = config.message("dynamic_batching") else {
            if maxBatch > 1 {
                findings.ignored(
                    "dynamic_batching",
                    "is not there: requests are not put together, as in Triton; add "
                        + "'dynamic_batching { }' to let them share batches"
                )
            }
            let priorities = PriorityRules(levels: 2, defaultLevel: settings.defaultLevel ?? 2)
            return BatchingRule(
                batching: BatchingRules(dynamic: false, fixed: settings.fixed),
                priorities: priorities,
                queues: [.standard, .standard]
            )
        }
        let priorities = levels(dynamic, settings, limits, &findings)
        return BatchingRule(
            batching: BatchingRules(
                dynamic: true,
                preferredSizes: preferred(dynamic, maxBatch, &findings),
                maxQueueDelay: .microseconds(dynamic.int("max_queue_delay_microseconds")),
                preserveOrdering: dynamic.bool("preserve_ordering"),
                fixed: settings.fixed
            ),
            priorities: priorities,
            queues: queues(dynamic, priorities, &findings)
        )
    }

    /// As in Triton, no preferred size means the largest one.
    private static func preferred(
        _ dynamic: ConfigMessage,
        _ maxBatch: Int64,
        _ findings: inout Findings
    ) -> [Int32] {
        let largest = max(1, maxBatch)
        let sizes = dynamic.ints("preferred_batch_size")
        for size in sizes where !(1...largest).contains(size) {
            findings.error(
                "dynamic_batching.preferred_batch_size",
                "\(size) must be from 1 to max_batch_size, which is \(largest)",
                at: dynamic.position("preferred_batch_size")
            )
            return []
        }
        let wanted = sizes.isEmpty ? [largest] : Set(sizes).sorted()
        return wanted.map { Int32(clamping: $0) }
    }

    private static func levels(
        _ dynamic: ConfigMessage,
        _ settings: OwnSettings,
        _ limits: RepositoryLimits,
        _ findings: inout Findings
    ) -> PriorityRules {
        let standard = PriorityRules(levels: 2, defaultLevel: settings.defaultLevel ?? 2)
        let count = UInt64(clamping: dynamic.int("priority_levels"))
        guard count > 0 else { return standard }
        guard count <= limits.levels else {
            findings.error(
                "dynamic_batching.priority_levels",
                "\(count) is above the limit of \(limits.levels) levels; use fewer",
                at: dynamic.position("priority_levels")
            )
            return standard
        }
        let first = UInt64(clamping: dynamic.int("default_priority_level"))
        guard (1...count).contains(first) else {
            findings.error(
                "dynamic_batching.default_priority_level",
                "must be from 1 to priority_levels, which is \(count), not \(first)",
                at: dynamic.position("default_priority_level")
                    ?? dynamic.position("priority_levels")
            )
            return standard
        }
        if settings.defaultLevel != nil {
            findings.ignored(
                "parameters.priority.class",
                "default_priority_level goes first; take one of them out"
            )
        }
        return PriorityRules(levels: Int32(count), defaultLevel: Int32(first))
    }

    private static func queues(
        _ dynamic: ConfigMessage,
        _ priorities: PriorityRules,
        _ findings: inout Findings
    ) -> [QueueRules] {
        let standard = dynamic.message("default_queue_policy").map(queue) ?? .standard
        var queues = Array(repeating: standard, count: Int(priorities.levels))
        let levels = dynamic.int("priority_levels")
        for entry in dynamic.entries("priority_queue_policy") {
            guard let policy = entry.value.asMessage else { continue }
            guard let level = Int(entry.key), level >= 1, level <= levels,
                level <= queues.count
            else {
                findings.error(
                    "dynamic_batching.priority_queue_policy",
                    "key \(entry.key) must be from 1 to priority_levels, which is \(levels)",
                    at: dynamic.position("priority_queue_policy")
                )
                continue
            }
            queues[level - 1] = queue(policy)
        }
        return queues
    }

    private static func queue(_ policy: ConfigMessage) -> QueueRules {
        let timeout = policy.int("default_timeout_microseconds")
        return QueueRules(
            timeoutAction: policy.word("timeout_action") == 1 ? .delay : .reject,
            timeout: timeout > 0 ? .microseconds(timeout) : nil,
            allowsOverride: policy.bool("allow_timeout_override"),
            maxSize: Int32(clamping: policy.int("max_queue_size"))
        )
    }
}
