import ServerRuntime
import ServingDomain
import Testing

@testable import ModelRepository

/// The echo equals, byte for byte, what a real Triton 2.51 answered to the same configurations.
///
/// The recordings are of models with its Python backend; the words that name the backend are
/// exchanged before the comparison. Triton prints the entries of a map in any order; the recording
/// has them in the configuration's.
@Suite struct RecordedEchoTests {
    /// A recorded answer with our backend's words in place of the Python backend's.
    static func ours(_ recorded: String) -> String {
        recorded
            .replacing(#""platform":"","backend":"python""#, with: Self.words)
            .replacing("model.py", with: "model.onnx")
    }

    static let words = #""platform":"onnxruntime_onnx","backend":"onnxruntime""#

    static func echo(_ name: String, _ config: String, _ file: DeclaredSignature) throws -> String {
        let shelf = try Shelf()
        try shelf.model(name, config)
        try shelf.file("\(name)/labels.txt", "cat\n")
        return String(decoding: try shelf.read(name, file: file).configJSON, as: UTF8.self)
    }

    @Test("Plain dynamic batching")
    func batching() throws {
        let recorded =
            #"{"name":"a","platform":"","backend":"python","runtime":"","#
            + #""version_policy":{"latest":{"num_versions":1}},"max_batch_size":8,"#
            + #""input":[{"name":"x","data_type":"TYPE_FP32","format":"FORMAT_NONE","#
            + #""dims":[16],"is_shape_tensor":false,"allow_ragged_batch":false,"#
            + #""optional":false,"is_non_linear_format_io":false}],"output":[{"name":"y","#
            + #""data_type":"TYPE_FP32","dims":[16],"label_filename":"","#
            + #""is_shape_tensor":false,"is_non_linear_format_io":false}],"batch_input":[],"#
            + #""batch_output":[],"optimization":{"priority":"PRIORITY_DEFAULT","#
            + #""input_pinned_memory":{"enable":true},"output_pinned_memory":{"enable":true},"#
            + #""gather_kernel_buffer_threshold":0,"eager_batching":false},"#
            + #""dynamic_batching":{"preferred_batch_size":[8],"#
            + #""max_queue_delay_microseconds":0,"preserve_ordering":false,"#
            + #""priority_levels":0,"default_priority_level":0,"priority_queue_policy":{}},"#
            + #""instance_group":[{"name":"a","kind":"KIND_CPU","count":1,"gpus":[],"#
            + #""secondary_devices":[],"profile":[],"passive":false,"host_policy":""}],"#
            + #""default_model_filename":"model.py","cc_model_filenames":{},"metric_tags":{},"#
            + #""parameters":{},"model_warmup":[]}"#
        let config = """
            backend: "onnxruntime"
            max_batch_size: 8
            input { name: "x" data_type: TYPE_FP32 dims: 16 }
            output { name: "y" data_type: TYPE_FP32 dims: 16 }
            dynamic_batching { }
            """
        let file = DeclaredSignature(
            inputs: [.init(name: "x", type: .fp32, shape: [-1, 16])],
            outputs: [.init(name: "y", type: .fp32, shape: [-1, 16])]
        )
        #expect(try Self.echo("a", config, file) == Self.ours(recorded))
    }

    @Test("Nearly every field that is served")
    func everything() throws {
        let recorded =
            #"{"name":"b","platform":"","backend":"python","runtime":"","#
            + #""version_policy":{"all":{}},"max_batch_size":8,"input":[{"name":"x","#
            + #""data_type":"TYPE_FP32","format":"FORMAT_NONE","dims":[4,4],"#
            + #""reshape":{"shape":[16]},"is_shape_tensor":false,"allow_ragged_batch":false,"#
            + #""optional":true,"is_non_linear_format_io":false}],"output":[{"name":"y","#
            + #""data_type":"TYPE_FP32","dims":[16],"label_filename":"labels.txt","#
            + #""is_shape_tensor":false,"is_non_linear_format_io":false}],"batch_input":[],"#
            + #""batch_output":[],"optimization":{"graph":{"level":1},"#
            + #""priority":"PRIORITY_DEFAULT","input_pinned_memory":{"enable":true},"#
            + #""output_pinned_memory":{"enable":true},"gather_kernel_buffer_threshold":0,"#
            + #""eager_batching":true},"dynamic_batching":{"preferred_batch_size":[4,2],"#
            + #""max_queue_delay_microseconds":1000,"preserve_ordering":false,"#
            + #""priority_levels":3,"default_priority_level":2,"#
            + #""default_queue_policy":{"timeout_action":"DELAY","#
            + #""default_timeout_microseconds":5000,"allow_timeout_override":false,"#
            + #""max_queue_size":0},"priority_queue_policy":{"1":{"timeout_action":"REJECT","#
            + #""default_timeout_microseconds":0,"allow_timeout_override":false,"#
            + #""max_queue_size":3},"3":{"timeout_action":"REJECT","#
            + #""default_timeout_microseconds":0,"allow_timeout_override":true,"#
            + #""max_queue_size":0}}},"instance_group":[{"name":"b_0","kind":"KIND_CPU","#
            + #""count":1,"gpus":[],"secondary_devices":[],"profile":[],"passive":false,"#
            + #""host_policy":""},{"name":"mine","kind":"KIND_CPU","count":1,"gpus":[],"#
            + #""secondary_devices":[],"profile":[],"passive":false,"host_policy":"cpu"}],"#
            + #""default_model_filename":"model.py","cc_model_filenames":{},"#
            + #""metric_tags":{"team":"vision"},"parameters":{"#
            + #""slo.latency_ms":{"string_value":"50"},"abc":{"string_value":"x"}},"#
            + #""model_warmup":[{"name":"w","#
            + #""batch_size":1,"inputs":{"x":{"data_type":"TYPE_FP32","dims":[4,4],"#
            + #""zero_data":true}},"count":0}],"model_transaction_policy":{"decoupled":false},"#
            + #""response_cache":{"enable":false}}"#
        let config = """
            name: "b" backend: 'onnxruntime'
            max_batch_size: 8,
            input [ { name: "x", data_type: TYPE_FP32, dims: [ 4, 4 ], reshape { shape: 16 },
              format: FORMAT_NONE optional: true } ]
            output [ { name: "y" data_type: TYPE_FP32 dims: 16 label_filename: "labels.txt" } ]
            dynamic_batching { preferred_batch_size: [ 4, 2 ] max_queue_delay_microseconds:
              1000 priority_levels: 3 default_priority_level: 2
             default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 5000 }
             priority_queue_policy { key: 1 value { max_queue_size: 3 } } priority_queue_policy
              { key: 3 value { allow_timeout_override: true } } }
            instance_group [ { count: 1 kind: KIND_CPU }, { kind: KIND_CPU name: "mine"
              host_policy: "cpu" } ]
            version_policy { all { } }
            parameters { key: "slo.latency_ms" value { string_value: "50" } }
            parameters { key: "abc" value: { string_value: "x" } }
            metric_tags { key: "team" value: "vision" }
            model_warmup { name: "w" batch_size: 1 inputs { key: "x" value { data_type:
              TYPE_FP32 dims: [4,4] zero_data: true } } }
            optimization { graph { level: 1 } eager_batching: true }
            response_cache { enable: false }
            model_transaction_policy { decoupled: false }
            """
        let file = DeclaredSignature(
            inputs: [.init(name: "x", type: .fp32, shape: [-1, 16])],
            outputs: [.init(name: "y", type: .fp32, shape: [-1, 16])]
        )
        #expect(try Self.echo("b", config, file) == Self.ours(recorded))
    }

    @Test("No batch dimension")
    func unbatched() throws {
        let recorded =
            #"{"name":"c","platform":"","backend":"python","runtime":"","#
            + #""version_policy":{"specific":{"versions":[1]}},"max_batch_size":0,"#
            + #""input":[{"name":"x","data_type":"TYPE_INT64","format":"FORMAT_NONE","#
            + #""dims":[-1,3],"is_shape_tensor":false,"allow_ragged_batch":false,"#
            + #""optional":false,"is_non_linear_format_io":false}],"output":[{"name":"y","#
            + #""data_type":"TYPE_INT64","dims":[-1,3],"label_filename":"","#
            + #""is_shape_tensor":false,"is_non_linear_format_io":false}],"batch_input":[],"#
            + #""batch_output":[],"optimization":{"priority":"PRIORITY_DEFAULT","#
            + #""input_pinned_memory":{"enable":true},"output_pinned_memory":{"enable":true},"#
            + #""gather_kernel_buffer_threshold":0,"eager_batching":false},"#
            + #""instance_group":[{"name":"c","kind":"KIND_CPU","count":1,"gpus":[],"#
            + #""secondary_devices":[],"profile":[],"passive":false,"host_policy":""}],"#
            + #""default_model_filename":"model.py","cc_model_filenames":{},"metric_tags":{},"#
            + #""parameters":{},"model_warmup":[]}"#
        let config = """
            backend: "onnxruntime"
            input { name: "x" data_type: TYPE_INT64 dims: [ -1, 3 ] }
            output { name: "y" data_type: TYPE_INT64 dims: [ -1, 3 ] }
            version_policy { specific { versions: [ 1 ] } }
            """
        let file = DeclaredSignature(
            inputs: [.init(name: "x", type: .int64, shape: [-1, 3])],
            outputs: [.init(name: "y", type: .int64, shape: [-1, 3])]
        )
        #expect(try Self.echo("c", config, file) == Self.ours(recorded))
    }
}
