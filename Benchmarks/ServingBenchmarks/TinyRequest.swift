import OpenInference
import ServingDomain

/// The request and the reply of the tiny model ([1, 16] FP32) on all three wires.
struct TinyRequest {
    /// The wire.
    enum Wire: String, CaseIterable {
        case json = "HTTP JSON", binary = "HTTP binary", grpc = "gRPC"
    }

    private let wire: Wire
    private let message: [UInt8]
    private let headerLength: Int
    private let values: [UInt8]
    private var reply: [UInt8] = []
    private let signature = ModelSignature(
        inputs: [TensorSpec(name: "x", type: .fp32, dims: [16])],
        outputs: [TensorSpec(name: "y", type: .fp32, dims: [16])],
        batched: true
    )

    /// Prepares the bytes as a client would send them.
    init(_ wire: Wire) {
        self.wire = wire
        values = (0..<16).flatMap { number in
            withUnsafeBytes(of: (Float(number) / 16).bitPattern.littleEndian) { Array($0) }
        }
        var request = InferRequest()
        request.inputs = [
            RequestInput(name: "x", type: .fp32, shape: [1, 16], source: .converted(values))
        ]
        switch wire {
        case .json:
            message = InferRequestEncoder.json(request, data: [values])
            headerLength = message.count
        case .binary:
            request.outputs = [RequestedOutput(name: "y", binary: true)]
            let header = InferRequestEncoder.httpHeader(request)
            message = header + values
            headerLength = header.count
        case .grpc:
            request.modelName = "tiny"
            message = InferRequestEncoder.protobuf(request, data: [values])
            headerLength = 0
        }
    }

    /// Decodes the request and holds it against the model; the bytes of its input.
    func decode() throws(WireError) -> Int {
        let result: Result<Int, WireError> = message.withUnsafeBytes { bytes in
            do throws(WireError) {
                let request =
                    wire == .grpc
                    ? try ProtobufInferDecoder.decode(bytes)
                    : try JSONInferDecoder.decode(
                        UnsafeRawBufferPointer(rebasing: bytes[..<headerLength]),
                        bodyLength: bytes.count
                    )
                let bound = try request.bind(
                    to: signature,
                    maxBatch: 64,
                    message: WholeMessage(bytes)
                )
                return .success(bound.byteCount(input: 0))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    /// Encodes a reply into storage that is used again; its length.
    mutating func encode() throws(WireError) -> Int {
        let storage = reply
        reply = []
        switch wire {
        case .json: reply = try json(storage)
        case .binary:
            var encoder = JSONInferEncoder(reusing: storage)
            encoder.begin(id: "", model: "tiny", version: 1)
            encoder.append(binary: "y", type: .fp32, shape: [1, 16], byteCount: values.count)
            encoder.end()
            reply = encoder.bytes
        case .grpc:
            var encoder = ProtobufInferEncoder(reusing: storage)
            encoder.begin(id: "", model: "tiny", version: 1)
            encoder.output(name: "y", type: .fp32, shape: [1, 16])
            values.withUnsafeBytes { encoder.appendRaw($0) }
            reply = encoder.bytes
        }
        return reply.count
    }

    private func json(_ storage: consuming [UInt8]) throws(WireError) -> [UInt8] {
        var encoder = JSONInferEncoder(reusing: storage)
        encoder.begin(id: "", model: "tiny", version: 1)
        let result: Result<Void, WireError> = values.withUnsafeBytes { bytes in
            do throws(WireError) {
                try encoder.append(data: bytes, name: "y", type: .fp32, shape: [1, 16])
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try result.get()
        encoder.end()
        return encoder.bytes
    }
}
