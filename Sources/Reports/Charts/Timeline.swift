/// Who ran where, and when: one row per place, spans of time on it.
public struct Timeline: Hashable, Sendable {
    /// One place, such as a gpulet.
    public struct Row: Hashable, Sendable {
        /// What stands left of it.
        public var name: String
        /// What it is part of, such as a device; rows of one group stand together under its name.
        public var group: String

        /// Creates a row.
        public init(_ name: String, group: String = "") {
            self.name = name
            self.group = group
        }
    }

    /// Something that took place on a row.
    public struct Span: Hashable, Sendable {
        /// The position of its row.
        public var row: Int
        /// Its ends, in the unit of the axis.
        public var start: Double, end: Double
        /// The position of its kind.
        public var kind: Int
        /// What a pointer over it is told; may be empty.
        public var note: String

        /// Creates a span.
        public init(row: Int, from start: Double, to end: Double, kind: Int, note: String = "") {
            self.row = row
            self.start = start
            self.end = end
            self.kind = kind
            self.note = note
        }
    }

    /// What spans can be, such as batches of a model.
    public struct Kind: Hashable, Sendable {
        /// What the legend says.
        public var name: String
        /// The colour; nil = by its place among the kinds.
        public var colour: Colour?

        /// Creates a kind.
        public init(_ name: String, colour: Colour? = nil) {
            self.name = name
            self.colour = colour
        }
    }

    /// The most rows that are drawn; the chart says how many more there are.
    public static let rowLimit = 96
    /// About the most spans that are drawn; closer ones of a kind are drawn as one beyond it.
    public static let spanLimit = 12_000

    /// The axis of time.
    public var axis: Axis
    /// The places.
    public var rows: [Row]
    /// The kinds of spans.
    public var kinds: [Kind]
    /// What took place, in any order; spans of one row may overlap.
    public var spans: [Span]
    /// Upright lines, such as the beginnings of epochs; at most 64 are drawn.
    public var marks: [LineChart.Mark]

    /// Creates a timeline.
    public init(
        _ axis: Axis,
        rows: [Row],
        kinds: [Kind],
        spans: [Span],
        marks: [LineChart.Mark] = []
    ) {
        self.axis = axis
        self.rows = rows
        self.kinds = kinds
        self.spans = spans
        self.marks = marks
    }
}
