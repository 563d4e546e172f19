import EngineEmulated
import Foundation
import ServerRuntime
import ServingDomain
import Testing
import VirtualDevices

@Suite("emulated.json")
struct EmulatedFileTests {
    private func load(_ text: String, signature: ModelSignature? = nil) throws -> DeclaredSignature
    {
        let folder = FileManager.default.temporaryDirectory
            .appendingPathComponent("emulated-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(text.utf8).write(to: folder.appendingPathComponent("emulated.json"))
        let artifact = ModelArtifact(
            name: "m",
            version: 1,
            path: folder.appendingPathComponent("model.onnx").path,
            signature: signature
        )
        return try EmulatedEngine().load(artifact).declared
    }

    @Test("A file beside the model describes its tensors, the batch dimension in front")
    func reads() throws {
        let declared = try load(
            """
            {"inputs": [{"name": "x", "type": "FP32", "dims": [3, -1]}],
             "outputs": [{"name": "y", "type": "BYTES", "dims": [1]}],
             "latency": [{"batch": 1, "ms": 0.5}, {"batch": 8, "units": 1, "ms": 2}],
             "noise": 0.1, "seed": 3, "fail": {"every": 2}}
            """
        )
        #expect(declared.inputs == [.init(name: "x", type: .fp32, shape: [-1, 3, -1])])
        #expect(declared.outputs == [.init(name: "y", type: .bytes, shape: [-1, 1])])
    }

    @Test(
        "What is wrong in a file is named in one line",
        arguments: [
            ("[1]", "not a JSON object"),
            (#"{"inputs": []}"#, "'inputs' must list"),
            (#"{"inputs": [{"name": "x"}]}"#, "inputs[0]: needs a name"),
            (#"{"inptus": []}"#, "unknown key 'inptus'"),
            (
                #"{"inputs":[{"name":"x","type":"FP32","dims":[1]}],"outputs":"#
                    + #"[{"name":"y","type":"FP32","dims":[1]}],"latency":[{"batch":0,"ms":1}]}"#,
                "latency[0]: 'batch' must be a number from 1"
            ),
        ]
    )
    func refuses(text: String, part: String) {
        let error = #expect(throws: EngineError.self) { try load(text) }
        #expect(error?.kind == .badModel)
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
    }

    @Test("A configuration that names other tensors or types than the model is refused")
    func mismatch() {
        let text = """
            {"inputs": [{"name": "x", "type": "FP32", "dims": [1]}],
             "outputs": [{"name": "y", "type": "FP32", "dims": [1]}]}
            """
        let wrongName = ModelSignature(
            inputs: [TensorSpec(name: "z", type: .fp32, dims: [1])],
            outputs: [],
            batched: true
        )
        #expect(throws: EngineError.self) { try load(text, signature: wrongName) }
        let wrongType = ModelSignature(
            inputs: [TensorSpec(name: "x", type: .fp16, dims: [1])],
            outputs: [],
            batched: true
        )
        #expect(throws: EngineError.self) { try load(text, signature: wrongType) }
    }

    @Test("Without a file, the configuration's tensors and a profile do; without either, one line")
    func timingsOnly() throws {
        let signature = ModelSignature(
            inputs: [TensorSpec(name: "x", type: .fp32, dims: [1])],
            outputs: [TensorSpec(name: "y", type: .fp32, dims: [1])],
            batched: false
        )
        let artifact = ModelArtifact(name: "m", version: 1, path: "", signature: signature)
        let surface = LatencySurface([.init(batch: 1, units: 1, latency: .zero)])
        let engine = EmulatedEngine(timings: ["m": VirtualModel(surface: surface)])
        #expect(try engine.load(artifact).declared.inputs[0].shape == [1])
        let error = #expect(throws: EngineError.self) { try EmulatedEngine().load(artifact) }
        #expect(error?.message.contains("profile the model first") == true)
    }
}
