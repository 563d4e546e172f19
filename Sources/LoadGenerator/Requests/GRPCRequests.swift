import Foundation
import NIOCore
import ServingDomain
import SwiftProtobuf
import WireMessages

/// Requests of the v2 protocol over gRPC.
struct GRPCRequests {
    let address: ServerAddress

    /// Asks for the tensors of a model.
    func metadata(_ model: ModelLoad) throws -> PreparedRequest {
        var message = Inference_ModelMetadataRequest()
        message.name = model.name
        message.version = model.version.map(String.init) ?? ""
        return try prepared(message, method: "ModelMetadata", keepsBody: true)
    }

    /// Asks for what the server has counted for a model.
    func statistics(_ model: ModelLoad) throws -> PreparedRequest {
        var message = Inference_ModelStatisticsRequest()
        message.name = model.name
        message.version = model.version.map(String.init) ?? ""
        return try prepared(message, method: "ModelStatistics", keepsBody: true)
    }

    /// An inference.
    func infer(_ model: ModelLoad, inputs: [InputTensor]) throws -> PreparedRequest {
        var message = Inference_ModelInferRequest()
        message.modelName = model.name
        message.modelVersion = model.version.map(String.init) ?? ""
        if model.priority > 0 {
            message.parameters["priority"] = .with { $0.uint64Param = model.priority }
        }
        if let timeout = model.timeout {
            message.parameters["timeout"] = .with {
                $0.int64Param = max(1, timeout.nanoseconds / 1_000)
            }
        }
        message.inputs = inputs.map { input in
            .with {
                $0.name = input.name
                $0.datatype = input.type.name
                $0.shape = input.shape
            }
        }
        message.rawInputContents = inputs.map { Data($0.bytes) }
        return try prepared(message, method: "ModelInfer", keepsBody: false)
    }

    private func prepared(
        _ message: some Message,
        method: String,
        keepsBody: Bool
    ) throws -> PreparedRequest {
        let body: Data = try message.serializedBytes()
        var bytes = ByteBuffer()
        bytes.reserveCapacity(5 + body.count)
        bytes.writeInteger(UInt8(0))
        bytes.writeInteger(UInt32(body.count))
        bytes.writeBytes(body)
        let path = "/inference.GRPCInferenceService/" + method
        return PreparedRequest(
            bytes: bytes,
            headers: HeaderBlocks(path: path, authority: address.authority),
            keepsBody: keepsBody
        )
    }
}
