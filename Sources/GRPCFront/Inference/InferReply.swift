import OpenInference
import ServerRuntime
import ServingDomain

/// A `ModelInferResponse` that is written as its outputs arise.
///
/// Descriptions and contents alternate, which protobuf allows, so that each output is copied
/// once, straight behind its description.
struct InferReply: Sendable {
    /// What a description takes at most in the usual reply.
    private static let descriptionBytes = 160

    private let model: String
    private let version: Int64
    private let id: String
    private let isStreamed: Bool
    private let marksFinal: Bool
    private var message: ReplyMessage?

    /// Creates the reply to a request; nothing is written yet.
    init(_ plan: InferPlan, isStreamed: Bool) {
        model = plan.servable.spec.name
        version = plan.servable.spec.version
        id = plan.name
        self.isStreamed = isStreamed
        // Triton marks every streamed reply of a model that answers once, asked for or not.
        marksFinal = isStreamed
    }

    /// Adds an output with its contents.
    mutating func append(
        _ name: String,
        _ type: DataType,
        shape: [Int64],
        _ bytes: UnsafeRawBufferPointer
    ) {
        write(contentBytes: bytes.count) { encoder in
            encoder.output(name: name, type: type, shape: shape)
            encoder.appendRawHeader(byteCount: bytes.count)
        }
        message?.append(bytes)
    }

    /// Adds an output whose contents went into shared memory.
    mutating func append(
        shared range: SharedRange,
        of spec: TensorSpec,
        shape: [Int64],
        byteCount: Int
    ) {
        write(contentBytes: 0) { encoder in
            encoder.output(
                name: spec.name,
                type: spec.type,
                shape: shape,
                shared: range,
                byteCount: byteCount
            )
            encoder.appendRawHeader(byteCount: 0)
        }
    }

    /// The whole reply.
    mutating func finished() -> ReplyMessage {
        if message == nil { write(contentBytes: 0) { _ in } }
        var whole = message ?? ReplyMessage(capacity: 0)
        message = nil
        if isStreamed { whole.wrapForStream() }
        whole.seal()
        return whole
    }

    private mutating func write(
        contentBytes: Int,
        _ describe: (inout ProtobufInferEncoder) -> Void
    ) {
        var scratch: [UInt8] = []
        scratch.reserveCapacity(Self.descriptionBytes)
        var encoder = ProtobufInferEncoder(reusing: scratch)
        if message == nil {
            encoder.begin(id: id, model: model, version: version)
            if marksFinal { encoder.parameter("triton_final_response", .flag(true)) }
        }
        describe(&encoder)
        let head = encoder.bytes
        if message == nil { message = ReplyMessage(capacity: head.count + contentBytes) }
        message?.append(head)
    }
}
