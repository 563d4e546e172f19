import EngineEmulated
import FoundationEssentials
import Logging
import NIOPosix
import ServerCore
import ServerRuntime
import ServingDomain
import SwiftProtobuf
import Synchronization
import WireMessages

@testable import GRPCFront

/// Models that a test lists itself.
final class ListedModels: ModelSource {
    private let definitions: [String: ModelDefinition]

    init(_ definitions: [ModelDefinition]) {
        self.definitions = Dictionary(uniqueKeysWithValues: definitions.map { ($0.name, $0) })
    }

    func names() throws(SourceError) -> [String] { definitions.keys.sorted() }

    func read(
        _ name: String,
        override: LoadOverride?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature
    ) throws(SourceError) -> ModelDefinition {
        guard let definition = definitions[name] else {
            throw SourceError(.notFound, "there is no model '\(name)'")
        }
        return definition
    }

    func fingerprint(_ name: String) throws(SourceError) -> UInt64 { 0 }
}

/// A front over a runtime with one emulated device and three models: `echo` and `big` give back
/// what they get, `gated` does so when the test lets it.
struct FrontFixture {
    let runtime: ServingRuntime
    let front: GRPCFront
    let gate = EmulatedControl()

    init(_ change: (inout GRPCConfiguration) -> Void = { _ in }) async throws {
        let device = DeviceSpec(id: DeviceID(0), name: "emu0", kind: "emulated", units: 4)
        var runtimeConfiguration = RuntimeConfiguration(
            core: CoreConfiguration(devices: [device], policy: "edf"),
            unitNumbers: [[0, 1, 2, 3]]
        )
        runtimeConfiguration.control = .explicit(["*"])
        let models = [
            Self.model("echo", dims: [4]),
            Self.model("big", dims: [-1]),
            Self.model("gated", dims: [-1], maxBatch: 1),
        ]
        var emulations: [String: EmulatedModel] = [:]
        for model in models {
            emulations[model.name] = EmulatedModel(signature: model.signature)
        }
        emulations["gated"]?.control = gate
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        runtime = try ServingRuntime(
            runtimeConfiguration,
            engine: EmulatedEngine(models: emulations),
            source: ListedModels(models),
            logger: quiet
        )
        await runtime.start()
        gate.close()
        var configuration = GRPCConfiguration()
        configuration.host = "127.0.0.1"
        configuration.port = 0
        configuration.watchInterval = .milliseconds(1)
        change(&configuration)
        front = try await GRPCFront.start(
            runtime: runtime,
            configuration: configuration,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: quiet
        )
    }

    /// Ends everything, so that no thread outlives its test.
    func end() async {
        gate.open()
        await front.shutDown(patience: .zero)
        await runtime.shutDown(patience: .seconds(5))
    }

    func client(window: Int = 64 << 20) async throws -> GRPCClient {
        try await GRPCClient.connect(front.address, window: window)
    }

    static func model(_ name: String, dims: [Int64], maxBatch: Int32 = 8) -> ModelDefinition {
        let signature = ModelSignature(
            inputs: [TensorSpec(name: "INPUT", type: .uint8, dims: dims)],
            outputs: [TensorSpec(name: "OUTPUT", type: .uint8, dims: dims)],
            batched: true
        )
        return ModelDefinition(
            name: name,
            rules: ModelSpec(id: ModelID(0), name: name, maxBatch: maxBatch),
            signature: signature,
            versions: [ModelArtifact(name: name, version: 1, path: "", signature: signature)],
            configJSON: Array("{}".utf8),
            configBytes: [0x0a, 1, UInt8(ascii: "x")]
        )
    }

    /// A serialized request to give back `bytes`.
    static func request(
        _ bytes: [UInt8],
        to model: String = "echo",
        id: String = "",
        change: (inout Inference_ModelInferRequest) -> Void = { _ in }
    ) throws -> [UInt8] {
        var request = Inference_ModelInferRequest.with {
            $0.modelName = model
            $0.id = id
            $0.inputs = [
                .with {
                    $0.name = "INPUT"
                    $0.datatype = "UINT8"
                    $0.shape = [1, Int64(bytes.count)]
                }
            ]
            $0.rawInputContents = [Data(bytes)]
        }
        change(&request)
        return try request.serializedBytes()
    }
}

extension GRPCCall.Reply {
    /// The contents of the one output of the reply's one message.
    func echoed() throws -> [UInt8]? {
        guard let message = messages.first else { return nil }
        let reply = try Inference_ModelInferResponse(serializedBytes: message)
        return reply.rawOutputContents.first.map { [UInt8]($0) }
    }
}
