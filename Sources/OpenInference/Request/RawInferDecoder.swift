public import ServingDomain

/// Makes a request of a raw body (`Inference-Header-Content-Length: 0`): the bytes of the one
/// input, batch 1, every output answered as binary data.
public enum RawInferDecoder {
    /// Works out the one tensor's shape from the body's length.
    ///
    /// The model must have one input with one free dimension at most; one of BYTES must be of
    /// shape [1], and the body is then the element without its length.
    public static func decode(
        bodyLength: Int,
        signature: ModelSignature
    ) throws(WireError) -> InferRequest {
        guard let spec = signature.inputs.first, signature.inputs.count == 1 else {
            throw refusal("the model has \(signature.inputs.count) inputs, it must have one")
        }
        let lead: [Int64] = signature.batched ? [1] : []
        var request = InferRequest()
        request.options.wantsBinary = true
        guard let size = spec.type.size else {
            guard spec.dims == [1] || spec.dims == [-1] else {
                throw refusal("a BYTES input must have the shape [1], it has \(spec.dims)")
            }
            request.inputs = [
                RequestInput(
                    name: spec.name,
                    type: .bytes,
                    shape: lead + [1],
                    source: .element(0..<bodyLength)
                )
            ]
            return request
        }
        let shape = lead + (try fill(spec, bytesPerElement: size, bodyLength: bodyLength))
        request.inputs = [
            RequestInput(
                name: spec.name,
                type: spec.type,
                shape: shape,
                source: .body(0..<bodyLength)
            )
        ]
        return request
    }

    /// The dimensions of the input, the free one worked out.
    private static func fill(
        _ spec: TensorSpec,
        bytesPerElement size: Int,
        bodyLength: Int
    ) throws(WireError) -> [Int64] {
        let free = spec.dims.indices.filter { spec.dims[$0] < 0 }
        guard free.count <= 1 else {
            throw refusal("the input has \(free.count) free dimensions, one at most may be")
        }
        guard let place = free.first else { return spec.dims }
        let fixed = TensorSize.elements(spec.dims.filter { $0 >= 0 }) ?? 0
        let (unit, overflow) = fixed.multipliedReportingOverflow(by: size)
        guard !overflow, unit > 0, bodyLength % unit == 0 else {
            throw refusal("the body's \(bodyLength) bytes don't fill the shape \(spec.dims)")
        }
        var dims = spec.dims
        dims[place] = Int64(bodyLength / unit)
        return dims
    }

    private static func refusal(_ why: String) -> WireError {
        WireError(.invalidArgument, "a raw body does not fit: \(why); send a JSON header")
    }
}
