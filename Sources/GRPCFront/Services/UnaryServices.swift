import NIOCore
import OpenInference
import ServerRuntime
import ServingDomain
import SwiftProtobuf
import WireMessages

/// The unary methods that are answered at once.
struct UnaryServices {
    /// What all connections share.
    let shared: FrontContext

    var runtime: ServingRuntime { shared.runtime }

    /// Answers one call.
    func call(_ method: Method, _ message: Message) throws(Status) -> ReplyMessage {
        switch method {
        case .serverLive: try ReplyMessage(Inference_ServerLiveResponse.with { $0.live = true })
        case .serverReady:
            try ReplyMessage(Inference_ServerReadyResponse.with { $0.ready = runtime.isReady })
        case .modelReady: try ReplyMessage(modelReady(try read(message)))
        case .serverMetadata: try ReplyMessage(serverMetadata)
        case .modelMetadata: try ReplyMessage(modelMetadata(try read(message)))
        case .modelConfig: try modelConfig(try read(message))
        case .modelStatistics: try ReplyMessage(modelStatistics(try read(message)))
        case .systemSharedMemoryStatus: try ReplyMessage(regions(try read(message)))
        case .systemSharedMemoryRegister: try ReplyMessage(register(try read(message)))
        case .systemSharedMemoryUnregister: try ReplyMessage(unregister(try read(message)))
        case .cudaSharedMemoryStatus: ReplyMessage(capacity: 0)
        case .cudaSharedMemoryUnregister: ReplyMessage(capacity: 0)
        case .cudaSharedMemoryRegister:
            throw Status(
                .unimplemented,
                "device memory can't be shared with this server; send tensors in the request or"
                    + " register system shared memory"
            )
        case .traceSetting: try ReplyMessage(traceSetting(try read(message)))
        case .logSettings: try ReplyMessage(logSettings(try read(message)))
        case .healthCheck: try ReplyMessage(healthCheck(try read(message)))
        case .modelInfer, .modelStreamInfer, .repositoryModelLoad, .repositoryModelUnload,
            .repositoryIndex, .healthWatch:
            // Their connection sees to these itself.
            throw Status(.internalError, "the method \(method) is not answered here")
        }
    }

    /// Reads a generated message.
    func read<Request: SwiftProtobuf.Message>(
        _ message: Message
    ) throws(Status) -> Request {
        try message.parsed()
    }

    /// Finds a model, or says why it can't be had.
    func find(_ name: String, _ version: String) throws(Status) -> Servable {
        let number = try ModelVersion.parse(version)
        do throws(LookupFailure) {
            return try runtime.servable(named: name, version: number)
        } catch {
            throw shared.statuses.status(error, model: name, version: version)
        }
    }
}

extension Message {
    /// Reads a generated message.
    func parsed<Request: SwiftProtobuf.Message>() throws(Status) -> Request {
        do {
            return try Request(serializedBytes: Array(joined().readableBytesView))
        } catch {
            throw Status(
                .invalidArgument,
                "the message is no \(Request.protoMessageName): \(error)"
            )
        }
    }
}
