/// What an axis shows: its label, its scale and, where wanted, its ends.
public struct Axis: Hashable, Sendable {
    /// How values become lengths.
    public enum Scale: Hashable, Sendable {
        /// Equal steps are equally long.
        case linear
        /// Equal factors are equally long; values of 0 and below can't be shown.
        case log
        /// Fractions from 0 to 1 as percentiles, each further nine equally long: the tail of a
        /// distribution, which an even scale hides, takes most of the room.
        case nines
    }

    /// What is shown, with its unit, such as `latency, ms`.
    public var label: String
    /// How values become lengths.
    public var scale: Scale
    /// The ends; nil = as the data needs it.
    public var lower: Double?, upper: Double?
    /// Whether zero is shown though the data may lie far from it.
    public var includesZero: Bool

    /// Creates an axis.
    public init(
        _ label: String,
        scale: Scale = .linear,
        lower: Double? = nil,
        upper: Double? = nil,
        includesZero: Bool = false
    ) {
        self.label = label
        self.scale = scale
        self.lower = lower
        self.upper = upper
        self.includesZero = includesZero
    }

    /// A linear axis that begins at zero.
    public static func fromZero(_ label: String, upper: Double? = nil) -> Axis {
        Axis(label, upper: upper, includesZero: true)
    }
}
