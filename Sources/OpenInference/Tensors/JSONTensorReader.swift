import ServingDomain

extension JSONReader {
    /// Reads the flat or nested array of a tensor's `data` into the wire's layout.
    ///
    /// Numbers must fit the type; FP16 and BF16 have no JSON form; the array must hold as many
    /// elements as the shape says.
    ///
    /// - Parameters:
    ///   - type: The element type.
    ///   - shape: The tensor's shape.
    ///   - name: The tensor's name, for messages.
    ///   - budget: The most bytes that may come out.
    mutating func tensor(
        of type: DataType,
        shape: [Int64],
        name: String,
        budget: Int
    ) throws(WireError) -> [UInt8] {
        guard let count = TensorSize.elements(shape) else {
            throw WireError(
                .invalidArgument,
                "input '\(name)' has the shape \(shape): every size must be 0 or more, "
                    + "and the product must fit 63 bits"
            )
        }
        // An element takes two bytes of JSON at least, but for the last.
        guard count <= (bytes.count - position + 1) / 2 else {
            throw JSONTensor.wrongCount(name, shape, "fewer")
        }
        guard count <= budget / (type.size ?? 4) else {
            throw JSONTensor.tooLarge(name, budget)
        }
        let expected = JSONTensor(name: name, shape: shape, count: count, budget: budget)
        switch type {
        case .bool: return try flags(expected)
        case .uint8: return try unsigned(UInt8.self, expected)
        case .uint16: return try unsigned(UInt16.self, expected)
        case .uint32: return try unsigned(UInt32.self, expected)
        case .uint64: return try unsigned(UInt64.self, expected)
        case .int8: return try signed(Int8.self, expected)
        case .int16: return try signed(Int16.self, expected)
        case .int32: return try signed(Int32.self, expected)
        case .int64: return try signed(Int64.self, expected)
        case .fp32: return try floats(expected)
        case .fp64: return try doubles(expected)
        case .bytes: return try elements(expected)
        case .fp16, .bf16:
            throw WireError(
                .invalidArgument,
                "input '\(name)' is \(type.name), which has no JSON form; send it as binary data"
            )
        }
    }

    // MARK: By type

    private mutating func flags(_ expected: JSONTensor) throws(WireError) -> [UInt8] {
        try values(expected) { (reader) throws(WireError) in UInt8(try reader.flag() ? 1 : 0) }
    }

    private mutating func unsigned<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type,
        _ expected: JSONTensor
    ) throws(WireError) -> [UInt8] {
        try values(expected) { (reader) throws(WireError) in
            guard let value = T(exactly: try reader.uint64()) else {
                throw expected.outOfRange(T.self)
            }
            return value.littleEndian
        }
    }

    private mutating func signed<T: FixedWidthInteger & BitwiseCopyable>(
        _: T.Type,
        _ expected: JSONTensor
    ) throws(WireError) -> [UInt8] {
        try values(expected) { (reader) throws(WireError) in
            guard let value = T(exactly: try reader.int64()) else {
                throw expected.outOfRange(T.self)
            }
            return value.littleEndian
        }
    }

    private mutating func floats(_ expected: JSONTensor) throws(WireError) -> [UInt8] {
        try values(expected) { (reader) throws(WireError) in
            let value = try reader.number().float(in: reader.bytes)
            guard value.isFinite else { throw reader.fault("a number beyond the range of FP32") }
            return value.bitPattern.littleEndian
        }
    }

    private mutating func doubles(_ expected: JSONTensor) throws(WireError) -> [UInt8] {
        try values(expected) { (reader) throws(WireError) in
            try reader.double().bitPattern.littleEndian
        }
    }

    /// Reads the array's elements one by one with `read` and lays them side by side.
    @inline(__always)
    private mutating func values<T: BitwiseCopyable>(
        _ expected: JSONTensor,
        _ read: (inout JSONReader) throws(WireError) -> T
    ) throws(WireError) -> [UInt8] {
        let stride = MemoryLayout<T>.size
        var data = [UInt8](repeating: 0, count: expected.count * stride)
        let outer = depth
        var filled = 0
        try beginArray()
        while try nextLeaf(outer: outer) {
            guard filled < expected.count else { throw expected.wrongCount("more") }
            let value = try read(&self)
            data.withUnsafeMutableBytes {
                $0.storeBytes(of: value, toByteOffset: filled * stride, as: T.self)
            }
            filled += 1
        }
        guard filled == expected.count else { throw expected.wrongCount("fewer") }
        return data
    }

    private mutating func elements(_ expected: JSONTensor) throws(WireError) -> [UInt8] {
        var data: [UInt8] = []
        let outer = depth
        var filled = 0
        try beginArray()
        while try nextLeaf(outer: outer) {
            guard filled < expected.count else { throw expected.wrongCount("more") }
            let begin = data.count
            data.append(contentsOf: [0, 0, 0, 0])
            append(try text(), to: &data)
            guard data.count <= expected.budget else {
                throw JSONTensor.tooLarge(expected.name, expected.budget)
            }
            let length = UInt32(clamping: data.count - begin - 4)
            data.withUnsafeMutableBytes {
                $0.storeBytes(of: length.littleEndian, toByteOffset: begin, as: UInt32.self)
            }
            filled += 1
        }
        guard filled == expected.count else { throw expected.wrongCount("fewer") }
        return data
    }
}

/// What a JSON array must come to, and the messages when it does not.
struct JSONTensor {
    let name: String
    let shape: [Int64]
    let count: Int
    let budget: Int

    func wrongCount(_ word: String) -> WireError {
        Self.wrongCount(name, shape, word)
    }

    func outOfRange<T>(_: T.Type) -> WireError {
        WireError(
            .invalidArgument,
            "input '\(name)' holds a number beyond the range of \("\(T.self)".uppercased())"
        )
    }

    static func wrongCount(_ name: String, _ shape: [Int64], _ word: String) -> WireError {
        WireError(
            .malformed,
            "input '\(name)' holds \(word) elements than its shape \(shape) says"
        )
    }

    static func tooLarge(_ name: String, _ budget: Int) -> WireError {
        WireError(
            .tooLarge,
            "input '\(name)' would take more than \(budget) bytes, the limit for JSON data; "
                + "send it as binary data"
        )
    }
}
