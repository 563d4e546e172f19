public import ServingDomain

/// Writes the JSON of an HTTP inference reply, in Triton's order of keys.
///
/// Call `begin`, one of the `append` functions per output in the order of the reply, `end`.
/// Cost: appends to one array, which the caller may use again.
public struct JSONInferEncoder {
    private var writer: JSONWriter

    /// Creates an encoder that writes into `buffer`, emptied first; its storage is kept.
    public init(reusing buffer: consuming [UInt8] = []) {
        buffer.removeAll(keepingCapacity: true)
        writer = JSONWriter(buffer)
    }

    /// What has been written.
    public var bytes: [UInt8] { writer.bytes }

    /// Writes what comes before the outputs.
    public mutating func begin(id: String, model: String, version: Int64) {
        writer.beginObject()
        if !id.isEmpty {
            writer.key("id")
            writer.string(id)
        }
        writer.key("model_name")
        writer.string(model)
        writer.key("model_version")
        writer.quotedNumber(version)
        writer.key("outputs")
        writer.beginArray()
    }

    /// Writes an output whose bytes follow the JSON.
    public mutating func append(
        binary name: String,
        type: DataType,
        shape: [Int64],
        byteCount: Int
    ) {
        beginOutput(name, type, shape)
        writer.key("parameters")
        writer.beginObject()
        writer.key("binary_data_size")
        writer.number(byteCount)
        writer.endObject()
        writer.endObject()
    }

    /// Writes an output whose values went into shared memory.
    public mutating func append(
        shared range: SharedRange,
        name: String,
        type: DataType,
        shape: [Int64],
        byteCount: Int
    ) {
        beginOutput(name, type, shape)
        writer.key("parameters")
        writer.beginObject()
        writer.key("shared_memory_region")
        writer.string(range.region)
        if range.offset > 0 {
            writer.key("shared_memory_offset")
            writer.number(range.offset)
        }
        writer.key("shared_memory_byte_size")
        writer.number(byteCount)
        writer.endObject()
        writer.endObject()
    }

    /// Writes an output with its values.
    ///
    /// - Throws: `invalidArgument` for FP16 and BF16, which have no JSON form.
    public mutating func append(
        data bytes: UnsafeRawBufferPointer,
        name: String,
        type: DataType,
        shape: [Int64]
    ) throws(WireError) {
        guard type != .fp16, type != .bf16 else {
            throw WireError(
                .invalidArgument,
                "output '\(name)' is \(type.name), which has no JSON form; ask for binary data"
            )
        }
        beginOutput(name, type, shape)
        writer.key("data")
        writer.beginArray()
        writer.appendElements(of: bytes, type: type)
        writer.endArray()
        writer.endObject()
    }

    /// Writes what comes after the outputs.
    public mutating func end() {
        writer.endArray()
        writer.endObject()
    }

    private mutating func beginOutput(_ name: String, _ type: DataType, _ shape: [Int64]) {
        writer.beginObject()
        writer.key("name")
        writer.string(name)
        writer.key("datatype")
        writer.string(type.name)
        writer.key("shape")
        writer.beginArray()
        for dimension in shape { writer.number(dimension) }
        writer.endArray()
    }
}

extension JSONWriter {
    /// Writes a whole number in quotes.
    mutating func quotedNumber(_ value: Int64) {
        string(String(value))
    }

    /// Writes the elements of a tensor in the wire's layout, flat.
    mutating func appendElements(of bytes: UnsafeRawBufferPointer, type: DataType) {
        let count = bytes.count / max(1, type.size ?? 1)
        switch type {
        case .bool:
            for index in 0..<count { flag(bytes[index] != 0) }
        case .uint8: numbers(bytes, UInt8.self, count)
        case .uint16: numbers(bytes, UInt16.self, count)
        case .uint32: numbers(bytes, UInt32.self, count)
        case .uint64: numbers(bytes, UInt64.self, count)
        case .int8: numbers(bytes, Int8.self, count)
        case .int16: numbers(bytes, Int16.self, count)
        case .int32: numbers(bytes, Int32.self, count)
        case .int64: numbers(bytes, Int64.self, count)
        case .fp32:
            for index in 0..<count {
                number(Float(bitPattern: TensorElement.load(bytes, UInt32.self, index)))
            }
        case .fp64:
            for index in 0..<count {
                number(Double(bitPattern: TensorElement.load(bytes, UInt64.self, index)))
            }
        case .bytes: texts(bytes)
        case .fp16, .bf16: preconditionFailure("\(type.name) has no JSON form")
        }
    }

    private mutating func numbers<T: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer,
        _: T.Type,
        _ count: Int
    ) {
        for index in 0..<count { number(TensorElement.load(bytes, T.self, index)) }
    }

    /// Writes BYTES elements; a length that lies ends the list.
    private mutating func texts(_ bytes: UnsafeRawBufferPointer) {
        var position = 0
        while position + 4 <= bytes.count {
            let length = Int(
                UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self))
            )
            position += 4
            guard length <= bytes.count - position else { return }
            string(utf8: UnsafeRawBufferPointer(rebasing: bytes[position..<position + length]))
            position += length
        }
    }
}
