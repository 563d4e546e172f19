import EngineEmulated
import ServerRuntime
import ServingDomain
import SwiftProtobuf
import Testing
import WireMessages

@testable import GRPCFront

/// The methods around inference, and streams of inferences.
@Suite(.timeLimit(.minutes(2))) struct ServiceTests {
    private func ask<Request: SwiftProtobuf.Message, Reply: SwiftProtobuf.Message>(
        _ client: GRPCClient,
        _ method: String,
        _ request: Request,
        _: Reply.Type = Reply.self
    ) async throws -> Reply {
        let reply = try await client.call(method, try request.serializedBytes())
        try #require(reply.status == 0, "\(method): \(reply.trailers)")
        return try Reply(serializedBytes: reply.messages[0])
    }

    @Test("The server, its models and their numbers are told")
    func metadata() async throws {
        let fixture = try await FrontFixture { $0.identity.extensions = ["statistics"] }
        let client = try await fixture.client()
        let live: Inference_ServerLiveResponse = try await ask(
            client,
            "ServerLive",
            Inference_ServerLiveRequest()
        )
        let ready: Inference_ServerReadyResponse = try await ask(
            client,
            "ServerReady",
            Inference_ServerReadyRequest()
        )
        #expect(live.live && ready.ready)
        let server: Inference_ServerMetadataResponse = try await ask(
            client,
            "ServerMetadata",
            Inference_ServerMetadataRequest()
        )
        #expect(server.name == "sluice" && server.extensions == ["statistics"])
        for (name, isReady) in [("echo", true), ("nobody", false)] {
            let model: Inference_ModelReadyResponse = try await ask(
                client,
                "ModelReady",
                Inference_ModelReadyRequest.with { $0.name = name }
            )
            #expect(model.ready == isReady)
        }
        let model: Inference_ModelMetadataResponse = try await ask(
            client,
            "ModelMetadata",
            Inference_ModelMetadataRequest.with { $0.name = "echo" }
        )
        #expect(model.versions == ["1"] && model.inputs[0].shape == [-1, 4])
        #expect(model.outputs[0].datatype == "UINT8")
        let config: Inference_ModelConfigResponse = try await ask(
            client,
            "ModelConfig",
            Inference_ModelConfigRequest.with { $0.name = "echo" }
        )
        #expect(config.config.name == "x")
        _ = try await client.call("ModelInfer", try FrontFixture.request([1, 2, 3, 4]))
        let counted: Inference_ModelStatisticsResponse = try await ask(
            client,
            "ModelStatistics",
            Inference_ModelStatisticsRequest.with { $0.name = "echo" }
        )
        #expect(counted.modelStats[0].inferenceStats.success.count == 1)
        #expect(counted.modelStats[0].inferenceStats.hasCacheHit)
        await fixture.end()
    }

    @Test("Models are listed, loaded and unloaded; unknown names and repositories are refused")
    func repository() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        func index() async throws -> [String: String] {
            let reply: Inference_RepositoryIndexResponse = try await ask(
                client,
                "RepositoryIndex",
                Inference_RepositoryIndexRequest()
            )
            return Dictionary(uniqueKeysWithValues: reply.models.map { ($0.name, $0.state) })
        }
        #expect(try await index() == ["big": "READY", "echo": "READY", "gated": "READY"])
        let unload = Inference_RepositoryModelUnloadRequest.with { $0.modelName = "echo" }
        _ = try await client.call("RepositoryModelUnload", try unload.serializedBytes())
        #expect(try await index()["echo"] != "READY")
        let load = Inference_RepositoryModelLoadRequest.with { $0.modelName = "echo" }
        #expect(
            try await client.call("RepositoryModelLoad", try load.serializedBytes()).status == 0
        )
        #expect(try await index()["echo"] == "READY")
        let unknown = Inference_RepositoryModelLoadRequest.with { $0.modelName = "nobody" }
        let reply = try await client.call("RepositoryModelLoad", try unknown.serializedBytes())
        #expect(reply.status == StatusCode.notFound.rawValue)
        let named = Inference_RepositoryIndexRequest.with { $0.repositoryName = "r" }
        let refused = try await client.call("RepositoryIndex", try named.serializedBytes())
        #expect(refused.status == StatusCode.unimplemented.rawValue)
        await fixture.end()
    }

    @Test("Settings are read and changed; shared memory that is off says so")
    func settings() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let change = Inference_LogSettingsRequest.with {
            $0.settings["log_verbose_level"] = .with { $0.uint32Param = 1 }
        }
        let log: Inference_LogSettingsResponse = try await ask(client, "LogSettings", change)
        #expect(log.settings["log_verbose_level"]?.uint32Param == 1)
        let trace: Inference_TraceSettingResponse = try await ask(
            client,
            "TraceSetting",
            Inference_TraceSettingRequest()
        )
        #expect(trace.settings["trace_level"]?.value == ["OFF"])
        let register = Inference_SystemSharedMemoryRegisterRequest.with { $0.name = "r" }
        let off = try await client.call(
            "SystemSharedMemoryRegister",
            try register.serializedBytes()
        )
        #expect(off.status != 0 && !off.message.isEmpty)
        let device = try await client.call("CudaSharedMemoryRegister", [])
        #expect(device.status == StatusCode.unimplemented.rawValue)
        #expect(try await client.call("CudaSharedMemoryStatus", []).status == 0)
        await fixture.end()
    }

    @Test("Health is told for the server and each model, and watchers hear of every change")
    func health() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let path = "/grpc.health.v1.Health/"
        func request(_ name: String) throws -> [UInt8] {
            try Grpc_Health_V1_HealthCheckRequest.with { $0.service = name }.serializedBytes()
        }
        func state(_ bytes: [UInt8]?) throws -> Health.ServingStatus? {
            try bytes.map { try Grpc_Health_V1_HealthCheckResponse(serializedBytes: $0).status }
        }
        for name in ["", "echo"] {
            let reply = try await client.call(path + "Check", try request(name))
            #expect(try state(reply.messages.first) == .serving)
        }
        let unknown = try await client.call(path + "Check", try request("nobody"))
        #expect(unknown.status == StatusCode.notFound.rawValue)
        let watch = try await client.begin(path + "Watch")
        try await watch.send(try request("echo"), end: true)
        #expect(try state(try await watch.messages(1).last) == .serving)
        try await fixture.runtime.unload("echo")
        #expect(try state(try await watch.messages(2)[1]) != .serving)
        try await fixture.runtime.load("echo", override: nil)
        var seen = 3
        while try state(try await watch.messages(seen)[seen - 1]) != .serving { seen += 1 }
        try await watch.cancel()
        fixture.runtime.beginDraining()
        let draining = try await client.call(path + "Check", try request(""))
        #expect(try state(draining.messages.first) == .notServing)
        await fixture.end()
    }

    @Test("A stream answers in request order, errors inside, more than may run at once")
    func streamOrder() async throws {
        let fixture = try await FrontFixture { $0.maxRequestsPerStream = 4 }
        let client = try await fixture.client()
        let call = try await client.begin("ModelStreamInfer")
        var all: [UInt8] = []
        for index in 0..<50 {
            let model = index % 5 == 4 ? "nobody" : index % 5 == 2 ? "gated" : "echo"
            let bytes = [UInt8](repeating: UInt8(index), count: 4)
            all += MessageAssemblerTests.framed(
                try FrontFixture.request(bytes, to: model, id: "r\(index)")
            )
        }
        try await call.send(raw: all, end: true)
        await fixture.gate.blocked(atLeast: 1)
        fixture.gate.open()
        let reply = try await call.ended()
        #expect(reply.status == 0)
        try #require(reply.messages.count == 50)
        for (index, bytes) in reply.messages.enumerated() {
            let answer = try Inference_ModelStreamInferResponse(serializedBytes: bytes)
            #expect(answer.inferResponse.id == "r\(index)")
            #expect(answer.errorMessage.isEmpty == (index % 5 != 4))
            if answer.errorMessage.isEmpty {
                let value = answer.inferResponse.rawOutputContents.first?.first
                #expect(value == UInt8(index))
            }
        }
        await fixture.end()
    }

    @Test("With triton_grpc_error the first error ends the stream with its status")
    func trueStatus() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let call = try await client.begin("ModelStreamInfer", [("triton_grpc_error", "true")])
        try await call.send(try FrontFixture.request([1, 2, 3, 4]))
        _ = try await call.messages(1)
        try await call.send(try FrontFixture.request([1, 2, 3, 4], to: "nobody"))
        let reply = try await call.ended()
        #expect(reply.messages.count == 1)
        #expect(reply.status == StatusCode.notFound.rawValue)
        await fixture.end()
    }

    @Test("A streamed reply says that it is the last for its request, where that was asked for")
    func finalResponse() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let call = try await client.begin("ModelStreamInfer")
        let request = try FrontFixture.request([1, 2, 3, 4]) {
            $0.parameters["triton_enable_empty_final_response"] = .with { $0.boolParam = true }
        }
        try await call.send(request, end: true)
        let reply = try await call.ended()
        let answer = try Inference_ModelStreamInferResponse(serializedBytes: reply.messages[0])
        #expect(answer.inferResponse.parameters["triton_final_response"]?.boolParam == true)
        await fixture.end()
    }
}
