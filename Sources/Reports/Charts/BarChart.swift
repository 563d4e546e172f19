/// Level bars: groups of them side by side, or pieces of one bar each.
public struct BarChart: Hashable, Sendable {
    /// One bar.
    public struct Bar: Hashable, Sendable {
        /// Its length; not-a-number = there is none.
        public var value: Double
        /// The range that the value may lie in; nil = none is known.
        public var low: Double?, high: Double?

        /// Creates a bar.
        public init(_ value: Double, low: Double? = nil, high: Double? = nil) {
            self.value = value
            self.low = low
            self.high = high
        }
    }

    /// The bars of one colour, one per category.
    public struct Group: Hashable, Sendable {
        /// What the legend says.
        public var name: String
        /// As many as there are categories; missing ones at the end are not drawn.
        public var bars: [Bar]
        /// The colour; nil = by the place among the groups.
        public var colour: Colour?

        /// Creates a group.
        public init(_ name: String, _ bars: [Bar], colour: Colour? = nil) {
            self.name = name
            self.bars = bars
            self.colour = colour
        }
    }

    /// How the groups' bars stand to each other.
    public enum Arrangement: Hashable, Sendable {
        /// Below each other.
        case grouped
        /// One behind the other, as parts of a whole; ranges are not drawn.
        case stacked
    }

    /// The most categories that are drawn; the chart says how many more there are.
    public static let categoryLimit = 64

    /// The axis of lengths.
    public var axis: Axis
    /// What stands left of the bars.
    public var categories: [String]
    /// The bars, one colour after the other.
    public var groups: [Group]
    /// How the groups' bars stand to each other.
    public var arrangement: Arrangement

    /// Creates a chart.
    public init(
        _ axis: Axis,
        categories: [String],
        groups: [Group],
        arrangement: Arrangement = .grouped
    ) {
        self.axis = axis
        self.categories = categories
        self.groups = groups
        self.arrangement = arrangement
    }
}
