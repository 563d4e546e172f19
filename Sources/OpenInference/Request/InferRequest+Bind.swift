public import ServingDomain

extension InferRequest {
    /// Holds the request against a model: names, types, shapes, sizes, batch.
    ///
    /// - Parameters:
    ///   - signature: The model's tensors.
    ///   - maxBatch: The most items that one request may bring.
    ///   - message: The message, to check BYTES tensors in it. Those in shared memory are not
    ///     checked here, since their bytes can't be seen from here.
    /// - Returns: The request in the signature's order.
    /// - Throws: `invalidArgument` with one line.
    public func bind(
        to signature: ModelSignature,
        maxBatch: Int32,
        message: some MessageBytes
    ) throws(WireError) -> BoundRequest {
        var binding = RequestBinding(signature: signature, maxBatch: maxBatch)
        for input in inputs { try binding.take(input, message) }
        try binding.checkComplete()
        return BoundRequest(
            items: binding.items ?? 1,
            dims: binding.dims,
            sources: binding.sources,
            outputs: try wantedOutputs(of: signature)
        )
    }

    private func wantedOutputs(of signature: ModelSignature) throws(WireError) -> [WantedOutput] {
        guard !outputs.isEmpty else {
            return signature.outputs.indices.map {
                WantedOutput(index: $0, isBinary: options.wantsBinary)
            }
        }
        var wanted: [WantedOutput] = []
        wanted.reserveCapacity(outputs.count)
        for output in outputs {
            guard let index = signature.outputs.firstIndex(where: { $0.name == output.name })
            else {
                throw WireError(.invalidArgument, "the model has no output '\(output.name)'")
            }
            guard !wanted.contains(where: { $0.index == index }) else {
                throw WireError(.invalidArgument, "output '\(output.name)' is asked for twice")
            }
            if output.classes > 0 {
                try checkClassification(signature.outputs[index], output)
            }
            wanted.append(
                WantedOutput(
                    index: index,
                    isBinary: output.binary ?? options.wantsBinary,
                    classes: output.classes,
                    shared: output.shared
                )
            )
        }
        return wanted
    }

    private func checkClassification(
        _ spec: TensorSpec,
        _ output: RequestedOutput
    ) throws(WireError) {
        guard output.shared == nil else {
            throw WireError(
                .invalidArgument,
                "output '\(output.name)' can't be classified into shared memory; ask for one"
            )
        }
        guard Classification.takes(spec.type) else {
            throw WireError(
                .invalidArgument,
                "output '\(output.name)' is \(spec.type.name), which can't be classified"
            )
        }
    }
}

/// A request on its way into the signature's order.
private struct RequestBinding {
    let signature: ModelSignature
    let maxBatch: Int32
    var items: Int32?
    var dims: [[Int64]?]
    var sources: [TensorSource?]

    init(signature: ModelSignature, maxBatch: Int32) {
        self.signature = signature
        self.maxBatch = maxBatch
        dims = Array(repeating: nil, count: signature.inputs.count)
        sources = Array(repeating: nil, count: signature.inputs.count)
    }

    mutating func take(
        _ input: RequestInput,
        _ message: some MessageBytes
    ) throws(WireError) {
        guard let index = signature.inputs.firstIndex(where: { $0.name == input.name }) else {
            throw WireError(.invalidArgument, "the model has no input '\(input.name)'")
        }
        guard sources[index] == nil else {
            throw WireError(.invalidArgument, "input '\(input.name)' comes twice")
        }
        let spec = signature.inputs[index]
        guard input.type == spec.type else {
            throw WireError(
                .invalidArgument,
                "input '\(input.name)' is \(input.type.name), the model takes \(spec.type.name)"
            )
        }
        let row = try row(of: input, spec)
        try checkBytes(of: input, message)
        guard let engineRow = spec.engineRow(row) else {
            throw WireError(
                .internalFault,
                "the reshape of input '\(spec.name)' has more free sizes than its dims; "
                    + "the operator must mend config.pbtxt"
            )
        }
        dims[index] = engineRow
        sources[index] = input.source
    }

    func checkComplete() throws(WireError) {
        for (spec, source) in zip(signature.inputs, sources) where source == nil && !spec.optional {
            throw WireError(
                .invalidArgument,
                "input '\(spec.name)' is missing; the model takes "
                    + signature.inputs.map { "'\($0.name)'" }.joined(separator: ", ")
            )
        }
    }

    /// The dimensions of one row, checked; notes the items.
    private mutating func row(
        of input: RequestInput,
        _ spec: TensorSpec
    ) throws(WireError) -> [Int64] {
        let lead = signature.batched ? 1 : 0
        guard input.shape.count >= lead, spec.takes(input.shape.dropFirst(lead)) else {
            let expected = signature.batched ? [-1] + spec.dims : spec.dims
            throw WireError(
                .invalidArgument,
                "input '\(input.name)' has the shape \(input.shape), the model takes \(expected)"
            )
        }
        guard signature.batched else { return input.shape }
        let count = input.shape[0]
        guard count >= 1, count <= Int64(maxBatch) else {
            throw WireError(
                .invalidArgument,
                "input '\(input.name)' brings \(count) items, the model takes 1 to \(maxBatch)"
            )
        }
        if let items, Int64(items) != count {
            throw WireError(
                .invalidArgument,
                "input '\(input.name)' brings \(count) items, another input \(items); "
                    + "all must bring the same"
            )
        }
        items = Int32(count)
        return spec.isFixed ? spec.dims : Array(input.shape.dropFirst())
    }

    private func checkBytes(
        of input: RequestInput,
        _ message: some MessageBytes
    ) throws(WireError) {
        let actual = input.source.byteCount
        guard let elements = TensorSize.elements(input.shape) else {
            throw WireError(
                .invalidArgument,
                "input '\(input.name)' has the shape \(input.shape), which is too large"
            )
        }
        if let size = input.type.size {
            let (expected, overflow) = elements.multipliedReportingOverflow(by: size)
            guard !overflow, expected == actual else {
                throw WireError(
                    .invalidArgument,
                    "input '\(input.name)' has \(actual) bytes, its shape \(input.shape) of "
                        + "\(input.type.name) wants \(overflow ? "too many" : "\(expected)")"
                )
            }
            return
        }
        var check = BytesElements()
        switch input.source {
        case .shared: return
        case .element: check.takeOne()
        case .body(let range): message.forEachPiece(of: range) { check.take($0) }
        case .converted(let bytes): bytes.withUnsafeBytes { check.take($0) }
        }
        guard check.isWhole, check.count == elements else {
            throw WireError(
                .invalidArgument,
                "input '\(input.name)' must hold \(elements) BYTES elements, each with its length "
                    + "before it; \(check.count) whole ones are there"
                    + (check.isWhole ? "" : " and a piece of one")
            )
        }
    }
}
