/// The messages of schedulers that are read, so that a refusal can name them, but not served.
enum SequenceTables {
    static let sequenceBatching: [FieldSchema] = [
        FieldSchema("direct", 3, .message(.direct), choice: "strategy"),
        FieldSchema("oldest", 4, .message(.oldest), choice: "strategy"),
        FieldSchema("max_sequence_idle_microseconds", 1, .uint64),
        FieldSchema("control_input", 2, .message(.controlInput), .many),
        FieldSchema("state", 5, .message(.sequenceState), .many),
        FieldSchema("iterative_sequence", 6, .bool),
    ]

    static let controlInput: [FieldSchema] = [
        FieldSchema("name", 1, .string),
        FieldSchema("control", 2, .message(.control), .many),
    ]

    static let control: [FieldSchema] = [
        FieldSchema("kind", 1, .word(.controlKind)),
        FieldSchema("int32_false_true", 2, .int32, .many),
        FieldSchema("fp32_false_true", 3, .float, .many),
        FieldSchema("bool_false_true", 5, .bool, .many),
        FieldSchema("data_type", 4, .word(.dataType)),
    ]

    static let state: [FieldSchema] = [
        FieldSchema("input_name", 1, .string),
        FieldSchema("output_name", 2, .string),
        FieldSchema("data_type", 3, .word(.dataType)),
        FieldSchema("dims", 4, .int64, .many),
        FieldSchema("initial_state", 5, .message(.initialState), .many),
        FieldSchema("use_same_buffer_for_input_output", 6, .bool),
        FieldSchema("use_growable_memory", 7, .bool),
    ]

    static let initialState: [FieldSchema] = [
        FieldSchema("data_type", 1, .word(.dataType)),
        FieldSchema("dims", 2, .int64, .many),
        FieldSchema("zero_data", 3, .bool, choice: "data"),
        FieldSchema("data_file", 4, .string, choice: "data"),
        FieldSchema("name", 5, .string),
    ]

    static let direct: [FieldSchema] = [
        FieldSchema("max_queue_delay_microseconds", 1, .uint64),
        FieldSchema("minimum_slot_utilization", 2, .float),
    ]

    static let oldest: [FieldSchema] = [
        FieldSchema("max_candidate_sequences", 1, .int32),
        FieldSchema("preferred_batch_size", 2, .int32, .many),
        FieldSchema("max_queue_delay_microseconds", 3, .uint64),
        FieldSchema("preserve_ordering", 4, .bool),
    ]

    static let ensembling: [FieldSchema] = [
        FieldSchema("step", 1, .message(.ensembleStep), .many),
        FieldSchema("max_inflight_requests", 2, .uint32),
    ]

    static let step: [FieldSchema] = [
        FieldSchema("model_name", 1, .string),
        FieldSchema("model_version", 2, .int64),
        FieldSchema("input_map", 3, .string, .map(numbered: false)),
        FieldSchema("output_map", 4, .string, .map(numbered: false)),
        FieldSchema("model_namespace", 5, .string),
    ]
}
