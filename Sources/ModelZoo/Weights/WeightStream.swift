/// Seeded random weights, the same on every machine.
///
/// Steps of SplitMix64 (Steele, Lea and Flood 2014) give 64 bits each; the sum of their four
/// 16-bit words is nearly normal (Irwin-Hall with n = 4: 3.46 deviations at most, kurtosis 2.7).
/// Only whole numbers, one exact conversion and one multiplication are involved, and no logarithm
/// or cosine, which round differently from one C library to the next.
struct WeightStream {
    /// Twice the middle of four 16-bit words would be odd; this is the middle itself.
    private static let middle: Int32 = 2 * 65_535
    /// The deviation of the sum of four whole numbers spread evenly over 0...65,535.
    private static let deviation = (4 * (65_536.0 * 65_536.0 - 1) / 12).squareRoot()

    private var state: UInt64

    /// Starts the stream of one tensor: its name and the network's seed decide, not its place.
    init(seed: UInt64, tensor: String) {
        // FNV-1a, 64 bits.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in tensor.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        state = seed &* 0x9E37_79B9_7F4A_7C15 ^ hash
    }

    /// Fills a buffer with the next values, as little-endian FP32. About a nanosecond each.
    mutating func fill(
        _ values: UnsafeMutableBufferPointer<UInt32>,
        mean: Float,
        deviation: Float
    ) {
        let scale = Float(Double(deviation) / Self.deviation)
        var state = self.state
        for place in values.indices {
            state &+= 0x9E37_79B9_7F4A_7C15
            var bits = state
            bits = (bits ^ (bits &>> 30)) &* 0xBF58_476D_1CE4_E5B9
            bits = (bits ^ (bits &>> 27)) &* 0x94D0_49BB_1331_11EB
            bits ^= bits &>> 31
            // Pairs of words side by side: two additions sum all four.
            let pairs = (bits & 0x0000_FFFF_0000_FFFF) &+ ((bits &>> 16) & 0x0000_FFFF_0000_FFFF)
            let sum = Int32(truncatingIfNeeded: (pairs & 0xFFFF_FFFF) &+ (pairs &>> 32))
            let value = mean + Float(sum &- Self.middle) * scale
            values[place] = value.bitPattern.littleEndian
        }
        self.state = state
    }
}
