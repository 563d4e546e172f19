/// The messages about the model itself: tensors, versions, batching, warm-up.
enum ModelTables {
    static let modelConfig: [FieldSchema] = [
        FieldSchema("name", 1, .string),
        FieldSchema("platform", 2, .string),
        FieldSchema("backend", 17, .string),
        FieldSchema("runtime", 25, .string),
        FieldSchema("version_policy", 3, .message(.versionPolicy)),
        FieldSchema("max_batch_size", 4, .int32),
        FieldSchema("input", 5, .message(.input), .many),
        FieldSchema("output", 6, .message(.output), .many),
        FieldSchema("batch_input", 20, .message(.batchInput), .many),
        FieldSchema("batch_output", 21, .message(.batchOutput), .many),
        FieldSchema("optimization", 12, .message(.optimization)),
        FieldSchema("dynamic_batching", 11, .message(.dynamicBatching), choice: "scheduling"),
        FieldSchema("sequence_batching", 13, .message(.sequenceBatching), choice: "scheduling"),
        FieldSchema("ensemble_scheduling", 15, .message(.ensembling), choice: "scheduling"),
        FieldSchema("instance_group", 7, .message(.instanceGroup), .many),
        FieldSchema("default_model_filename", 8, .string),
        FieldSchema("cc_model_filenames", 9, .string, .map(numbered: false)),
        FieldSchema("metric_tags", 10, .string, .map(numbered: false)),
        FieldSchema("parameters", 14, .message(.parameter), .map(numbered: false)),
        FieldSchema("model_warmup", 16, .message(.warmup), .many),
        FieldSchema("model_operations", 18, .message(.operations)),
        FieldSchema("model_transaction_policy", 19, .message(.transactionPolicy)),
        FieldSchema("model_repository_agents", 23, .message(.agents)),
        FieldSchema("response_cache", 24, .message(.responseCache)),
        FieldSchema("model_metrics", 26, .message(.metrics)),
    ]

    static let versionPolicy: [FieldSchema] = [
        FieldSchema("latest", 1, .message(.latest), choice: "policy"),
        FieldSchema("all", 2, .message(.all), choice: "policy"),
        FieldSchema("specific", 3, .message(.specific), choice: "policy"),
    ]

    static let input: [FieldSchema] = [
        FieldSchema("name", 1, .string),
        FieldSchema("data_type", 2, .word(.dataType)),
        FieldSchema("format", 3, .word(.format)),
        FieldSchema("dims", 4, .int64, .many),
        FieldSchema("reshape", 5, .message(.reshape)),
        FieldSchema("is_shape_tensor", 6, .bool),
        FieldSchema("allow_ragged_batch", 7, .bool),
        FieldSchema("optional", 8, .bool),
        FieldSchema("is_non_linear_format_io", 9, .bool),
    ]

    static let output: [FieldSchema] = [
        FieldSchema("name", 1, .string),
        FieldSchema("data_type", 2, .word(.dataType)),
        FieldSchema("dims", 3, .int64, .many),
        FieldSchema("reshape", 5, .message(.reshape)),
        FieldSchema("label_filename", 4, .string),
        FieldSchema("is_shape_tensor", 6, .bool),
        FieldSchema("is_non_linear_format_io", 7, .bool),
    ]

    static let batchInput: [FieldSchema] = [
        FieldSchema("kind", 1, .word(.batchInputKind)),
        FieldSchema("target_name", 2, .string, .many),
        FieldSchema("data_type", 3, .word(.dataType)),
        FieldSchema("source_input", 4, .string, .many),
    ]

    static let batchOutput: [FieldSchema] = [
        FieldSchema("target_name", 1, .string, .many),
        FieldSchema("kind", 2, .word(.batchOutputKind)),
        FieldSchema("source_input", 3, .string, .many),
    ]

    static let dynamicBatching: [FieldSchema] = [
        FieldSchema("preferred_batch_size", 1, .int32, .many),
        FieldSchema("max_queue_delay_microseconds", 2, .uint64),
        FieldSchema("preserve_ordering", 3, .bool),
        FieldSchema("priority_levels", 4, .uint64),
        FieldSchema("default_priority_level", 5, .uint64),
        FieldSchema("default_queue_policy", 6, .message(.queuePolicy)),
        FieldSchema("priority_queue_policy", 7, .message(.queuePolicy), .map(numbered: true)),
    ]

    static let queuePolicy: [FieldSchema] = [
        FieldSchema("timeout_action", 1, .word(.timeoutAction)),
        FieldSchema("default_timeout_microseconds", 2, .uint64),
        FieldSchema("allow_timeout_override", 3, .bool),
        FieldSchema("max_queue_size", 4, .uint32),
    ]

    static let warmup: [FieldSchema] = [
        FieldSchema("name", 1, .string),
        FieldSchema("batch_size", 2, .uint32),
        FieldSchema("inputs", 3, .message(.warmupInput), .map(numbered: false)),
        FieldSchema("count", 4, .uint32),
    ]

    static let warmupInput: [FieldSchema] = [
        FieldSchema("data_type", 1, .word(.dataType)),
        FieldSchema("dims", 2, .int64, .many),
        FieldSchema("zero_data", 3, .bool, choice: "data"),
        FieldSchema("random_data", 4, .bool, choice: "data"),
        FieldSchema("input_data_file", 5, .string, choice: "data"),
    ]
}
