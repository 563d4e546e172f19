import ServerRuntime
import ServingDomain
import Testing

@testable import ModelRepository

/// Each row of the table of config.pbtxt's fields comes to what the core and the engine obey.
@Suite struct MappingTests {
    static func read(_ more: String, maxBatch: Int = 8) throws -> ModelDefinition {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig(more, maxBatch: maxBatch))
        return try shelf.read()
    }

    static func failure(_ more: String, maxBatch: Int = 8) throws -> SourceError? {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig(more, maxBatch: maxBatch))
        return try shelf.failure()
    }

    static func parameter(_ key: String, _ value: String) -> String {
        "parameters { key: \"\(key)\" value { string_value: \"\(value)\" } }"
    }

    @Test("Without a scheduler requests are not put together, with two levels and one instance")
    func bare() throws {
        let rules = try Self.read("").rules
        #expect(rules.maxBatch == 8)
        #expect(rules.batching == BatchingRules(dynamic: false))
        #expect(rules.priorities == .standard)
        #expect(rules.queues == [.standard, .standard])
        #expect(rules.instances == 1 && rules.instanceLimit == 1)
        #expect(rules.slo == nil && rules.percentile == 99)
        #expect(rules.minShare == 0 && rules.maxShare == 100)
    }

    @Test("dynamic_batching maps to sizes, delay, order, levels and queues")
    func dynamic() throws {
        let rules = try Self.read(
            """
            dynamic_batching {
              preferred_batch_size: [ 8, 4, 4 ]  max_queue_delay_microseconds: 250
              preserve_ordering: true  priority_levels: 3  default_priority_level: 2
              default_queue_policy { default_timeout_microseconds: 1000
                                     allow_timeout_override: true }
              priority_queue_policy { key: 1 value { timeout_action: DELAY max_queue_size: 9 } }
            }
            """
        ).rules
        #expect(
            rules.batching
                == BatchingRules(
                    dynamic: true,
                    preferredSizes: [4, 8],
                    maxQueueDelay: .microseconds(250),
                    preserveOrdering: true
                )
        )
        #expect(rules.priorities == PriorityRules(levels: 3, defaultLevel: 2))
        let standard = QueueRules(
            timeoutAction: .reject,
            timeout: .microseconds(1_000),
            allowsOverride: true,
            maxSize: 0
        )
        let first = QueueRules(
            timeoutAction: .delay,
            timeout: nil,
            allowsOverride: false,
            maxSize: 9
        )
        #expect(rules.queues == [first, standard, standard])
    }

    @Test("An empty dynamic_batching prefers the largest batch, as Triton does")
    func dynamicDefaults() throws {
        let definition = try Self.read("dynamic_batching { }")
        #expect(definition.rules.batching.dynamic)
        #expect(definition.rules.batching.preferredSizes == [8])
    }

    @Test("Instances of all active groups count together; none at all means one")
    func instances() throws {
        let text = """
            instance_group [ { count: 2 kind: KIND_CPU }, { kind: KIND_GPU gpus: [ 0, 1 ] } ]
            instance_group { count: 5 passive: true }
            """
        #expect(try Self.read(text).rules.instances == 3)
        let limit = text + Self.parameter("instances.limit", "6")
        #expect(try Self.read(limit).rules.instanceLimit == 6)
    }

    @Test("Our settings in parameters are obeyed")
    func settings() throws {
        let rules = try Self.read(
            "dynamic_batching { }" + Self.parameter("slo.latency_ms", "12.5")
                + Self.parameter("slo.percentile", "99.9")
                + Self.parameter("priority.class", "high") + Self.parameter("batch.limit", "6")
                + Self.parameter("instances.limit", "4")
                + Self.parameter("gpulet.min_share", "20")
                + Self.parameter("gpulet.max_share", "62.5")
                + Self.parameter("batching.fixed", "true")
        ).rules
        #expect(rules.slo == .microseconds(12_500))
        #expect(rules.percentile == 99.9)
        #expect(rules.priorities == PriorityRules(levels: 2, defaultLevel: 1))
        #expect(rules.maxBatch == 6)
        #expect(rules.instanceLimit == 4)
        #expect(rules.minShare == 20 && rules.maxShare == 62.5)
        #expect(rules.batching.fixed)
    }

    @Test(
        "A wrong value of ours is one line with key, value and what is allowed",
        arguments: [
            ("slo.latency_ms", "0", "above 0, at most 3600000"),
            ("slo.latency_ms", "soon", "milliseconds"),
            ("slo.latency_ms", "nan", "milliseconds"),
            ("slo.percentile", "100", "above 0 and below 100"),
            ("priority.class", "urgent", "high or low"),
            ("batch.limit", "9", "from 1 to max_batch_size, which is 8"),
            ("batch.limit", "2.5", "whole number"),
            ("instances.limit", "65", "from 1 to 64"),
            ("gpulet.min_share", "-1", "a percentage above 0, at most 100"),
            ("gpulet.max_share", "101", "a percentage above 0, at most 100"),
            ("batching.fixed", "yes", "true or false"),
        ]
    )
    func wrongSettings(key: String, value: String, allowed: String) throws {
        let error = try #require(try Self.failure(Self.parameter(key, value)))
        #expect(error.kind == .invalid)
        for part in ["parameters.\(key)", "'\(value)'", allowed, "config.pbtxt:4:"] {
            #expect(error.message.contains(part), "\(error.message)")
        }
    }

    @Test("Parameters of the ONNX Runtime backend go on by name, others stay")
    func options() throws {
        let definition = try Self.read(
            Self.parameter("intra_op_thread_count", "2")
                + Self.parameter("session.intra_op.allow_spinning", "0")
                + Self.parameter("my_own", "3") + "optimization { graph { level: 1 } }"
        )
        #expect(
            definition.versions[0].options == [
                "intra_op_thread_count": "2", "session.intra_op.allow_spinning": "0",
                "optimization.graph.level": "1",
            ]
        )
    }

    @Test(
        "What is not served is refused with one line that says so",
        arguments: [
            ("sequence_batching { }", "sequence_batching"),
            ("model_transaction_policy { decoupled: true }", "one reply"),
            ("platform: \"tensorrt_plan\"", "only ONNX Runtime is served"),
            ("backend: \"python\"", "only ONNX Runtime is served"),
            ("batch_input { kind: BATCH_ITEM_SHAPE }", "ragged batch"),
            ("input { name: \"r\" allow_ragged_batch: true }", "ragged batches"),
            ("input { name: \"r\" is_shape_tensor: true }", "shape tensors"),
        ]
    )
    func refused(text: String, part: String) throws {
        let error = try #require(try Self.failure(text))
        #expect(error.kind == .unsupported)
        #expect(error.message.hasPrefix("model 'm': config.pbtxt:"))
        #expect(error.message.contains(part), "\(error.message)")
    }

    @Test(
        "What asks for nothing, or is only not obeyed, does not keep a model from being served",
        arguments: [
            "model_transaction_policy { decoupled: false }", "response_cache { enable: true }",
            "backend: \"onnxruntime\"", "platform: \"onnxruntime_onnx\"", "unheard_of: 3",
            "instance_group { rate_limiter { priority: 2 } }",
            "optimization { cuda { graphs: true } eager_batching: true }",
            "model_metrics { }", "cc_model_filenames { key: \"7.5\" value: \"m.onnx\" }",
        ]
    )
    func tolerated(text: String) throws {
        #expect(try Self.failure(text) == nil)
    }

    @Test(
        "Wrong values of Triton's own fields are one line each",
        arguments: [
            ("dynamic_batching { preferred_batch_size: 9 }", "from 1 to max_batch_size"),
            ("dynamic_batching { priority_levels: 3 }", "default_priority_level"),
            ("dynamic_batching { priority_levels: 99 default_priority_level: 1 }", "limit of 16"),
            (
                "dynamic_batching { priority_queue_policy { key: 4 value { } } }",
                "key 4 must be from 1 to priority_levels"
            ),
            ("instance_group { count: 65 }", "limit of 64"),
            ("instance_group { count: -1 }", "at least 1"),
            ("instance_group { passive: true }", "all groups are passive"),
            ("name: \"other\"", "is not the folder's name, 'm'"),
            ("version_policy { latest { num_versions: 0 } }", "at least 1"),
            (
                "instance_group { count: 3 } parameters { key: \"instances.limit\" "
                    + "value { string_value: \"2\" } }", "below the 3 instances"
            ),
            ("input { name: \"x\" data_type: TYPE_FP32 dims: 1 }", "is there twice"),
            ("input { name: \"z\" data_type: TYPE_FP32 dims: 0 }", "0 is no dimension"),
            ("output { name: \"z\" data_type: TYPE_FP32 dims: 2 reshape { shape: 3 } }", "reshape"),
            ("output { data_type: TYPE_FP32 dims: 2 }", "has no name"),
        ]
    )
    func wrongFields(text: String, part: String) throws {
        let error = try #require(try Self.failure(text))
        #expect(error.kind == .invalid)
        #expect(error.message.contains(part), "\(error.message)")
        #expect(!error.message.contains("\n"))
    }

    @Test("Tensors keep order, types, shapes, reshape, optional inputs and labels")
    func tensors() throws {
        let shelf = try Shelf()
        try shelf.model(
            "m",
            """
            max_batch_size: 4
            input [ { name: "ids" data_type: TYPE_INT64 dims: [ -1 ] },
                    { name: "text" data_type: TYPE_STRING dims: 1 reshape { shape: [] }
                      optional: true } ]
            output { name: "y" data_type: TYPE_BF16 dims: [ 2, 3 ] reshape { shape: 6 }
                     label_filename: "labels.txt" }
            """
        )
        try shelf.file("m/labels.txt", "cat\r\ndog\n\nlast\n\n")
        let file = DeclaredSignature(
            inputs: [
                .init(name: "text", type: .bytes, shape: [-1]),
                .init(name: "ids", type: .int64, shape: [-1, -1]),
            ],
            outputs: [.init(name: "y", type: .bf16, shape: [-1, 6])]
        )
        let definition = try shelf.read(file: file)
        let signature = ModelSignature(
            inputs: [
                TensorSpec(name: "ids", type: .int64, dims: [-1]),
                TensorSpec(
                    name: "text",
                    type: .bytes,
                    dims: [1],
                    engineDims: [],
                    optional: true
                ),
            ],
            outputs: [
                TensorSpec(
                    name: "y",
                    type: .bf16,
                    dims: [2, 3],
                    engineDims: [6],
                    labels: ["cat", "dog", "", "last"]
                )
            ],
            batched: true
        )
        #expect(definition.signature == signature)
        #expect(definition.versions.map(\.signature) == [signature])
    }

    @Test("max_batch_size above the server's bound is cut, 0 means no batch dimension")
    func batchSizes() throws {
        #expect(try Self.read("", maxBatch: 100_000).rules.maxBatch == 1_024)
        let shelf = try Shelf()
        try shelf.model(
            "m",
            """
            max_batch_size: 0
            input { name: "x" data_type: TYPE_FP32 dims: [ 1, 16 ] }
            output { name: "y" data_type: TYPE_FP32 dims: [ 1, 4 ] }
            """
        )
        let definition = try shelf.read(file: .single)
        #expect(!definition.signature.batched)
        #expect(definition.rules.maxBatch == 1)
        #expect(definition.signature.inputs[0].dims == [1, 16])
    }

    @Test("Metric tags go with the model")
    func tags() throws {
        let text = "metric_tags { key: \"team\" value: \"vision\" }"
        #expect(try Self.read(text).metricTags == ["team": "vision"])
    }

    // MARK: Warm-up

    @Test("Warm-ups come as one row per input: zeros, seeded noise, or a file")
    func warmups() throws {
        let shelf = try Shelf()
        let entry = { (name: String, data: String) in
            "model_warmup { name: \"\(name)\" batch_size: 2 count: 3 inputs { key: \"x\" "
                + "value { data_type: TYPE_FP32 dims: 16 \(data) } } }"
        }
        try shelf.model(
            "m",
            plainConfig(
                entry("z", "zero_data: true") + entry("r", "random_data: true")
                    + entry("f", "input_data_file: \"row\"")
            )
        )
        try shelf.file("m/warmup/row", [UInt8](repeating: 7, count: 64))
        let warmups = try shelf.read().warmups
        #expect(warmups.map(\.name) == ["z", "r", "f"])
        #expect(warmups.allSatisfy { $0.batch == 2 && $0.count == 3 && $0.inputs.count == 1 })
        #expect(warmups[0].inputs[0].bytes == [UInt8](repeating: 0, count: 64))
        #expect(warmups[2].inputs[0].bytes == [UInt8](repeating: 7, count: 64))
        #expect(warmups[1].inputs[0].bytes.count == 64)
        #expect(try shelf.read().warmups == warmups, "the noise is the same every time")
    }

    @Test(
        "Wrong warm-ups are one line",
        arguments: [
            ("batch_size: 9", "dims: 16", "from 1 to 8"),
            ("batch_size: 0", "dims: 16", "from 1 to 8"),
            ("batch_size: 1", "dims: 15", "the model takes [16]"),
            ("batch_size: 1", "dims: 16 data_type: TYPE_INT8", "another data_type"),
            ("batch_size: 1", "dims: 16 input_data_file: \"none\"", "is missing"),
            ("batch_size: 1", "dims: 16 input_data_file: \"../config.pbtxt\"", "leads out"),
            ("batch_size: 1 count: 9999", "dims: 16", "limit of 1000"),
        ]
    )
    func wrongWarmups(entry: String, input: String, part: String) throws {
        let text = "model_warmup { name: \"w\" \(entry) inputs { key: \"x\" value { \(input) } } }"
        let error = try #require(try Self.failure(text))
        #expect(error.message.contains("model_warmup: 'w': "))
        #expect(error.message.contains(part), "\(error.message)")
    }

    @Test("A warm-up must bring every input and no other")
    func warmupInputs() throws {
        let missing = try #require(try Self.failure("model_warmup { batch_size: 1 }"))
        #expect(missing.message.contains("the input 'x' is missing"))
        let other = "model_warmup { batch_size: 1 inputs { key: \"X\" value { dims: 16 } } }"
        let error = try #require(try Self.failure(other))
        #expect(error.message.contains("no input 'X'; did you mean 'x'?"))
    }

    @Test("Noise fits its type")
    func noise() {
        for type in DataType.allCases {
            var noise = WarmupNoise()
            let bytes = noise.bytes(of: type, elements: 5)
            #expect(bytes.count == 5 * (type.size ?? 12))
        }
        var noise = WarmupNoise()
        let bytes = noise.bytes(of: .fp32, elements: 1)
        let bits = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        #expect((0..<1).contains(Float(bitPattern: bits)))
    }
}
