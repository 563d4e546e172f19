/// Lines, steps or points over two axes.
public struct LineChart: Hashable, Sendable {
    /// A line at one value, such as an objective.
    public struct Mark: Hashable, Sendable {
        /// Along which axis the value lies.
        public enum Direction: Hashable, Sendable {
            /// A value of the horizontal axis: the line is upright.
            case x
            /// A value of the vertical axis: the line is level.
            case y
        }

        /// Along which axis the value lies.
        public var direction: Direction
        /// The value.
        public var value: Double
        /// What is there.
        public var label: String

        /// Creates a mark.
        public init(_ direction: Direction, at value: Double, label: String) {
            self.direction = direction
            self.value = value
            self.label = label
        }
    }

    /// A stretch of the horizontal axis that is shaded, such as the time of a fault.
    public struct Band: Hashable, Sendable {
        /// Its ends.
        public var lower: Double, upper: Double
        /// What is there.
        public var label: String

        /// Creates a band.
        public init(from lower: Double, to upper: Double, label: String) {
            self.lower = lower
            self.upper = upper
            self.label = label
        }
    }

    /// The most series that are drawn; the chart says how many more there are.
    public static let seriesLimit = 24

    /// The horizontal axis.
    public var x: Axis
    /// The vertical axis.
    public var y: Axis
    /// What is drawn, the first at the bottom.
    public var series: [Series]
    /// Lines at single values; at most 32 are drawn.
    public var marks: [Mark]
    /// Shaded stretches; at most 64 are drawn.
    public var bands: [Band]

    /// Creates a chart.
    public init(
        x: Axis,
        y: Axis,
        series: [Series],
        marks: [Mark] = [],
        bands: [Band] = []
    ) {
        self.x = x
        self.y = y
        self.series = series
        self.marks = marks
        self.bands = bands
    }
}

/// Points of one kind, in the order in which they are to be joined.
public struct Series: Hashable, Sendable {
    /// One point; where a coordinate is not finite, the line has a gap.
    public struct Point: Hashable, Sendable {
        /// Along the horizontal axis.
        public var x: Double
        /// Along the vertical axis.
        public var y: Double

        /// Creates a point.
        public init(_ x: Double, _ y: Double) {
            self.x = x
            self.y = y
        }
    }

    /// How points are joined.
    public enum Style: Hashable, Sendable {
        /// By straight lines.
        case line
        /// Each value holds until the next point.
        case step
        /// As `step`, and what lies below is tinted.
        case area
        /// Not at all.
        case points
    }

    /// What the legend says.
    public var name: String
    /// The points.
    public var points: [Point]
    /// How they are joined.
    public var style: Style
    /// The colour; nil = by the place among the series.
    public var colour: Colour?
    /// Whether the line is dashed, as for what was planned beside what was.
    public var isDashed: Bool

    /// Creates a series.
    public init(
        _ name: String,
        _ points: [Point],
        style: Style = .line,
        colour: Colour? = nil,
        isDashed: Bool = false
    ) {
        self.name = name
        self.points = points
        self.style = style
        self.colour = colour
        self.isDashed = isDashed
    }
}
