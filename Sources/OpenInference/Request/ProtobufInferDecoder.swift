import ServingDomain

/// Decodes a serialized `inference.ModelInferRequest` (protocol notes, A.5).
///
/// Raw contents stay where they are; typed contents are converted to the wire's layout. Cost: one
/// pass, one allocation per tensor and shape.
public struct ProtobufInferDecoder {
    private let bytes: UnsafeRawBufferPointer
    private let limits: DecodingLimits
    private var request = InferRequest()
    private var raw: [Range<Int>] = []
    private var hasContents = false
    private var budget: Int

    /// Decodes a request.
    ///
    /// - Parameters:
    ///   - message: The message, without gRPC's five bytes before it.
    ///   - limits: The most that it may hold.
    ///   - contents: Raw contents that were left out of `message`, for messages that lie in
    ///     several pieces: the ranges are handed on as they are.
    /// - Returns: The request; ranges count from the first byte of the message.
    public static func decode(
        _ message: UnsafeRawBufferPointer,
        limits: DecodingLimits = DecodingLimits(),
        contents: [Range<Int>] = []
    ) throws(WireError) -> InferRequest {
        var decoder = ProtobufInferDecoder(message, limits)
        decoder.raw = contents
        return try decoder.decode()
    }

    private init(_ bytes: UnsafeRawBufferPointer, _ limits: DecodingLimits) {
        self.bytes = bytes
        self.limits = limits
        budget = limits.convertedBytes
    }

    private mutating func decode() throws(WireError) -> InferRequest {
        var reader = ProtobufReader(bytes)
        while let field = try reader.next() {
            switch (field.number, field.type) {
            case (1, .delimited): request.modelName = try reader.string()
            case (2, .delimited): request.modelVersion = try reader.string()
            case (3, .delimited): request.id = try reader.string()
            case (4, .delimited): try decodeOption(try reader.range())
            case (5, .delimited):
                try check(request.inputs.count, limits.tensors, "inputs")
                request.inputs.append(try decodeInput(try reader.range()))
            case (6, .delimited):
                try check(request.outputs.count, limits.tensors, "outputs")
                request.outputs.append(try decodeOutput(try reader.range()))
            case (7, .delimited):
                try check(raw.count, limits.tensors, "raw contents")
                raw.append(try reader.range())
            default: try reader.skip(field.type, number: field.number)
            }
        }
        request.options.wantsBinary = true
        try assignRaw()
        return request
    }

    /// Gives raw contents to the inputs, in order, but for those in shared memory.
    private mutating func assignRaw() throws(WireError) {
        guard !raw.isEmpty else { return }
        guard !hasContents else {
            throw WireError(
                .invalidArgument,
                "contents and raw_input_contents are mixed; use one of them for all inputs"
            )
        }
        var next = 0
        for index in request.inputs.indices {
            if case .shared = request.inputs[index].source { continue }
            guard next < raw.count else { break }
            request.inputs[index].source = .body(raw[next])
            next += 1
        }
        let wanted = request.inputs.count { input in
            if case .shared = input.source { false } else { true }
        }
        guard wanted == raw.count else {
            throw WireError(
                .invalidArgument,
                "\(raw.count) raw_input_contents for \(wanted) inputs that need them"
            )
        }
    }

    // MARK: Tensors

    private mutating func decodeInput(_ range: Range<Int>) throws(WireError) -> RequestInput {
        var name = ""
        var type: DataType?
        var shape: [Int64] = []
        var parameters = TensorParameters()
        var hasOwnContents = false
        var reader = ProtobufReader(bytes, range)
        while let field = try reader.next() {
            switch (field.number, field.type) {
            case (1, .delimited): name = try reader.string()
            case (2, .delimited): type = try decodeType(try reader.range())
            case (3, .delimited): try appendShape(try reader.range(), to: &shape)
            case (3, .varint):
                try check(shape.count, limits.dimensions, "dimensions")
                shape.append(Int64(bitPattern: try reader.varint()))
            case (4, .delimited): try decodeParameter(try reader.range(), into: &parameters)
            case (5, .delimited):
                _ = try reader.range()
                hasOwnContents = true
            default: try reader.skip(field.type, number: field.number)
            }
        }
        guard let type else {
            throw WireError(.invalidArgument, "input '\(name)' has no datatype")
        }
        hasContents = hasContents || hasOwnContents
        if let shared = try parameters.sharedRange(of: name) {
            guard !hasOwnContents else {
                throw WireError(
                    .invalidArgument,
                    "input '\(name)' has both contents and a shared memory region"
                )
            }
            return RequestInput(name: name, type: type, shape: shape, source: .shared(shared))
        }
        let data =
            hasOwnContents
            ? try ContentsReader.convert(bytes, range, type: type, name: name, budget: budget) : []
        budget -= data.count
        return RequestInput(name: name, type: type, shape: shape, source: .converted(data))
    }

    private func appendShape(
        _ range: Range<Int>,
        to shape: inout [Int64]
    ) throws(WireError) {
        var reader = ProtobufReader(bytes, range)
        while reader.position < range.upperBound {
            try check(shape.count, limits.dimensions, "dimensions")
            shape.append(Int64(bitPattern: try reader.varint()))
        }
    }

    private func decodeType(_ range: Range<Int>) throws(WireError) -> DataType {
        guard let type = DataType(wire: bytes, range) else {
            let word = String(decoding: bytes[range].prefix(32), as: UTF8.self)
            throw WireError(
                .invalidArgument,
                "datatype '\(word)' is unknown; FP32, INT64, BYTES are examples"
            )
        }
        return type
    }

    private mutating func decodeOutput(_ range: Range<Int>) throws(WireError) -> RequestedOutput {
        var name = ""
        var parameters = TensorParameters()
        var reader = ProtobufReader(bytes, range)
        while let field = try reader.next() {
            switch (field.number, field.type) {
            case (1, .delimited): name = try reader.string()
            case (2, .delimited): try decodeParameter(try reader.range(), into: &parameters)
            default: try reader.skip(field.type, number: field.number)
            }
        }
        return RequestedOutput(
            name: name,
            classes: parameters.classes,
            shared: try parameters.sharedRange(of: name)
        )
    }

    // MARK: Parameters

    private mutating func decodeOption(_ range: Range<Int>) throws(WireError) {
        try check(request.options.custom.count, limits.parameters, "parameters")
        let (name, value) = try entry(range)
        guard let value else { return }
        try request.options.take(name, value, overGRPC: true)
    }

    private func decodeParameter(
        _ range: Range<Int>,
        into parameters: inout TensorParameters
    ) throws(WireError) {
        let (name, value) = try entry(range)
        guard let value else { return }
        try parameters.take(name, value)
    }

    /// One entry of a map of `InferParameter`s; nil for a value that none of its forms takes.
    private func entry(_ range: Range<Int>) throws(WireError) -> (String, ParameterValue?) {
        var name = ""
        var value: ParameterValue?
        var reader = ProtobufReader(bytes, range)
        while let field = try reader.next() {
            switch (field.number, field.type) {
            case (1, .delimited): name = try reader.string()
            case (2, .delimited): value = try decodeValue(try reader.range())
            default: try reader.skip(field.type, number: field.number)
            }
        }
        return (name, value)
    }

    private func decodeValue(_ range: Range<Int>) throws(WireError) -> ParameterValue? {
        var value: ParameterValue?
        var reader = ProtobufReader(bytes, range)
        while let field = try reader.next() {
            switch (field.number, field.type) {
            case (1, .varint): value = .flag(try reader.varint() != 0)
            case (2, .varint): value = .int64(Int64(bitPattern: try reader.varint()))
            case (3, .delimited): value = .text(try reader.string())
            case (4, .fixed64): value = .double(Double(bitPattern: try reader.fixed64()))
            case (5, .varint): value = .uint64(try reader.varint())
            default: try reader.skip(field.type, number: field.number)
            }
        }
        return value
    }

    private func check(_ count: Int, _ limit: Int, _ what: String) throws(WireError) {
        guard count < limit else {
            throw WireError(.invalidArgument, "too many \(what): the limit is \(limit)")
        }
    }
}
