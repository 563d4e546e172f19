import ServerRuntime
import ServingDomain
import Testing

@testable import ModelRepository

/// What a configuration leaves out comes from the file; what contradicts the file is refused.
@Suite struct CompletionTests {
    @Test("A bare file whose first dimensions are free takes batches of 4, put together")
    func bare() throws {
        let shelf = try Shelf()
        try shelf.model("m", nil)
        let definition = try shelf.read()
        #expect(definition.rules.maxBatch == 4)
        #expect(definition.rules.batching.dynamic)
        #expect(definition.signature.batched)
        #expect(definition.signature.inputs == [TensorSpec(name: "x", type: .fp32, dims: [16])])
        #expect(definition.signature.outputs == [TensorSpec(name: "y", type: .fp32, dims: [4])])
    }

    @Test("The default size is configurable; 1 puts nothing together, 0 takes no batches")
    func defaults() throws {
        let shelf = try Shelf()
        try shelf.model("m", nil)
        let read = { (size: Int64) in
            try shelf.repository(defaultMaxBatch: size).read("m", override: nil) { _ in .plain }
        }
        #expect(try read(16).rules.maxBatch == 16)
        #expect(try read(1).rules.batching.dynamic == false)
        let none = try read(0)
        #expect(!none.signature.batched)
        #expect(none.signature.inputs[0].dims == [-1, 16])
        #expect(throws: SourceError.self) { try read(-1) }
    }

    @Test("A bare file with one fixed first dimension takes no batches")
    func fixedFirst() throws {
        let shelf = try Shelf()
        try shelf.model("m", nil)
        let definition = try shelf.read(file: .single)
        #expect(!definition.signature.batched)
        #expect(definition.signature.outputs[0].dims == [1, 4])
        #expect(!definition.rules.batching.dynamic)
    }

    @Test("A file with one value per item shows clients [1]")
    func scalars() throws {
        let shelf = try Shelf()
        try shelf.model("m", nil)
        let file = DeclaredSignature(
            inputs: [.init(name: "x", type: .int64, shape: [-1])],
            outputs: [.init(name: "y", type: .fp32, shape: [-1, 2])]
        )
        let input = try shelf.read(file: file).signature.inputs[0]
        #expect(input == TensorSpec(name: "x", type: .int64, dims: [1], engineDims: []))
    }

    @Test("Half a configuration is completed: sizes, sides, types and dims")
    func partial() throws {
        let shelf = try Shelf()
        try shelf.model("size", "max_batch_size: 32")
        try shelf.model("side", "input { name: \"x\" data_type: TYPE_FP32 dims: 16 }")
        try shelf.model("type", "max_batch_size: 2 input { name: \"x\" }")
        try shelf.model(
            "whole",
            "input { name: \"x\" data_type: TYPE_FP32 dims: [ -1, 16 ] }"
        )
        let size = try shelf.read("size")
        #expect(size.rules.maxBatch == 32 && !size.rules.batching.dynamic)
        let side = try shelf.read("side")
        #expect(side.rules.maxBatch == 4 && side.rules.batching.dynamic)
        #expect(side.signature.outputs.map(\.name) == ["y"])
        #expect(try shelf.read("type").signature.inputs[0].dims == [16])
        // Whole shapes are given, so the first dimension is the client's.
        let whole = try shelf.read("whole")
        #expect(!whole.signature.batched)
        #expect(whole.signature.inputs[0].dims == [-1, 16])
    }

    @Test(
        "A configuration that contradicts the file is refused with what the file has",
        arguments: [
            ("x", "TYPE_FP64", "16", "is TYPE_FP64, the file has TYPE_FP32"),
            ("x", "TYPE_FP32", "15", "[15] does not fit the file's [16] without the batch"),
            ("x", "TYPE_FP32", "-1", "[-1] does not fit the file's [16]"),
            ("x", "TYPE_FP32", "[ 4, 4 ]", "[4,4] does not fit"),
            ("xx", "TYPE_FP32", "16", "no input 'xx'; did you mean 'x'?; it has: x"),
        ]
    )
    func contradictions(name: String, type: String, dims: String, part: String) throws {
        let shelf = try Shelf()
        try shelf.model(
            "m",
            "max_batch_size: 2 input { name: \"\(name)\" data_type: \(type) dims: \(dims) }"
        )
        let error = try #require(try shelf.failure())
        #expect(error.kind == .invalid)
        #expect(error.message.contains(part), "\(error.message)")
    }

    @Test("max_batch_size needs a free first dimension")
    func fixedBatch() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig())
        let error = try #require(try shelf.failure(file: .single))
        #expect(error.message.contains("max_batch_size: is 8, but 'x' of the file has the shape"))
        #expect(error.message.contains("[1,16]"))
    }

    @Test("An input that the file needs and the configuration lacks is named; outputs may lack")
    func missing() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig())
        var file = DeclaredSignature.plain
        file.outputs.append(.init(name: "more", type: .int8, shape: [-1, 1]))
        #expect(try shelf.failure(file: file) == nil)
        file.inputs.append(.init(name: "mask", type: .int8, shape: [-1, 1]))
        let error = try #require(try shelf.failure(file: file))
        #expect(error.message.contains("needs the input 'mask'"))
    }

    @Test("Free dimensions of the file take any size; a shape that it hides is not judged")
    func freeDims() throws {
        let shelf = try Shelf()
        try shelf.model("m", plainConfig())
        let free = DeclaredSignature(
            inputs: [.init(name: "x", type: .fp32, shape: [-1, -1])],
            outputs: [.init(name: "y", type: .fp32, shape: [])]
        )
        #expect(try shelf.failure(file: free) == nil)
    }

    @Test("The engine's own failure is passed on with the version")
    func engineFailure() throws {
        let shelf = try Shelf()
        try shelf.model("m", nil, versions: ["3"])
        let repository = try shelf.repository()
        do {
            _ = try repository.read("m", override: nil) {
                (_) throws(EngineError) -> DeclaredSignature in
                throw EngineError(.badModel, "the file is truncated; export it again")
            }
            Issue.record("the failure was lost")
        } catch {
            #expect(error.message == "model 'm': version 3: the file is truncated; export it again")
        }
    }
}
