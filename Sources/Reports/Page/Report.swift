/// A report: what was found, in words, tables and charts, as one file that opens anywhere.
public struct Report: Hashable, Sendable {
    /// One fact about how the report came to be, such as the seed.
    public struct Fact: Hashable, Sendable {
        /// What it is.
        public var name: String
        /// Its value.
        public var value: String

        /// Creates a fact.
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    /// A part of the report with a heading.
    public struct Section: Hashable, Sendable {
        /// The heading.
        public var title: String
        /// What stands below it.
        public var blocks: [Block]

        /// Creates a section.
        public init(_ title: String, _ blocks: [Block]) {
            self.title = title
            self.blocks = blocks
        }
    }

    /// One piece of a section.
    public enum Block: Hashable, Sendable {
        /// Paragraphs apart by empty lines; lines that begin with `- ` are a list; words between
        /// backticks are set as code. Everything else stands as it is.
        case text(String)
        /// The same, in a frame: what a reader must not miss.
        case note(Verdict, String)
        /// Rows and columns.
        case table(Table)
        /// A picture; neighbours of half a width stand side by side.
        case chart(Chart)
    }

    /// One line: what was done.
    public var title: String
    /// A few sentences: what was found; the same markup as a text block.
    public var summary: String
    /// How it came to be.
    public var facts: [Fact]
    /// The parts.
    public var sections: [Section]

    /// Creates a report.
    public init(
        _ title: String,
        summary: String,
        facts: [Fact] = [],
        sections: [Section] = []
    ) {
        self.title = title
        self.summary = summary
        self.facts = facts
        self.sections = sections
    }
}

/// How something stands to what was wanted of it.
public enum Verdict: Hashable, Sendable {
    /// As wanted.
    case holds
    /// Not as wanted.
    case fails
    /// Neither was to be decided.
    case open
}
