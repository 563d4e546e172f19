import ServingDomain

/// Writes inference requests as a client does: over HTTP with binary data, and over gRPC.
///
/// For the load generator and for tests; the server itself only reads requests.
public enum InferRequestEncoder {
    /// Writes the JSON header of a binary request. The bytes of the inputs follow it in the body,
    /// in order; `Inference-Header-Content-Length` is its length.
    ///
    /// - Parameter request: Sources say only how many bytes each input has.
    public static func httpHeader(_ request: InferRequest) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if !request.id.isEmpty {
            writer.key("id")
            writer.string(request.id)
        }
        writeOptions(request.options, &writer)
        writer.key("inputs")
        writer.beginArray()
        for input in request.inputs {
            writer.beginObject()
            writeTensor(input.name, input.type, input.shape, &writer)
            writer.key("parameters")
            writer.beginObject()
            if case .shared(let range) = input.source {
                writeShared(range, &writer)
            } else {
                writer.key("binary_data_size")
                writer.number(input.source.byteCount)
            }
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
        if !request.outputs.isEmpty { writeOutputs(request.outputs, &writer) }
        writer.endObject()
        return writer.bytes
    }

    /// Writes a request whose values stand in the JSON.
    ///
    /// - Parameter data: By input, its bytes in the wire's layout.
    public static func json(_ request: InferRequest, data: [[UInt8]]) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        if !request.id.isEmpty {
            writer.key("id")
            writer.string(request.id)
        }
        writeOptions(request.options, &writer)
        writer.key("inputs")
        writer.beginArray()
        for (input, bytes) in zip(request.inputs, data) {
            writer.beginObject()
            writeTensor(input.name, input.type, input.shape, &writer)
            writer.key("data")
            writer.beginArray()
            bytes.withUnsafeBytes { writer.appendElements(of: $0, type: input.type) }
            writer.endArray()
            writer.endObject()
        }
        writer.endArray()
        if !request.outputs.isEmpty { writeOutputs(request.outputs, &writer) }
        writer.endObject()
        return writer.bytes
    }

    /// Writes a serialized `inference.ModelInferRequest` with raw contents.
    ///
    /// - Parameter data: By input, its bytes in the wire's layout; those of inputs in shared
    ///   memory are left out.
    public static func protobuf(_ request: InferRequest, data: [[UInt8]]) -> [UInt8] {
        var writer = ProtobufWriter()
        if !request.modelName.isEmpty { writer.field(1, request.modelName) }
        if !request.modelVersion.isEmpty { writer.field(2, request.modelVersion) }
        if !request.id.isEmpty { writer.field(3, request.id) }
        for (name, value) in parameters(of: request.options) {
            writer.parameter(4, name, value)
        }
        for input in request.inputs {
            writer.message(5) { tensor in
                tensor.field(1, input.name)
                tensor.field(2, input.type.name)
                tensor.shape(3, input.shape)
                if case .shared(let range) = input.source { tensor.shared(4, range) }
            }
        }
        for output in request.outputs {
            writer.message(6) { tensor in
                tensor.field(1, output.name)
                if output.classes > 0 {
                    tensor.parameter(2, "classification", .int64(Int64(output.classes)))
                }
                if let range = output.shared { tensor.shared(2, range) }
            }
        }
        for (input, bytes) in zip(request.inputs, data) {
            if case .shared = input.source { continue }
            bytes.withUnsafeBytes { writer.field(7, $0) }
        }
        return writer.bytes
    }

    // MARK: Parts

    private static func parameters(of options: RequestOptions) -> [(String, ParameterValue)] {
        var list: [(String, ParameterValue)] = []
        if options.priority > 0 { list.append(("priority", .uint64(options.priority))) }
        if let timeout = options.timeout {
            list.append(("timeout", .int64(timeout.nanoseconds / 1_000)))
        }
        if options.wantsPrediction { list.append(("sluice_predict", .flag(true))) }
        if options.wantsFinalResponse {
            list.append(("triton_enable_empty_final_response", .flag(true)))
        }
        return list + options.custom.map { ($0.name, $0.value) }
    }

    private static func writeOptions(_ options: RequestOptions, _ writer: inout JSONWriter) {
        var list = parameters(of: options)
        list.removeAll { $0.0.hasPrefix("triton_") }
        if options.wantsBinary { list.append(("binary_data_output", .flag(true))) }
        guard !list.isEmpty else { return }
        writer.key("parameters")
        writer.beginObject()
        for (name, value) in list {
            writer.key(text: name)
            writer.value(value)
        }
        writer.endObject()
    }

    private static func writeTensor(
        _ name: String,
        _ type: DataType,
        _ shape: [Int64],
        _ writer: inout JSONWriter
    ) {
        writer.key("name")
        writer.string(name)
        writer.key("shape")
        writer.beginArray()
        for dimension in shape { writer.number(dimension) }
        writer.endArray()
        writer.key("datatype")
        writer.string(type.name)
    }

    private static func writeOutputs(
        _ outputs: [RequestedOutput],
        _ writer: inout JSONWriter
    ) {
        writer.key("outputs")
        writer.beginArray()
        for output in outputs {
            writer.beginObject()
            writer.key("name")
            writer.string(output.name)
            writer.key("parameters")
            writer.beginObject()
            if let binary = output.binary {
                writer.key("binary_data")
                writer.flag(binary)
            }
            if output.classes > 0 {
                writer.key("classification")
                writer.number(output.classes)
            }
            if let range = output.shared { writeShared(range, &writer) }
            writer.endObject()
            writer.endObject()
        }
        writer.endArray()
    }

    private static func writeShared(_ range: SharedRange, _ writer: inout JSONWriter) {
        writer.key("shared_memory_region")
        writer.string(range.region)
        if range.offset > 0 {
            writer.key("shared_memory_offset")
            writer.number(range.offset)
        }
        writer.key("shared_memory_byte_size")
        writer.number(range.byteSize)
    }
}

extension JSONWriter {
    /// Writes the value of a parameter.
    mutating func value(_ value: ParameterValue) {
        switch value {
        case .flag(let flag): self.flag(flag)
        case .int64(let count): number(count)
        case .uint64(let count): number(count)
        case .double(let number): self.number(number)
        case .text(let text): string(text)
        }
    }
}

extension ProtobufWriter {
    /// Writes the parameters that name a part of shared memory.
    mutating func shared(_ number: UInt32, _ range: SharedRange) {
        parameter(number, "shared_memory_region", .text(range.region))
        if range.offset > 0 {
            parameter(number, "shared_memory_offset", .int64(Int64(clamping: range.offset)))
        }
        parameter(number, "shared_memory_byte_size", .int64(Int64(clamping: range.byteSize)))
    }
}
