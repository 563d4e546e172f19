import RealModule

/// xoshiro256**, seeded by SplitMix64: the same seed gives the same numbers on every machine.
///
/// Source: Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021); the
/// constants and shifts are the published ones. 2^256 - 1 numbers before it repeats; not for
/// secrets. Cost: about a nanosecond a number, no allocation.
public struct SeededGenerator: RandomNumberGenerator, Hashable, Sendable {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    /// Creates the generator of a seed; every seed, 0 too, gives a usable one.
    public init(seed: UInt64) {
        var mixer = SplitMix64(state: seed)
        state = (mixer.next(), mixer.next(), mixer.next(), mixer.next())
    }

    /// The generator of stream `index` of a seed, independent of the seed's other streams.
    ///
    /// Give each model a stream of its own, then adding one does not change another's arrivals.
    public init(seed: UInt64, stream index: UInt64) {
        var mixer = SplitMix64(state: seed)
        let base = mixer.next()
        var second = SplitMix64(state: base ^ (index &* 0xD134_2543_DE82_EF95))
        self.init(seed: second.next())
    }

    /// The next 64 bits.
    public mutating func next() -> UInt64 {
        let result = Self.rotate(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = Self.rotate(state.3, by: 45)
        return result
    }

    /// A number within [0, 1), of 53 random bits.
    public mutating func unit() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// An exponentially distributed number of mean 1.
    public mutating func exponential() -> Double {
        // 1 - unit() is never 0, so the logarithm is finite: at most 36.7.
        -Double.log(1 - unit())
    }

    public static func == (left: SeededGenerator, right: SeededGenerator) -> Bool {
        left.state == right.state
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(state.0)
        hasher.combine(state.1)
        hasher.combine(state.2)
        hasher.combine(state.3)
    }

    private static func rotate(_ value: UInt64, by count: UInt64) -> UInt64 {
        (value << count) | (value >> (64 - count))
    }
}

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): spreads a seed over the state above.
struct SplitMix64 {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
