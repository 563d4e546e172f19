import Foundation
import ServerRuntime
import ServingTestKit
import SwiftProtobuf
import Testing
import WireMessages

@testable import ModelRepository

/// The echo over HTTP and the bytes over gRPC say the same as the generated messages do.
@Suite struct ConfigEchoTests {
    /// A random message of a type, no field set to its default.
    static func random(_ type: MessageType, depth: Int, _ dice: inout SeededGenerator)
        -> ConfigMessage
    {
        var message = ConfigMessage(type)
        for field in type.fields where Bool.random(using: &dice) {
            if case .message = field.kind, depth == 0 { continue }
            let count = Int.random(in: 1...2, using: &dice)
            switch field.arity {
            case .one: message[field.name] = value(field.kind, depth: depth, &dice)
            case .many:
                let items = (0..<count).map { _ in value(field.kind, depth: depth, &dice) }
                message[field.name] = .list(items)
            case .map(let numbered):
                let entries = (1...count).map { index in
                    ConfigEntry(
                        key: numbered ? "\(index)" : "k\(index)",
                        value: value(field.kind, depth: depth, &dice)
                    )
                }
                message[field.name] = .map(entries)
            }
        }
        return message
    }

    static func value(_ kind: FieldSchema.Kind, depth: Int, _ dice: inout SeededGenerator)
        -> ConfigValue
    {
        switch kind {
        case .bool: .bool(true)
        case .int32: .int(Int64(Int32.random(in: 1 ... .max, using: &dice)) * -1)
        case .int64: .int(Int64.random(in: .min ... -1, using: &dice))
        case .uint32: .int(Int64(UInt32.random(in: 1 ... .max, using: &dice)))
        case .uint64: .uint(UInt64.random(in: 1 ... .max, using: &dice))
        case .float, .double: .double(Double(Int.random(in: 1...1_000, using: &dice)) / 8)
        case .string: .string("s\"\\\n\u{1}é\(UInt8.random(in: 0...9, using: &dice))")
        case .word(let words):
            .word(words.words.count > 1 ? Int.random(in: 1..<words.words.count, using: &dice) : 0)
        case .message(let type): .message(random(type, depth: depth - 1, &dice))
        }
    }

    /// The message with the entries of all maps in order, since the generated one has none.
    static func sorted(_ message: ConfigMessage) -> ConfigMessage {
        var out = message
        for field in message.type.fields {
            guard let value = message[field.name] else { continue }
            out[field.name] = sorted(value)
        }
        return out
    }

    static func sorted(_ value: ConfigValue) -> ConfigValue {
        switch value {
        case .message(let message): .message(sorted(message))
        case .list(let values): .list(values.map(sorted))
        case .map(let entries):
            .map(
                entries.map { ConfigEntry(key: $0.key, value: sorted($0.value)) }
                    .sorted { $0.key < $1.key }
            )
        default: value
        }
    }

    @Test("Random configurations survive the way through the generated message and back")
    func roundTrip() throws {
        let seed: UInt64 = 41
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        var options = JSONEncodingOptions()
        options.preserveProtoFieldNames = true
        for round in 0..<200 {
            let config = Self.random(.modelConfig, depth: 4, &dice)
            let wire = ConfigWire.encode(config)
            let message = try Inference_ModelConfig(serializedBytes: wire)
            #expect(message.unknownFields.data.isEmpty, "round \(round)")
            let theirs = [UInt8](try message.jsonUTF8Data(options: options))
            let back = try ConfigReader.read(theirs, dialect: .json)
            #expect(back.unknown.isEmpty, "round \(round)")
            let again = ConfigWire.encode(Self.sorted(back.config))
            #expect(again == ConfigWire.encode(Self.sorted(config)), "round \(round)")
            let ours = try Inference_ModelConfig(jsonUTF8Data: Data(ConfigJSON.encode(config)))
            let echoed: [UInt8] = try ours.serializedBytes()
            let read = try Inference_ModelConfig(serializedBytes: echoed)
            #expect(Self.withoutEmpty(read) == Self.withoutEmpty(message), "round \(round)")
        }
    }

    /// The echo prints defaults, which the generated message drops again on the wire.
    private static func withoutEmpty(_ message: Inference_ModelConfig) -> [UInt8] {
        var options = BinaryEncodingOptions()
        options.useDeterministicOrdering = true
        let bytes: [UInt8]? = try? message.serializedBytes(options: options)
        return bytes ?? []
    }

    @Test("The echo of an auto-completed model has every key that Triton's has, in its order")
    func shape() throws {
        let shelf = try Shelf()
        try shelf.model("m", nil)
        let definition = try shelf.read()
        let echo = String(decoding: definition.configJSON, as: UTF8.self)
        #expect(
            echo == #"{"name":"m","platform":"onnxruntime_onnx","backend":"onnxruntime","#
                + #""runtime":"","version_policy":{"latest":{"num_versions":1}},"#
                + #""max_batch_size":4,"input":[{"name":"x","data_type":"TYPE_FP32","#
                + #""format":"FORMAT_NONE","dims":[16],"is_shape_tensor":false,"#
                + #""allow_ragged_batch":false,"optional":false,"#
                + #""is_non_linear_format_io":false}],"output":[{"name":"y","#
                + #""data_type":"TYPE_FP32","dims":[4],"label_filename":"","#
                + #""is_shape_tensor":false,"is_non_linear_format_io":false}],"#
                + #""batch_input":[],"batch_output":[],"#
                + #""optimization":{"priority":"PRIORITY_DEFAULT","#
                + #""input_pinned_memory":{"enable":true},"#
                + #""output_pinned_memory":{"enable":true},"#
                + #""gather_kernel_buffer_threshold":0,"eager_batching":false},"#
                + #""dynamic_batching":{"preferred_batch_size":[4],"#
                + #""max_queue_delay_microseconds":0,"preserve_ordering":false,"#
                + #""priority_levels":0,"default_priority_level":0,"#
                + #""priority_queue_policy":{}},"#
                + #""instance_group":[{"name":"m","kind":"KIND_CPU","count":1,"gpus":[],"#
                + #""secondary_devices":[],"profile":[],"passive":false,"host_policy":""}],"#
                + #""default_model_filename":"model.onnx","cc_model_filenames":{},"#
                + #""metric_tags":{},"parameters":{},"model_warmup":[]}"#
        )
        let message = try Inference_ModelConfig(serializedBytes: definition.configBytes)
        #expect(message.name == "m" && message.maxBatchSize == 4)
        #expect(message.dynamicBatching.preferredBatchSize == [4])
        #expect(message.input.map(\.dims) == [[16]])
    }

    @Test("Whole numbers are JSON numbers, whatever their width; unset messages are left out")
    func numbers() throws {
        let config = try TextFormatTests.config(
            """
            dynamic_batching { max_queue_delay_microseconds: 18446744073709551615
              default_queue_policy { default_timeout_microseconds: 7 timeout_action: DELAY } }
            response_cache { enable: true } model_transaction_policy { }
            """
        )
        let echo = String(decoding: ConfigJSON.encode(config), as: UTF8.self)
        #expect(echo.contains(#""max_queue_delay_microseconds":18446744073709551615"#))
        #expect(
            echo.contains(
                #""default_queue_policy":{"timeout_action":"DELAY","#
                    + #""default_timeout_microseconds":7,"allow_timeout_override":false,"#
                    + #""max_queue_size":0}"#
            )
        )
        #expect(echo.contains(#""response_cache":{"enable":true}"#))
        #expect(echo.contains(#""model_transaction_policy":{"decoupled":false}"#))
        #expect(!echo.contains("sequence_batching") && !echo.contains("optimization"))
    }

    @Test("Every field of the tables falls under a rule, and every rule names a field")
    func rules() {
        var leaves: [String] = []
        func walk(_ type: MessageType, _ prefix: String) {
            for field in type.fields {
                let path = prefix + field.name
                if FieldRule.of(path) != nil {
                    leaves.append(path)
                } else if case .message(let inner) = field.kind {
                    walk(inner, path + ".")
                } else {
                    Issue.record("\(path) has no rule")
                }
            }
        }
        walk(.modelConfig, "")
        #expect(Set(FieldRule.all.map(\.path)) == Set(leaves))
    }
}
