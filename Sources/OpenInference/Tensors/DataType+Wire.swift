import ServingDomain

extension DataType {
    /// The type that part of a message names; nil for any other word.
    init?(wire bytes: UnsafeRawBufferPointer, _ range: Range<Int>) {
        guard (4...6).contains(range.count) else { return nil }
        var word: UInt64 = 0
        for position in range { word = word << 8 | UInt64(bytes[position]) }
        switch word {
        case 0x4650_3332: self = .fp32
        case 0x494E_5436_34: self = .int64
        case 0x494E_5433_32: self = .int32
        case 0x4259_5445_53: self = .bytes
        case 0x424F_4F4C: self = .bool
        case 0x5549_4E54_38: self = .uint8
        case 0x5549_4E54_3136: self = .uint16
        case 0x5549_4E54_3332: self = .uint32
        case 0x5549_4E54_3634: self = .uint64
        case 0x494E_5438: self = .int8
        case 0x494E_5431_36: self = .int16
        case 0x4650_3136: self = .fp16
        case 0x4650_3634: self = .fp64
        case 0x4246_3136: self = .bf16
        default: return nil
        }
    }
}

/// The sizes of tensors, safe against shapes that overflow.
enum TensorSize {
    /// The product of the dimensions; nil when one is negative or the product overflows.
    static func elements(_ shape: some Sequence<Int64>) -> Int? {
        var product = 1
        for dimension in shape {
            guard dimension >= 0 else { return nil }
            let (next, overflow) = product.multipliedReportingOverflow(by: Int(dimension))
            guard !overflow else { return nil }
            product = next
        }
        return product
    }
}
