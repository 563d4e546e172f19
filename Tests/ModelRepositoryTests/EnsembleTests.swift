import ServerRuntime
import ServingDomain
import Testing

@testable import ModelRepository

/// `ensemble_scheduling` as Triton writes it.
@Suite struct EnsembleConfigTests {
    static func config(_ steps: String, _ more: String = "platform: \"ensemble\"") -> String {
        """
        \(more)
        max_batch_size: 4
        input { name: "IN" data_type: TYPE_FP32 dims: 16 }
        output { name: "OUT" data_type: TYPE_FP32 dims: 4 }
        ensemble_scheduling { \(steps) }
        """
    }

    static let chain = """
        step { model_name: "a" model_version: -1
               input_map { key: "x" value: "IN" } output_map { key: "y" value: "mid" } }
        step { model_name: "b" model_version: 3
               input_map { key: "x" value: "mid" } output_map { key: "y" value: "OUT" } }
        """

    @Test("Steps, versions and maps are read; no file is looked for")
    func steps() throws {
        let shelf = try Shelf()
        try shelf.file("e/config.pbtxt", Self.config(Self.chain))
        try shelf.file("e/1/.keep", "")
        let definition = try shelf.read("e")
        let steps = try #require(definition.ensemble).steps
        #expect(steps.map(\.model) == ["a", "b"])
        #expect(steps.map(\.version) == [nil, 3])
        #expect(steps[0].inputs == [.init(port: "x", tensor: "IN")])
        #expect(steps[1].outputs == [.init(port: "y", tensor: "OUT")])
        #expect(definition.versions.map(\.version) == [1])
        #expect(definition.signature.batched && definition.rules.maxBatch == 4)
        let echo = String(decoding: definition.configJSON, as: UTF8.self)
        #expect(echo.contains("\"platform\":\"ensemble\"") && !echo.contains("onnxruntime"))
    }

    @Test(
        "What is wrong with an ensemble is one line that names the field",
        arguments: [
            ("", "platform: \"ensemble\"", "there are 0"),
            ("step { input_map { key: \"x\" value: \"IN\" } }", "", "model_name"),
            ("step { model_name: \"a\" }", "", "input_map"),
            (chain, "platform: \"onnxruntime_onnx\"", "write platform"),
            (
                "step { model_name: \"a\" model_version: -7 }", "",
                "-7 is no version; give 1 or more"
            ),
        ]
    )
    func wrong(steps: String, more: String, word: String) throws {
        let shelf = try Shelf()
        try shelf.file("e/config.pbtxt", Self.config(steps, more))
        try shelf.file("e/1/.keep", "")
        let error = try #require(try shelf.failure("e"))
        #expect(error.message.contains(word), "\(error.message)")
        #expect(!error.message.contains("\n"))
    }
}
