import Glibc
import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

@Suite(.enabled(if: Bench.engine != nil, Bench.skip))
struct LoadTests {
    /// Proves that the declared tensors are the file's, without the initialisers.
    @Test
    func declaration() throws {
        var model = ModelBytes.affine
        model.inputs.append(("b", .fp32, [.fixed(3)]))
        let declared = try Bench.load(model).declared
        #expect(declared.inputs == [.init(name: "x", type: .fp32, shape: [-1, 2])])
        #expect(declared.outputs == [.init(name: "y", type: .fp32, shape: [-1, 3])])
    }

    /// Proves that an initialiser which is an input too may be brought or left out.
    @Test
    func optionalInput() throws {
        var model = ModelBytes.affine
        model.inputs.append(("b", .fp32, [.fixed(3)]))
        let signature = ModelSignature(
            inputs: [
                TensorSpec(name: "b", type: .fp32, dims: [3], optional: true),
                TensorSpec(name: "x", type: .fp32, dims: [1, 2]),
            ],
            outputs: [TensorSpec(name: "y", type: .fp32, dims: [1, 3])],
            batched: false
        )
        let instance = try Bench.load(model, signature: signature).makeInstance(Bench.place())
        let cases: [([Float]?, [Float])] = [(nil, [11, 22, 33]), ([0, 0, 1], [1, 2, 4])]
        for (bias, expected) in cases {
            let shapes = InputShapes([bias == nil ? nil : [3], [1, 2]])
            try instance.prepare(items: 1, shapes: shapes)
            if let bias {
                try instance.input(0, byteCount: 12).copyBytes(from: floats(bias))
            }
            try instance.input(1, byteCount: 8).copyBytes(from: floats([1, 0]))
            try instance.perform(.whole)
            #expect(Array(try instance.output(0).bytes) == floats(expected))
        }
    }

    /// Proves that a configuration which does not fit the file is refused with both sides named.
    @Test
    func wrongSignatures() throws {
        let x = TensorSpec(name: "x", type: .fp32, dims: [2])
        let y = TensorSpec(name: "y", type: .fp32, dims: [3])
        let wrong: [(ModelSignature, String)] = [
            (
                .init(
                    inputs: [x],
                    outputs: [.init(name: "z", type: .fp32, dims: [3])],
                    batched: true
                ), "it has y"
            ),
            (
                .init(
                    inputs: [.init(name: "x", type: .int8, dims: [2])],
                    outputs: [y],
                    batched: true
                ), "INT8"
            ),
            (.init(inputs: [], outputs: [y], batched: true), "'x'"),
        ]
        for (signature, hint) in wrong {
            let error = try Bench.error { _ = try Bench.load(.affine, signature: signature) }
            #expect(error.kind == .badModel)
            #expect(error.message.contains(hint), "\(error.message)")
        }
    }

    /// Proves that files which are no whole models give one clear line.
    @Test
    func brokenFiles() throws {
        let engine = try #require(Bench.engine)
        let whole = ModelBytes.affine.bytes
        var external = ModelBytes.affine
        external.weights[0].externalFile = "weights.bin"
        var sequence = ModelBytes.affine
        sequence.nodes.append(.init(operation: "SequenceConstruct", inputs: ["y"], outputs: ["s"]))
        sequence.sequences = ["s"]
        var unknown = ModelBytes.affine
        unknown.nodes[0].operation = "Teleport"
        let broken: [([UInt8], String)] = [
            ([], "0 bytes"),
            (Array("not a model".utf8), "can't be loaded"),
            (Array(whole.prefix(whole.count / 2)), "can't be loaded"),
            (Array(whole.dropLast()), "can't be loaded"),
            (external.bytes, "weights.bin"),
            (sequence.bytes, "'s' is no tensor"),
            (unknown.bytes, "Teleport"),
        ]
        for (bytes, hint) in broken {
            let path = try Bench.file(bytes)
            defer { Bench.remove(path) }
            let error = try Bench.error {
                _ = try engine.load(ModelArtifact(name: "broken", version: 3, path: path))
            }
            #expect(error.kind == .badModel)
            #expect(error.message.contains("model 'broken' version 3"), "\(error.message)")
            #expect(error.message.contains(hint), "\(error.message)")
        }
    }

    /// Proves that paths lead to the file, to `model.onnx` in a folder, or to one clear line.
    @Test
    func paths() throws {
        let engine = try #require(Bench.engine)
        let path = try Bench.file(ModelBytes.affine.bytes)
        defer { Bench.remove(path) }
        let folder = String(path.dropLast("/model.onnx".count))
        _ = try engine.load(ModelArtifact(name: "m", version: 1, path: folder))
        for (wrong, hint) in [("/nowhere/m", "No such file"), ("/dev/null", "must be a file")] {
            let error = try Bench.error {
                _ = try engine.load(ModelArtifact(name: "m", version: 1, path: wrong))
            }
            #expect(error.kind == .badModel)
            #expect(error.message.contains(hint), "\(error.message)")
        }
        unlink(path)
        let error = try Bench.error {
            _ = try engine.load(ModelArtifact(name: "m", version: 1, path: folder))
        }
        #expect(error.message.contains("no model.onnx"))
    }

    /// Proves that Triton's parameters are taken, unknown ones left alone, wrong ones refused.
    @Test
    func parameters() throws {
        let good = [
            "intra_op_thread_count": "2", "inter_op_thread_count": "2", "execution_mode": "1",
            "enable_mem_arena": "0", "enable_mem_pattern": "1",
            "session.use_device_allocator_for_initializers": "0",
            "optimization.graph.level": "1", "something.else": "x",
        ]
        let instance = try Bench.load(.affine, options: good).makeInstance(Bench.place())
        let bytes = [UInt8](repeating: 0, count: 8)
        #expect(try Bench.run(instance, items: 1, dims: [2], bytes).shape == [1, 3])
        let shrinking = ["memory.enable_memory_arena_shrinkage": "cpu:0"]
        let shrunk = try Bench.load(.affine, options: shrinking).makeInstance(Bench.place())
        #expect(try Bench.run(shrunk, items: 1, dims: [2], bytes).shape == [1, 3])
        for name in ["intra_op_thread_count", "execution_mode", "optimization.graph.level"] {
            let error = try Bench.error { _ = try Bench.load(.affine, options: [name: "9999"]) }
            #expect(error.kind == .badModel)
            #expect(error.message.contains("'\(name)' is '9999'"))
        }
    }
}

struct LibraryTests {
    /// Proves that a library which is missing, or is another, is named along with the way out.
    @Test
    func libraries() throws {
        let stranger = "libm.so.6"
        for (path, hint) in [
            ("/nowhere/libonnxruntime.so", "can't be loaded"), (stranger, "not ONNX"),
        ] {
            let error = try Bench.error { _ = try ONNXEngine(library: path) }
            #expect(error.kind == .unavailable)
            #expect(error.message.contains(hint), "\(error.message)")
            #expect(error.message.contains("Scripts/setup-engine.sh"))
            #expect(error.message.contains("SLUICE_ONNXRUNTIME"))
        }
    }

    /// Proves that the version is the library's own, and that it is new enough.
    @Test(.enabled(if: Bench.engine != nil, Bench.skip))
    func version() throws {
        let engine = try #require(Bench.engine)
        let parts = engine.libraryVersion.split(separator: ".").compactMap { Int($0) }
        #expect(parts.count == 3)
        #expect(parts[0] > 1 || parts[1] >= 17)
        #expect(engine.platform == "onnxruntime_onnx")
    }
}
