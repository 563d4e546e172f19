import ServerRuntime
import ServingDomain
import SwiftProtobuf
import WireMessages

/// What clients may know about the server and its models.
extension UnaryServices {
    /// Name, version and extensions of the server.
    var serverMetadata: Inference_ServerMetadataResponse {
        let identity = shared.configuration.identity
        return .with {
            $0.name = identity.name
            $0.version = identity.version
            $0.extensions = identity.extensions
        }
    }

    /// Whether a model answers; an unknown one does not, without an error.
    func modelReady(
        _ request: Inference_ModelReadyRequest
    ) throws(Status) -> Inference_ModelReadyResponse {
        let version = try ModelVersion.parse(request.version)
        let found = try? runtime.servable(named: request.name, version: version)
        return .with { $0.ready = found != nil }
    }

    /// The tensors of a model.
    func modelMetadata(
        _ request: Inference_ModelMetadataRequest
    ) throws(Status) -> Inference_ModelMetadataResponse {
        let model = try find(request.name, request.version)
        let versions =
            request.version.isEmpty
            ? runtime.servables().filter { $0.spec.name == request.name }.map(\.spec.version)
            : [model.spec.version]
        return .with {
            $0.name = model.spec.name
            $0.versions = versions.map(String.init)
            $0.platform = model.platform
            $0.inputs = model.signature.inputs.map { tensor($0, model.signature) }
            $0.outputs = model.signature.outputs.map { tensor($0, model.signature) }
        }
    }

    private func tensor(
        _ spec: TensorSpec,
        _ signature: ModelSignature
    ) -> Inference_ModelMetadataResponse.TensorMetadata {
        .with {
            $0.name = spec.name
            $0.datatype = spec.type.name
            $0.shape = signature.batched ? [-1] + spec.dims : spec.dims
        }
    }

    /// The configuration of a model, wrapped without being read: field 1 of the response.
    func modelConfig(_ request: Inference_ModelConfigRequest) throws(Status) -> ReplyMessage {
        let model = try find(request.name, request.version)
        var head: [UInt8] = [1 << 3 | 2]
        var length = UInt64(model.configBytes.count)
        while length >= 0x80 {
            head.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        head.append(UInt8(length))
        var reply = ReplyMessage(capacity: head.count + model.configBytes.count)
        reply.append(head)
        reply.append(model.configBytes)
        return reply
    }

    /// What models have done; all that answer where no name is given.
    func modelStatistics(
        _ request: Inference_ModelStatisticsRequest
    ) throws(Status) -> Inference_ModelStatisticsResponse {
        let version = try ModelVersion.parse(request.version)
        let models = runtime.servables().filter {
            (request.name.isEmpty || $0.spec.name == request.name)
                && (version == nil || $0.spec.version == version)
        }
        // Triton's code here, unlike for metadata.
        guard request.name.isEmpty || !models.isEmpty else {
            throw Status(.invalidArgument, "requested model '\(request.name)' is not available")
        }
        return .with { $0.modelStats = models.map(statistics) }
    }

    private func statistics(_ model: Servable) -> Inference_ModelStatistics {
        let counted = model.statistics.snapshot()
        return .with {
            $0.name = model.spec.name
            $0.version = String(model.spec.version)
            $0.lastInference = counted.lastInference
            $0.inferenceCount = counted.inferences
            $0.executionCount = counted.executions
            $0.inferenceStats = .with {
                $0.success = duration(counted.success)
                $0.fail = duration(counted.fail)
                $0.queue = duration(counted.queue)
                $0.computeInput = duration(counted.computeInput)
                $0.computeInfer = duration(counted.computeInfer)
                $0.computeOutput = duration(counted.computeOutput)
                $0.cacheHit = duration(counted.cacheHit)
                $0.cacheMiss = duration(counted.cacheMiss)
            }
            $0.batchStats = counted.batches.map { batch in
                .with {
                    $0.batchSize = batch.size
                    $0.computeInput = duration(batch.input)
                    $0.computeInfer = duration(batch.infer)
                    $0.computeOutput = duration(batch.output)
                }
            }
        }
    }

    private func duration(_ counted: CountAndTime) -> Inference_StatisticDuration {
        .with {
            $0.count = counted.count
            $0.ns = counted.nanoseconds
        }
    }

    /// The models of the repository.
    func repositoryIndex(
        _ request: Inference_RepositoryIndexRequest
    ) throws(Status) -> Inference_RepositoryIndexResponse {
        try RepositoryName.check(request.repositoryName)
        let entries = runtime.index(readyOnly: request.ready)
        return .with {
            $0.models = entries.map { entry in
                .with {
                    $0.name = entry.name
                    $0.version = entry.version.map { String($0) } ?? ""
                    $0.state = entry.state?.rawValue ?? ""
                    $0.reason = entry.reason
                }
            }
        }
    }
}

/// The name of a repository in a request: there is only one, which has none.
enum RepositoryName {
    /// Refuses any name but the empty one.
    static func check(_ name: String) throws(Status) {
        guard name.isEmpty else {
            throw Status(
                .unimplemented,
                "repositories have no names here; leave 'repository_name' empty"
            )
        }
    }
}
