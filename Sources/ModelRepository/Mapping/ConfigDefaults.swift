/// Writes into a configuration what it means where it says nothing, as Triton echoes it.
enum ConfigDefaults {
    /// Fills in everything that a client may look for.
    static func fill(_ config: inout ConfigMessage, name: String, instances: Int64) {
        config["name"] = .string(name)
        if !config.has("max_batch_size") { config["max_batch_size"] = .int(0) }
        fillVersions(&config)
        guard !EnsembleRule.isEnsemble(config) else {
            config["platform"] = .string(PlatformRule.ensemble)
            return
        }
        config["platform"] = .string(PlatformRule.platform)
        config["backend"] = .string(PlatformRule.backend)
        config["default_model_filename"] = .string(PlatformRule.file(config))
        fillOptimization(&config)
        fillBatching(&config)
        fillInstances(&config, name: name, instances: instances)
    }

    private static func fillVersions(_ config: inout ConfigMessage) {
        let policy = config.message("version_policy")
        if policy?.has("all") == true || policy?.has("specific") == true { return }
        var latest = policy?.message("latest") ?? ConfigMessage(.latest)
        if latest.int("num_versions") == 0 { latest["num_versions"] = .int(1) }
        var filled = policy ?? ConfigMessage(.versionPolicy)
        filled["latest"] = .message(latest)
        config["version_policy"] = .message(filled)
    }

    private static func fillOptimization(_ config: inout ConfigMessage) {
        var optimization = config.message("optimization") ?? ConfigMessage(.optimization)
        for side in ["input_pinned_memory", "output_pinned_memory"] where !optimization.has(side) {
            var memory = ConfigMessage(.pinnedMemory)
            memory["enable"] = .bool(true)
            optimization[side] = .message(memory)
        }
        config["optimization"] = .message(optimization)
    }

    private static func fillBatching(_ config: inout ConfigMessage) {
        guard var dynamic = config.message("dynamic_batching") else { return }
        let maxBatch = config.int("max_batch_size")
        guard dynamic.ints("preferred_batch_size").isEmpty, maxBatch > 0 else { return }
        dynamic["preferred_batch_size"] = .list([.int(maxBatch)])
        config["dynamic_batching"] = .message(dynamic)
    }

    private static func fillInstances(
        _ config: inout ConfigMessage,
        name: String,
        instances: Int64
    ) {
        var groups = config.messages("instance_group")
        if groups.isEmpty {
            var group = ConfigMessage(.instanceGroup)
            group["name"] = .string(name)
            group["count"] = .int(instances)
            groups = [group]
        }
        for index in groups.indices {
            if groups[index].string("name").isEmpty {
                groups[index]["name"] = .string("\(name)_\(index)")
            }
            if groups[index].int("count") == 0 { groups[index]["count"] = .int(1) }
            // KIND_AUTO becomes what it came to: KIND_CPU.
            if groups[index].word("kind") == 0 { groups[index]["kind"] = .word(2) }
        }
        config["instance_group"] = .list(groups.map { .message($0) })
    }
}
