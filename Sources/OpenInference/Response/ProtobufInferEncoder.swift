public import ServingDomain

/// Writes a serialized `inference.ModelInferResponse` (protocol notes, A.5).
///
/// Protobuf lets fields come in any order, so a reply may be laid out as it arises: `begin`, then
/// for each output its description and, in the same order among themselves, its contents. Values
/// are not copied here: `appendRawHeader` writes what comes before them, the caller the bytes.
public struct ProtobufInferEncoder {
    private var writer: ProtobufWriter

    /// Creates an encoder that writes into `buffer`, emptied first; its storage is kept.
    public init(reusing buffer: consuming [UInt8] = []) {
        buffer.removeAll(keepingCapacity: true)
        writer = ProtobufWriter(buffer)
    }

    /// What has been written.
    public var bytes: [UInt8] { writer.bytes }

    /// Writes model, version and the request's own name.
    public mutating func begin(id: String, model: String, version: Int64) {
        if !model.isEmpty { writer.field(1, model) }
        writer.field(2, String(version))
        if !id.isEmpty { writer.field(3, id) }
    }

    /// Writes a parameter of the reply, such as `triton_final_response`.
    public mutating func parameter(_ name: String, _ value: ParameterValue) {
        writer.parameter(4, name, value)
    }

    /// Writes the description of an output.
    public mutating func output(
        name: String,
        type: DataType,
        shape: [Int64],
        shared: SharedRange? = nil,
        byteCount: Int = 0
    ) {
        writer.message(5) { tensor in
            tensor.field(1, name)
            tensor.field(2, type.name)
            tensor.shape(3, shape)
            guard let shared else { return }
            tensor.parameter(4, "shared_memory_region", .text(shared.region))
            if shared.offset > 0 {
                tensor.parameter(
                    4,
                    "shared_memory_offset",
                    .int64(Int64(clamping: shared.offset))
                )
            }
            tensor.parameter(4, "shared_memory_byte_size", .int64(Int64(byteCount)))
        }
    }

    /// Writes the key and length of an output's contents; `byteCount` bytes must follow. An output
    /// in shared memory has contents of no bytes.
    public mutating func appendRawHeader(byteCount: Int) {
        writer.header(6, length: byteCount)
    }

    /// Writes an output's contents.
    public mutating func appendRaw(_ bytes: UnsafeRawBufferPointer) {
        writer.field(6, bytes)
    }
}

extension ProtobufWriter {
    /// Writes a repeated int64, packed.
    mutating func shape(_ number: UInt32, _ dimensions: [Int64]) {
        guard !dimensions.isEmpty else { return }
        message(number) { packed in
            for dimension in dimensions { packed.varint(UInt64(bitPattern: dimension)) }
        }
    }

    /// Writes an entry of a map of `InferParameter`s.
    mutating func parameter(_ number: UInt32, _ name: String, _ value: ParameterValue) {
        message(number) { entry in
            entry.field(1, name)
            entry.message(2) { parameter in
                switch value {
                case .flag(let flag): parameter.field(1, varint: flag ? 1 : 0)
                case .int64(let count): parameter.field(2, varint: UInt64(bitPattern: count))
                case .text(let text): parameter.field(3, text)
                case .double(let number): parameter.field(4, fixed64: number.bitPattern)
                case .uint64(let count): parameter.field(5, varint: count)
                }
            }
        }
    }
}
