import ServingDomain

/// Decodes the JSON part of an HTTP inference request, with or without binary tensor data.
///
/// Strict: duplicate keys, wrong types and lengths that lie are errors; unknown keys are ignored
/// as Triton does. Cost: one pass over the JSON, one allocation per tensor and shape.
public struct JSONInferDecoder {
    private var reader: JSONReader
    private let limits: DecodingLimits
    private var request = InferRequest()
    /// Bytes that JSON data may still be converted to.
    private var budget: Int

    /// Decodes a request.
    ///
    /// - Parameters:
    ///   - header: The JSON: the whole body, or its first `Inference-Header-Content-Length` bytes.
    ///   - bodyLength: The length of the whole body.
    ///   - limits: The most that it may hold.
    /// - Returns: The request; ranges count from the first byte of the body.
    public static func decode(
        _ header: UnsafeRawBufferPointer,
        bodyLength: Int,
        limits: DecodingLimits = DecodingLimits()
    ) throws(WireError) -> InferRequest {
        guard header.count <= bodyLength else {
            throw WireError(
                .invalidArgument,
                "the JSON header is said to take \(header.count) bytes, the body has \(bodyLength)"
            )
        }
        var decoder = JSONInferDecoder(header, limits)
        return try decoder.decode(binaryFrom: header.count, to: bodyLength)
    }

    private init(_ header: UnsafeRawBufferPointer, _ limits: DecodingLimits) {
        reader = JSONReader(header)
        self.limits = limits
        budget = limits.convertedBytes
    }

    private mutating func decode(
        binaryFrom begin: Int,
        to end: Int
    ) throws(WireError) -> InferRequest {
        var seen = SeenKeys()
        var hasInputs = false
        var binaryEnd = begin
        try reader.beginObject()
        while let key = try reader.nextKey() {
            if reader.says(key, "inputs") {
                try seen.first(0, "inputs")
                hasInputs = true
                try decodeInputs(binaryFrom: &binaryEnd, to: end)
            } else if reader.says(key, "outputs") {
                try seen.first(1, "outputs")
                try decodeOutputs()
            } else if reader.says(key, "parameters") {
                try seen.first(2, "parameters")
                try decodeOptions()
            } else if reader.says(key, "id") {
                try seen.first(3, "id")
                request.id = try reader.string()
            } else {
                try reader.skip()
            }
        }
        try reader.end()
        guard hasInputs else {
            throw WireError(.malformed, "the request has no 'inputs'")
        }
        guard binaryEnd == end else {
            throw WireError(
                .invalidArgument,
                "unexpected additional input data: the body has \(end) bytes, "
                    + "header and tensors take \(binaryEnd)"
            )
        }
        return request
    }

    // MARK: Inputs

    private mutating func decodeInputs(
        binaryFrom at: inout Int,
        to end: Int
    ) throws(WireError) {
        try reader.beginArray()
        while try reader.nextElement() {
            guard request.inputs.count < limits.tensors else { throw tooMany("inputs") }
            let draft = try decodeInput()
            // First, since data is read only once type and shape are known.
            guard let name = draft.name, let type = draft.type, let shape = draft.shape else {
                throw draft.missing
            }
            let source = try source(of: draft, binaryFrom: &at, to: end)
            request.inputs.append(
                RequestInput(name: name, type: type, shape: shape, source: source)
            )
        }
    }

    /// What is known of an input while its keys come in.
    private struct Draft {
        var name: String?
        var type: DataType?
        var shape: [Int64]?
        var data: [UInt8]?
        /// Where `data` begins when it came before type and shape.
        var pending: Int?
        var parameters = TensorParameters()

        var missing: WireError {
            let key = name == nil ? "name" : type == nil ? "datatype" : "shape"
            let whose = name.map { "input '\($0)'" } ?? "an input"
            return WireError(.malformed, "\(whose) has no '\(key)'")
        }
    }

    private mutating func decodeInput() throws(WireError) -> Draft {
        var draft = Draft()
        var seen = SeenKeys()
        try reader.beginObject()
        while let key = try reader.nextKey() {
            if reader.says(key, "name") {
                try seen.first(0, "name")
                draft.name = try reader.string()
            } else if reader.says(key, "shape") {
                try seen.first(1, "shape")
                draft.shape = try decodeShape()
            } else if reader.says(key, "datatype") {
                try seen.first(2, "datatype")
                draft.type = try decodeType()
            } else if reader.says(key, "parameters") {
                try seen.first(3, "parameters")
                draft.parameters = try decodeTensorParameters()
            } else if reader.says(key, "data") {
                try seen.first(4, "data")
                if let type = draft.type, let shape = draft.shape {
                    draft.data = try convert(type, shape, draft.name)
                } else {
                    draft.pending = reader.position
                    try reader.skip()
                }
            } else {
                try reader.skip()
            }
        }
        if let begin = draft.pending, let type = draft.type, let shape = draft.shape {
            let rest = reader
            reader.position = begin
            draft.data = try convert(type, shape, draft.name)
            reader = rest
        }
        return draft
    }

    private mutating func source(
        of draft: Draft,
        binaryFrom at: inout Int,
        to end: Int
    ) throws(WireError) -> TensorSource {
        let name = draft.name ?? ""
        let shared = try draft.parameters.sharedRange(of: name)
        let ways =
            (draft.data == nil ? 0 : 1) + (shared == nil ? 0 : 1)
            + (draft.parameters.binaryByteCount == nil ? 0 : 1)
        guard ways == 1 else {
            throw WireError(
                .invalidArgument,
                ways == 0
                    ? "input '\(name)' has no data: give 'data', binary_data_size or a region"
                    : "input '\(name)' has more than one of 'data', binary_data_size and a region"
            )
        }
        if let shared { return .shared(shared) }
        if let data = draft.data { return .converted(data) }
        let size = draft.parameters.binaryByteCount ?? 0
        guard size <= UInt64(end - at) else {
            throw WireError(
                .invalidArgument,
                "input '\(name)' is said to have \(size) bytes of binary data, "
                    + "\(end - at) are left in the body"
            )
        }
        let range = at..<at + Int(size)
        at = range.upperBound
        return .body(range)
    }

    private mutating func convert(
        _ type: DataType,
        _ shape: [Int64],
        _ name: String?
    ) throws(WireError) -> [UInt8] {
        let data = try reader.tensor(of: type, shape: shape, name: name ?? "", budget: budget)
        budget -= data.count
        return data
    }

    private mutating func decodeShape() throws(WireError) -> [Int64] {
        var shape: [Int64] = []
        try reader.beginArray()
        while try reader.nextElement() {
            guard shape.count < limits.dimensions else { throw tooMany("dimensions") }
            let size = try reader.int64()
            guard size >= 0 else {
                throw WireError(.malformed, "a shape has the size \(size); every size is 0 or more")
            }
            shape.append(size)
        }
        return shape
    }

    private mutating func decodeType() throws(WireError) -> DataType {
        let text = try reader.text()
        guard let type = DataType(wire: reader.bytes, text.range) else {
            throw WireError(
                .invalidArgument,
                "datatype '\(reader.string(of: text))' is unknown; FP32, INT64, BYTES are examples"
            )
        }
        return type
    }

    // MARK: Outputs

    private mutating func decodeOutputs() throws(WireError) {
        try reader.beginArray()
        while try reader.nextElement() {
            guard request.outputs.count < limits.tensors else { throw tooMany("outputs") }
            request.outputs.append(try decodeOutput())
        }
    }

    private mutating func decodeOutput() throws(WireError) -> RequestedOutput {
        var name: String?
        var parameters = TensorParameters()
        var seen = SeenKeys()
        try reader.beginObject()
        while let key = try reader.nextKey() {
            if reader.says(key, "name") {
                try seen.first(0, "name")
                name = try reader.string()
            } else if reader.says(key, "parameters") {
                try seen.first(1, "parameters")
                parameters = try decodeTensorParameters()
            } else {
                try reader.skip()
            }
        }
        guard let name else {
            throw WireError(.malformed, "a requested output has no 'name'")
        }
        return RequestedOutput(
            name: name,
            binary: parameters.binary,
            classes: parameters.classes,
            shared: try parameters.sharedRange(of: name)
        )
    }

    // MARK: Parameters

    private mutating func decodeTensorParameters() throws(WireError) -> TensorParameters {
        var parameters = TensorParameters()
        var seen = SeenKeys()
        var count = 0
        try reader.beginObject()
        while let key = try reader.nextKey() {
            count += 1
            guard count <= limits.parameters else { throw tooMany("parameters") }
            // The two names that nearly every request has, without making strings of them.
            if reader.says(key, "binary_data_size") {
                try seen.first(0, "binary_data_size")
                parameters.binaryByteCount = try reader.uint64()
            } else if reader.says(key, "binary_data") {
                try seen.first(1, "binary_data")
                parameters.binary = try reader.flag()
            } else {
                let name = reader.string(of: key)
                try seen.first(named: name)
                guard let value = try decodeValue() else { continue }
                try parameters.take(name, value)
            }
        }
        return parameters
    }

    private mutating func decodeOptions() throws(WireError) {
        var seen = SeenKeys()
        var count = 0
        try reader.beginObject()
        while let key = try reader.nextKey() {
            count += 1
            guard count <= limits.parameters else { throw tooMany("parameters") }
            if reader.says(key, "binary_data_output") {
                try seen.first(0, "binary_data_output")
                request.options.wantsBinary = try reader.flag()
            } else {
                let name = reader.string(of: key)
                try seen.first(named: name)
                guard let value = try decodeValue() else {
                    throw WireError(
                        .invalidArgument,
                        "parameter '\(name)' must be text, a number, true or false"
                    )
                }
                try request.options.take(name, value, overGRPC: false)
            }
        }
    }

    /// The value of a parameter; nil (and passed over) for arrays, objects and null.
    private mutating func decodeValue() throws(WireError) -> ParameterValue? {
        switch try reader.peek() {
        case .text: return .text(try reader.string())
        case .flag: return .flag(try reader.flag())
        case .number:
            let number = try reader.number()
            if let value = number.int64 { return .int64(value) }
            if let value = number.uint64 { return .uint64(value) }
            return .double(number.double(in: reader.bytes))
        case .null, .array, .object:
            try reader.skip()
            return nil
        }
    }

    private func tooMany(_ what: String) -> WireError {
        let limit =
            switch what {
            case "dimensions": limits.dimensions
            case "parameters": limits.parameters
            default: limits.tensors
            }
        return WireError(.invalidArgument, "too many \(what): the limit is \(limit)")
    }
}
