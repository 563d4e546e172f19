import Documents
import ServingDomain

/// What a model's `config.pbtxt` is told beside the zoo's own text.
struct ModelSettings: Hashable, Sendable {
    /// The objective in milliseconds; nil = none.
    var sloMs: Double?
    /// The percentile that the objective speaks of; nil = the server's own, 99.
    var percentile: Int?
    /// The class of its requests.
    var priority = PriorityClass.low
    /// The largest batch; nil = the zoo's.
    var maxBatch: Int?
    /// The most instances that a scaler may have; nil = what the server allows.
    var instanceLimit: Int?
    /// Threads of one instance; nil = as the plan says.
    var threads: Int?

    /// Creates settings.
    init(sloMs: Double? = nil, priority: PriorityClass = .low) {
        self.sloMs = sloMs
        self.priority = priority
    }

    /// The zoo's text with these settings.
    func apply(to config: String) -> String {
        var text = config
        if let maxBatch {
            text = text.replacing(/max_batch_size: \d+/, with: "max_batch_size: \(maxBatch)")
        }
        func add(_ key: String, _ value: String) {
            text += "parameters { key: \"\(key)\" value { string_value: \"\(value)\" } }\n"
        }
        if let sloMs { add("slo.latency_ms", JSONText.number(sloMs)) }
        if let percentile { add("slo.percentile", String(percentile)) }
        add("priority.class", priority == .high ? "high" : "low")
        if let instanceLimit { add("instances.limit", String(instanceLimit)) }
        if let threads { add("intra_op_thread_count", String(threads)) }
        return text
    }
}
