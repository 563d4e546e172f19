import RealModule
public import ServingDomain

/// Seeded noise on latencies: a factor with median 1 whose logarithm is normally distributed.
///
/// The factor of a draw depends on the seed and the draw's number alone, so the noise of one
/// batch does not change when another batch is added or threads take turns in another order.
public struct LatencyNoise: Hashable, Sendable {
    /// Which sequence of factors is meant.
    public var seed: UInt64
    /// Standard deviation of the factor's logarithm: 0.05 is about 5 %; 0 = no noise.
    public var spread: Double

    /// No noise: every factor is 1.
    public static let none = LatencyNoise(seed: 0, spread: 0)

    /// The largest deviation, in multiples of `spread`; rarer draws end there.
    public static let bound = 4.0

    /// Creates noise; `spread` lies within 0...1.
    public init(seed: UInt64, spread: Double) {
        precondition(spread >= 0 && spread <= 1)
        self.seed = seed
        self.spread = spread
    }

    /// The factor of draw number `draw`, within exp(±`bound` x `spread`).
    public func factor(draw: UInt64) -> Double {
        guard spread > 0 else { return 1 }
        // Box-Muller: two uniform numbers give a normally distributed one.
        let first = Self.unit(Self.mix(seed &+ 2 &* draw &* Self.golden))
        let second = Self.unit(Self.mix(seed &+ (2 &* draw &+ 1) &* Self.golden))
        let normal = (-2 * Double.log(first)).squareRoot() * Double.cos(2 * Double.pi * second)
        return Double.exp(spread * max(-Self.bound, min(Self.bound, normal)))
    }

    /// The mean of all factors: their median is 1, their mean a little more.
    public var meanFactor: Double { .exp(spread * spread / 2) }

    /// `span` with the noise of draw number `draw`, rounded to a nanosecond.
    public func apply(to span: TimeSpan, draw: UInt64) -> TimeSpan {
        guard spread > 0 else { return span }
        return .milliseconds(rounding: span.inMilliseconds * factor(draw: draw))
    }

    private static let golden: UInt64 = 0x9E37_79B9_7F4A_7C15

    /// SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014).
    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value &+ golden
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// A number within (0, 1], so that its logarithm is finite.
    private static func unit(_ bits: UInt64) -> Double {
        Double((bits >> 11) + 1) * 0x1p-53
    }
}
