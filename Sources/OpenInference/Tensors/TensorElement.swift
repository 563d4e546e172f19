import ServingDomain

/// Reads single elements of a tensor in the wire's layout.
enum TensorElement {
    /// An element as a `Double`; `at` must be inside, the type one of numbers or BOOL.
    static func double(_ bytes: UnsafeRawBufferPointer, _ type: DataType, at: Int) -> Double {
        switch type {
        case .bool, .uint8: Double(load(bytes, UInt8.self, at))
        case .uint16: Double(load(bytes, UInt16.self, at))
        case .uint32: Double(load(bytes, UInt32.self, at))
        case .uint64: Double(load(bytes, UInt64.self, at))
        case .int8: Double(load(bytes, Int8.self, at))
        case .int16: Double(load(bytes, Int16.self, at))
        case .int32: Double(load(bytes, Int32.self, at))
        case .int64: Double(load(bytes, Int64.self, at))
        case .fp32: Double(Float(bitPattern: load(bytes, UInt32.self, at)))
        case .fp64: Double(bitPattern: load(bytes, UInt64.self, at))
        case .fp16, .bf16, .bytes: preconditionFailure("\(type.name) is not read as a number")
        }
    }

    /// An element as a whole number; `at` must be inside.
    @inline(__always)
    static func load<T: FixedWidthInteger & BitwiseCopyable>(
        _ bytes: UnsafeRawBufferPointer,
        _: T.Type,
        _ at: Int
    ) -> T {
        let offset = at * MemoryLayout<T>.size
        return T(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: T.self))
    }
}
