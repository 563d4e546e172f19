/// What this server does with a field of config.pbtxt; protocol notes B.3 as a table.
struct FieldRule {
    let path: String
    let verdict: ConfigFinding.Verdict
    let note: String

    init(_ path: String, _ verdict: ConfigFinding.Verdict, _ note: String) {
        self.path = path
        self.verdict = verdict
        self.note = note
    }

    /// The rule of a path; nil = the fields below it have rules of their own.
    static func of(_ path: String) -> FieldRule? { byPath[path] }

    private static let byPath = Dictionary(
        all.map { ($0.path, $0) },
        uniquingKeysWith: { first, _ in first }
    )

    /// All rules; every field of the tables falls under one, which a test proves.
    static let all: [FieldRule] = identity + tensors + scheduling + engine + other

    private static let identity = [
        FieldRule("name", .mapped, "must be the folder's name"),
        FieldRule("platform", .mapped, "ONNX Runtime"),
        FieldRule("backend", .mapped, "ONNX Runtime"),
        FieldRule("runtime", .ignored, "the engine is chosen with the server, not by the model"),
        FieldRule("version_policy", .mapped, "chooses among the version folders"),
        FieldRule("max_batch_size", .mapped, "the most rows of a batch; 0 = no batch dimension"),
        FieldRule("default_model_filename", .mapped, "the file in each version folder"),
        FieldRule(
            "cc_model_filenames",
            .ignored,
            "there are no files by compute capability; default_model_filename serves everywhere"
        ),
        FieldRule("metric_tags", .mapped, "labels of this model's metrics"),
        // Its keys are judged one by one.
        FieldRule("parameters", .mapped, ""),
    ]

    private static let tensors = [
        FieldRule("input.name", .mapped, "the tensor's name in the file"),
        FieldRule("input.data_type", .mapped, "TYPE_STRING is BYTES on the wire"),
        FieldRule("input.format", .ignored, "the dims alone say the layout"),
        FieldRule("input.dims", .mapped, "the shape without the batch; -1 = any size"),
        FieldRule("input.reshape", .mapped, "the shape that the engine sees"),
        FieldRule(
            "input.is_shape_tensor",
            .refused,
            "shape tensors are TensorRT's; take it out and export the model to ONNX"
        ),
        FieldRule(
            "input.allow_ragged_batch",
            .refused,
            "ragged batches are not served; take it out, so that equal shapes are batched"
        ),
        FieldRule("input.optional", .mapped, "requests may leave the tensor out"),
        FieldRule(
            "input.is_non_linear_format_io",
            .refused,
            "non-linear formats are TensorRT's; take it out and export the model to ONNX"
        ),
        FieldRule("output.name", .mapped, "the tensor's name in the file"),
        FieldRule("output.data_type", .mapped, "TYPE_STRING is BYTES on the wire"),
        FieldRule("output.dims", .mapped, "the shape without the batch; -1 = any size"),
        FieldRule("output.reshape", .mapped, "the shape that the engine gives"),
        FieldRule("output.label_filename", .mapped, "labels of classification replies"),
        FieldRule(
            "output.is_shape_tensor",
            .refused,
            "shape tensors are TensorRT's; take it out and export the model to ONNX"
        ),
        FieldRule(
            "output.is_non_linear_format_io",
            .refused,
            "non-linear formats are TensorRT's; take it out and export the model to ONNX"
        ),
        FieldRule(
            "batch_input",
            .refused,
            "inputs made from a ragged batch are not served; compute them inside the model"
        ),
        FieldRule(
            "batch_output",
            .refused,
            "outputs cut from a ragged batch are not served; take it out"
        ),
    ]

    private static let scheduling = [
        FieldRule(
            "dynamic_batching.preferred_batch_size",
            .mapped,
            "fifo starts at these sizes; a hint elsewhere, unless batching.fixed"
        ),
        FieldRule(
            "dynamic_batching.max_queue_delay_microseconds",
            .mapped,
            "the longest that fifo waits for a larger batch; an upper bound elsewhere"
        ),
        FieldRule("dynamic_batching.preserve_ordering", .mapped, "replies in order of arrival"),
        FieldRule(
            "dynamic_batching.priority_levels",
            .mapped,
            "level 1 is class high, the others low, in order"
        ),
        FieldRule(
            "dynamic_batching.default_priority_level",
            .mapped,
            "the level of requests that name none"
        ),
        FieldRule(
            "dynamic_batching.default_queue_policy",
            .mapped,
            "timeouts fire when they are due, not when an instance is free"
        ),
        FieldRule(
            "dynamic_batching.priority_queue_policy",
            .mapped,
            "timeouts fire when they are due, not when an instance is free"
        ),
        FieldRule(
            "sequence_batching",
            .refused,
            "models that keep state between requests are not served; pass the state as a tensor"
        ),
        FieldRule(
            "ensemble_scheduling.step",
            .mapped,
            "steps run as soon as their tensors are there, each with what is left of the deadline"
        ),
        FieldRule(
            "ensemble_scheduling.max_inflight_requests",
            .ignored,
            "the request table bounds what is on its way"
        ),
        FieldRule(
            "model_transaction_policy.decoupled",
            .refused,
            "a request has exactly one reply here; take decoupled out"
        ),
        FieldRule("instance_group.name", .ignored, "instances carry numbers"),
        FieldRule("instance_group.kind", .mapped, "all groups count together"),
        FieldRule("instance_group.count", .mapped, "instances to start with"),
        FieldRule(
            "instance_group.rate_limiter",
            .ignored,
            "turns are given by priority and deadline; use priority.class"
        ),
        FieldRule("instance_group.gpus", .ignored, "the plan says which device a model sits on"),
        FieldRule("instance_group.secondary_devices", .ignored, "there are no such devices"),
        FieldRule("instance_group.profile", .ignored, "optimisation profiles are TensorRT's"),
        FieldRule("instance_group.passive", .mapped, "passive groups are not started"),
        FieldRule("instance_group.host_policy", .ignored, "the plan says which cores are used"),
    ]

    private static let engine = [
        FieldRule("optimization.graph", .mapped, "ONNX Runtime's graph optimisation level"),
        FieldRule("optimization.priority", .ignored, "use the parameter priority.class"),
        FieldRule("optimization.cuda", .ignored, "the CUDA provider is not used"),
        FieldRule(
            "optimization.execution_accelerators",
            .ignored,
            "the CPU provider alone is used"
        ),
        FieldRule("optimization.input_pinned_memory", .ignored, "no pinned memory is used"),
        FieldRule("optimization.output_pinned_memory", .ignored, "no pinned memory is used"),
        FieldRule("optimization.gather_kernel_buffer_threshold", .ignored, "rows are copied once"),
        FieldRule("optimization.eager_batching", .ignored, "rows are gathered as a batch starts"),
    ]

    private static let other = [
        FieldRule("model_warmup", .mapped, "run before the model is ready"),
        FieldRule(
            "model_operations",
            .ignored,
            "libraries of custom operations are not loaded; a model that needs them fails"
        ),
        FieldRule("model_repository_agents", .ignored, "no agents are run over the folder"),
        FieldRule("response_cache", .ignored, "replies are not cached; every request is computed"),
        FieldRule("model_metrics", .ignored, "histograms have buckets of their own"),
    ]
}
