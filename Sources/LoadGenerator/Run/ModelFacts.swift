import Foundation
import NIOCore
import ServingDomain
import SwiftProtobuf
import WireMessages

/// What the server tells about a model, over either protocol.
struct ModelFacts {
    let connector: Connector

    /// How often the model was asked, and how many batches that made.
    struct Counts: Hashable, Sendable {
        var inferences: UInt64
        var executions: UInt64
    }

    /// The model's inputs.
    func inputs(of model: ModelLoad) async throws -> [ModelInput] {
        let reply: Reply
        switch connector.transport {
        case .http:
            let requests = HTTPRequests(address: connector.address)
            reply = try await ask(requests.get(HTTPRequests.path(model)), of: model)
            return try Self.inputs(json: reply.body, model: model.name)
        case .grpc:
            let requests = GRPCRequests(address: connector.address)
            reply = try await ask(try requests.metadata(model), of: model)
            let message = try Inference_ModelMetadataResponse(
                serializedBytes: Data(reply.body.dropFirst(5))
            )
            return try message.inputs.map {
                try Self.input($0.name, $0.datatype, $0.shape, model: model.name)
            }
        }
    }

    /// The model's counts; nil where the server does not tell.
    func counts(of model: ModelLoad) async -> Counts? {
        do {
            switch connector.transport {
            case .http:
                let requests = HTTPRequests(address: connector.address)
                let path = HTTPRequests.path(model) + "/stats"
                return Self.counts(json: try await ask(requests.get(path), of: model).body)
            case .grpc:
                let requests = GRPCRequests(address: connector.address)
                let reply = try await ask(try requests.statistics(model), of: model)
                let message = try Inference_ModelStatisticsResponse(
                    serializedBytes: Data(reply.body.dropFirst(5))
                )
                return message.modelStats.reduce(Counts(inferences: 0, executions: 0)) {
                    Counts(
                        inferences: $0.inferences + $1.inferenceCount,
                        executions: $0.executions + $1.executionCount
                    )
                }
            }
        } catch {
            return nil
        }
    }

    private func ask(_ request: PreparedRequest, of model: ModelLoad) async throws -> Reply {
        let reply = try await SingleCall.ask(request, by: connector)
        guard reply.outcome == .served else {
            let place = connector.address.authority
            let note = reply.note.isEmpty ? "no reason given" : reply.note
            throw LoadError("\(place), model '\(model.name)': \(reply.kind), \(note)")
        }
        return reply
    }

    // MARK: Reading

    static func inputs(json: [UInt8], model: String) throws -> [ModelInput] {
        let parsed = try? JSONSerialization.jsonObject(with: Data(json))
        guard let object = parsed as? [String: Any],
            let list = object["inputs"] as? [[String: Any]], !list.isEmpty
        else { throw LoadError("the metadata of model '\(model)' names no inputs") }
        return try list.map { entry in
            guard let name = entry["name"] as? String, let type = entry["datatype"] as? String,
                let shape = entry["shape"] as? [Any]
            else { throw LoadError("an input of model '\(model)' lacks name, datatype or shape") }
            // KServe's own server writes free dimensions as null or text.
            let dims = shape.map { ($0 as? NSNumber)?.int64Value ?? -1 }
            return try input(name, type, dims, model: model)
        }
    }

    private static func input(
        _ name: String,
        _ type: String,
        _ shape: [Int64],
        model: String
    ) throws -> ModelInput {
        guard let type = DataType(name: type) else {
            throw LoadError("input '\(name)' of model '\(model)' has the unknown type \(type)")
        }
        return ModelInput(name: name, type: type, shape: shape)
    }

    private static func counts(json: [UInt8]) -> Counts? {
        let parsed = try? JSONSerialization.jsonObject(with: Data(json))
        guard let list = (parsed as? [String: Any])?["model_stats"] as? [[String: Any]] else {
            return nil
        }
        var sum = Counts(inferences: 0, executions: 0)
        for entry in list {
            sum.inferences += (entry["inference_count"] as? NSNumber)?.uint64Value ?? 0
            sum.executions += (entry["execution_count"] as? NSNumber)?.uint64Value ?? 0
        }
        return sum
    }
}
