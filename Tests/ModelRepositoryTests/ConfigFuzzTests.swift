import Foundation
import ServingTestKit
import Testing

@testable import ModelRepository

/// Whatever bytes arrive, the parser ends with a configuration or one line, never with a crash.
@Suite struct ConfigFuzzTests {
    static let corpus = [
        """
        name: "m" platform: "onnxruntime_onnx" max_batch_size: 8
        input [ { name: "x", data_type: TYPE_FP32, dims: [ -1, 16 ] reshape { shape: [ 16 ] } } ]
        output { name: 'y' data_type: TYPE_FP32; dims: 4; label_filename: "labels.txt" }
        dynamic_batching { preferred_batch_size: [ 4, 8 ] max_queue_delay_microseconds: 100
          priority_levels: 2 default_priority_level: 1
          priority_queue_policy { key: 1 value { max_queue_size: 3 timeout_action: DELAY } } }
        instance_group [ { kind: KIND_CPU count: 2 } ]  # a comment
        parameters { key: "slo.latency_ms" value { string_value: "5" "0" } }
        version_policy: { specific { versions: [1, 2] } } metric_tags { key: "a" value: "b" }
        model_warmup { name: "w" batch_size: 1 inputs { key: "x" value { random_data: true } } }
        [some.extension] { a: -1.5e3f b: inf c: 0x1F }
        """,
        """
        {"name":"m","max_batch_size":8,"input":[{"name":"x","data_type":"TYPE_FP32","dims":[16]}],
        "parameters":{"a":{"string_value":"\\u00e9\\ud83d\\ude00"}},"metric_tags":{"k":"v"},
        "model_metrics":{"metric_control":[{"histogram_options":{"buckets":[1,2.5]}}]}}
        """,
    ]

    /// One change of a text: a byte replaced, a piece cut out, doubled or put elsewhere.
    static func mutate(_ bytes: [UInt8], _ dice: inout SeededGenerator) -> [UInt8] {
        var out = bytes
        let marks = Array("{}[]<>:,;\"'\\#-+0x9.eE\n \u{0}".utf8)
        for _ in 0..<Int.random(in: 1...6, using: &dice) where !out.isEmpty {
            let place = Int.random(in: 0..<out.count, using: &dice)
            let end = min(out.count, place + Int.random(in: 1...24, using: &dice))
            switch Int.random(in: 0..<6, using: &dice) {
            case 0: out[place] = UInt8.random(in: 0...255, using: &dice)
            case 1: out.removeSubrange(place..<end)
            case 2: out.insert(contentsOf: Array(out[place..<end]), at: place)
            case 3: out.insert(marks[Int.random(in: 0..<marks.count, using: &dice)], at: place)
            case 4: out.removeSubrange(place...)
            default: out[place] = marks[Int.random(in: 0..<marks.count, using: &dice)]
            }
        }
        return out
    }

    /// When `make fuzz` wants to end; nil in a common test run, which counts rounds only.
    static func longRunEnd() -> ContinuousClock.Instant? {
        let text = ProcessInfo.processInfo.environment["SLUICE_FUZZ_SECONDS"]
        return text.flatMap { Int($0) }.map { .now.advanced(by: .seconds($0)) }
    }

    @Test("Mutated configurations are read or refused, and what is read can be echoed")
    func mutations() throws {
        let seed: UInt64 = 20_260_731
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        var readable = 0
        let end = Self.longRunEnd()
        var round = 0
        while round < 4_000 || end.map({ ContinuousClock.now < $0 }) ?? false {
            round += 1
            let dialect: TextDialect = round % 2 == 0 ? .protobufText : .json
            let bytes = Self.mutate(Array(Self.corpus[round % 2].utf8), &dice)
            do throws(TextError) {
                let read = try ConfigReader.read(bytes, dialect: dialect)
                readable += 1
                var findings = Findings()
                FieldReport.add(read.config, to: &findings)
                _ = OwnSettings.map(read.config, RepositoryLimits(), &findings)
                _ = ConfigWire.encode(read.config)
                let echo = ConfigJSON.encode(read.config)
                let again = try ConfigReader.read(echo, dialect: .json)
                #expect(
                    ConfigWire.encode(again.config) == ConfigWire.encode(read.config),
                    "seed \(seed), round \(round)"
                )
            } catch {
                #expect(!error.message.isEmpty && !error.message.contains("\n"))
            }
        }
        #expect(readable > 100, "the mutations should leave some texts whole: \(readable)")
    }

    @Test("Every truncation of a configuration is read or refused")
    func truncations() {
        for (index, text) in Self.corpus.enumerated() {
            let bytes = Array(text.utf8)
            let dialect: TextDialect = index == 0 ? .protobufText : .json
            for length in 0..<bytes.count {
                _ = try? ConfigReader.read(Array(bytes[..<length]), dialect: dialect)
            }
            if dialect == .json {
                #expect(throws: TextError.self) {
                    try ConfigReader.read(Array(bytes.dropLast()), dialect: dialect)
                }
            }
        }
    }

    @Test("Random bytes are read or refused")
    func noise() {
        let seed: UInt64 = 7
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for round in 0..<2_000 {
            let count = Int.random(in: 0...200, using: &dice)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &dice) }
            let dialect: TextDialect = round % 2 == 0 ? .protobufText : .json
            _ = try? ConfigReader.read(bytes, dialect: dialect)
        }
    }
}
