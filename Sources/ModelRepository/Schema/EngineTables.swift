/// The messages about instances, the engine's hints and metrics.
enum EngineTables {
    static let optimization: [FieldSchema] = [
        FieldSchema("graph", 1, .message(.graph)),
        FieldSchema("priority", 2, .word(.modelPriority)),
        FieldSchema("cuda", 3, .message(.cuda)),
        FieldSchema("execution_accelerators", 4, .message(.accelerators)),
        FieldSchema("input_pinned_memory", 5, .message(.pinnedMemory)),
        FieldSchema("output_pinned_memory", 6, .message(.pinnedMemory)),
        FieldSchema("gather_kernel_buffer_threshold", 7, .uint32),
        FieldSchema("eager_batching", 8, .bool),
    ]

    static let cuda: [FieldSchema] = [
        FieldSchema("graphs", 1, .bool),
        FieldSchema("busy_wait_events", 2, .bool),
        FieldSchema("graph_spec", 3, .message(.graphSpec), .many),
        FieldSchema("output_copy_stream", 4, .bool),
    ]

    static let graphSpec: [FieldSchema] = [
        FieldSchema("batch_size", 1, .int32),
        FieldSchema("input", 2, .message(.graphShape), .map(numbered: false)),
        FieldSchema("graph_lower_bound", 3, .message(.lowerBound)),
    ]

    static let lowerBound: [FieldSchema] = [
        FieldSchema("batch_size", 1, .int32),
        FieldSchema("input", 2, .message(.graphShape), .map(numbered: false)),
    ]

    static let accelerators: [FieldSchema] = [
        FieldSchema("gpu_execution_accelerator", 1, .message(.accelerator), .many),
        FieldSchema("cpu_execution_accelerator", 2, .message(.accelerator), .many),
    ]

    /// A name with settings: an accelerator, or a repository agent.
    static let named: [FieldSchema] = [
        FieldSchema("name", 1, .string),
        FieldSchema("parameters", 2, .string, .map(numbered: false)),
    ]

    static let instanceGroup: [FieldSchema] = [
        FieldSchema("name", 1, .string),
        FieldSchema("kind", 4, .word(.instanceKind)),
        FieldSchema("count", 2, .int32),
        FieldSchema("rate_limiter", 6, .message(.rateLimiter)),
        FieldSchema("gpus", 3, .int32, .many),
        FieldSchema("secondary_devices", 8, .message(.secondaryDevice), .many),
        FieldSchema("profile", 5, .string, .many),
        FieldSchema("passive", 7, .bool),
        FieldSchema("host_policy", 9, .string),
    ]

    static let secondaryDevice: [FieldSchema] = [
        FieldSchema("kind", 1, .word(.secondaryKind)),
        FieldSchema("device_id", 2, .int64),
    ]

    static let rateLimiter: [FieldSchema] = [
        FieldSchema("resources", 1, .message(.resource), .many),
        FieldSchema("priority", 2, .uint32),
    ]

    static let resource: [FieldSchema] = [
        FieldSchema("name", 1, .string),
        FieldSchema("global", 2, .bool),
        FieldSchema("count", 3, .uint32),
    ]

    static let metricControl: [FieldSchema] = [
        FieldSchema("metric_identifier", 1, .message(.metricIdentifier)),
        FieldSchema("histogram_options", 2, .message(.histogramOptions), choice: "metric"),
    ]
}
