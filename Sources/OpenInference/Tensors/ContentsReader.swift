import ServingDomain

/// Converts the typed `contents` of a gRPC input (`InferTensorContents`) to the wire's layout.
enum ContentsReader {
    /// Converts every `contents` field of a tensor message.
    ///
    /// - Parameters:
    ///   - bytes: The whole request.
    ///   - tensor: Where the tensor's message lies.
    ///   - type: The type that the tensor names.
    ///   - name: The tensor's name, for messages.
    ///   - budget: The most bytes that may come out.
    static func convert(
        _ bytes: UnsafeRawBufferPointer,
        _ tensor: Range<Int>,
        type: DataType,
        name: String,
        budget: Int
    ) throws(WireError) -> [UInt8] {
        let field = try fieldNumber(of: type, name)
        var data: [UInt8] = []
        var outer = ProtobufReader(bytes, tensor)
        while let next = try outer.next() {
            guard next.number == 5, next.type == .delimited else {
                try outer.skip(next.type, number: next.number)
                continue
            }
            var reader = ProtobufReader(bytes, try outer.range())
            while let inner = try reader.next() {
                guard inner.number == field else {
                    guard !(1...8).contains(inner.number) else {
                        throw WireError(
                            .invalidArgument,
                            "input '\(name)' is \(type.name), its contents are of another type"
                        )
                    }
                    try reader.skip(inner.type, number: inner.number)
                    continue
                }
                try append(&reader, inner.type, type, name, budget, to: &data)
            }
        }
        return data
    }

    private static func fieldNumber(
        of type: DataType,
        _ name: String
    ) throws(WireError) -> UInt32 {
        switch type {
        case .bool: return 1
        case .int8, .int16, .int32: return 2
        case .int64: return 3
        case .uint8, .uint16, .uint32: return 4
        case .uint64: return 5
        case .fp32: return 6
        case .fp64: return 7
        case .bytes: return 8
        case .fp16, .bf16:
            throw WireError(
                .invalidArgument,
                "input '\(name)' is \(type.name), which has no typed contents; "
                    + "use raw_input_contents"
            )
        }
    }

    /// Appends one element, or a packed run of them.
    private static func append(
        _ reader: inout ProtobufReader,
        _ form: ProtobufReader.WireType,
        _ type: DataType,
        _ name: String,
        _ budget: Int,
        to data: inout [UInt8]
    ) throws(WireError) {
        if type == .bytes {
            guard form == .delimited else { throw reader.fault("bytes_contents without a length") }
            let range = try reader.range()
            try room(for: range.count + 4, data, name, budget)
            append(UInt32(clamping: range.count), to: &data)
            data.append(contentsOf: reader.bytes[range])
            return
        }
        guard form == .delimited else {
            try room(for: type.size ?? 8, data, name, budget)
            try appendElement(&reader, form, type, name, to: &data)
            return
        }
        let range = try reader.range()
        var packed = ProtobufReader(reader.bytes, range)
        let single: ProtobufReader.WireType =
            type == .fp32 ? .fixed32 : type == .fp64 ? .fixed64 : .varint
        // A packed element takes one byte at least, so this bounds what comes out.
        data.reserveCapacity(min(budget, data.count + range.count))
        while packed.position < range.upperBound {
            try room(for: type.size ?? 8, data, name, budget)
            try appendElement(&packed, single, type, name, to: &data)
        }
    }

    private static func appendElement(
        _ reader: inout ProtobufReader,
        _ form: ProtobufReader.WireType,
        _ type: DataType,
        _ name: String,
        to data: inout [UInt8]
    ) throws(WireError) {
        switch (type, form) {
        case (.fp32, .fixed32): append(try reader.fixed32(), to: &data)
        case (.fp64, .fixed64): append(try reader.fixed64(), to: &data)
        case (.bool, .varint): data.append(try reader.varint() == 0 ? 0 : 1)
        case (.uint64, .varint), (.int64, .varint): append(try reader.varint(), to: &data)
        case (.uint8, .varint): append(try narrow(UInt8.self, try reader.varint(), name), to: &data)
        case (.uint16, .varint):
            append(try narrow(UInt16.self, try reader.varint(), name), to: &data)
        case (.uint32, .varint):
            append(try narrow(UInt32.self, try reader.varint(), name), to: &data)
        case (.int8, .varint): append(try narrowSigned(Int8.self, &reader, name), to: &data)
        case (.int16, .varint): append(try narrowSigned(Int16.self, &reader, name), to: &data)
        case (.int32, .varint): append(try narrowSigned(Int32.self, &reader, name), to: &data)
        default: throw reader.fault("contents of the wrong form")
        }
    }

    private static func narrowSigned<T: FixedWidthInteger>(
        _: T.Type,
        _ reader: inout ProtobufReader,
        _ name: String
    ) throws(WireError) -> T {
        try narrow(T.self, Int64(bitPattern: try reader.varint()), name)
    }

    private static func narrow<T: FixedWidthInteger>(
        _: T.Type,
        _ value: some FixedWidthInteger,
        _ name: String
    ) throws(WireError) -> T {
        guard let narrow = T(exactly: value) else {
            throw WireError(
                .invalidArgument,
                "input '\(name)' holds a number beyond the range of \("\(T.self)".uppercased())"
            )
        }
        return narrow
    }

    private static func append(_ value: some FixedWidthInteger, to data: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { data.append(contentsOf: $0) }
    }

    private static func room(
        for count: Int,
        _ data: [UInt8],
        _ name: String,
        _ budget: Int
    ) throws(WireError) {
        guard data.count + count <= budget else {
            throw WireError(
                .tooLarge,
                "input '\(name)' would take more than \(budget) bytes, the limit for typed "
                    + "contents; use raw_input_contents"
            )
        }
    }
}
