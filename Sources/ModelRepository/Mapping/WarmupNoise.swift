import ServingDomain

/// Seeded bytes for `random_data`, the same in every process.
///
/// Floating point values lie in 0 ..< 1 (half precision: 0.5 ..< 1); whole numbers are 0 or 1, so
/// that they serve as indexes too; text has eight letters.
struct WarmupNoise {
    private var state: UInt64 = 0x5_1DCE

    /// SplitMix64 (Steele, Lea, Flood 2014).
    private mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// The wire's bytes of so many elements.
    mutating func bytes(of type: DataType, elements: Int) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(elements * (type.size ?? 12))
        for _ in 0..<elements {
            let dice = next()
            switch type {
            case .fp32: append(UInt64((Float(dice >> 40) / 16_777_216).bitPattern), 4, &out)
            case .fp64: append((Double(dice >> 11) / 9_007_199_254_740_992).bitPattern, 8, &out)
            case .fp16: append(0x3800 | dice >> 54, 2, &out)
            case .bf16: append(0x3F00 | dice >> 57, 2, &out)
            case .bytes:
                append(8, 4, &out)
                for letter in 0..<8 {
                    out.append(UInt8(ascii: "a") + UInt8((dice >> (8 * letter) & 0xFF) % 26))
                }
            default: append(dice >> 63, type.size ?? 1, &out)
            }
        }
        return out
    }

    private func append(_ value: UInt64, _ count: Int, _ out: inout [UInt8]) {
        for shift in 0..<count { out.append(UInt8(truncatingIfNeeded: value >> (8 * shift))) }
    }
}
