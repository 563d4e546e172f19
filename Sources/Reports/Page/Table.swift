/// Rows and columns.
public struct Table: Hashable, Sendable {
    /// One column's heading.
    public struct Column: Hashable, Sendable {
        /// What stands in it, with its unit.
        public var title: String
        /// Whether its entries are numbers, which stand right.
        public var isNumeric: Bool

        /// Creates a column.
        public init(_ title: String, isNumeric: Bool = false) {
            self.title = title
            self.isNumeric = isNumeric
        }
    }

    /// One entry.
    public enum Cell: Hashable, Sendable {
        /// A text.
        case text(String)
        /// A number with three digits that matter, or with so many decimals.
        case number(Double?, decimals: Int? = nil)
        /// A judgement, with a word for it.
        case verdict(Verdict, String)
        /// A part of a whole from 0 to 1, as per cent with a small bar.
        case part(Double?)
    }

    /// The most rows that are written; the table says how many more there are.
    public static let rowLimit = 5_000

    /// What the table shows; may be empty.
    public var caption: String
    /// The headings.
    public var columns: [Column]
    /// The entries; missing ones at a row's end stay empty, more than columns are left out.
    public var rows: [[Cell]]
    /// A last row that stands out, such as the sum; nil = none.
    public var total: [Cell]?

    /// Creates a table.
    public init(
        _ caption: String = "",
        columns: [Column],
        rows: [[Cell]],
        total: [Cell]? = nil
    ) {
        self.caption = caption
        self.columns = columns
        self.rows = rows
        self.total = total
    }
}

extension Table {
    func draw(into markup: inout Markup) {
        markup.element("div", [("class", "table")]) { frame in
            // Many columns stand closer together before they have to be scrolled.
            let density: [Markup.Attribute] = columns.count > 10 ? [("class", "dense")] : []
            frame.element("table", density) { table in
                if !caption.isEmpty { table.element("caption", text: caption) }
                table.newline()
                table.element("thead") { head in
                    head.element("tr") { row in
                        for column in columns {
                            row.element(
                                "th",
                                [("class", column.isNumeric ? "n" : "t"), ("scope", "col")],
                                text: column.title
                            )
                        }
                    }
                }
                table.newline()
                table.element("tbody") { body in
                    for row in rows.prefix(Self.rowLimit) {
                        draw(row, into: &body)
                        body.newline()
                    }
                }
                if let total {
                    table.element("tfoot") { draw(total, into: &$0) }
                    table.newline()
                }
            }
            let more = rows.count - Self.rowLimit
            if more > 0 { frame.element("p", [("class", "more")], text: "… and \(more) more rows") }
        }
        markup.newline()
    }

    private func draw(_ row: [Cell], into markup: inout Markup) {
        markup.element("tr") { line in
            for (place, column) in columns.enumerated() {
                let cell = place < row.count ? row[place] : .text("")
                draw(cell, isNumeric: column.isNumeric, into: &line)
            }
        }
    }

    private func draw(_ cell: Cell, isNumeric: Bool, into markup: inout Markup) {
        let alignment = isNumeric ? "n" : "t"
        switch cell {
        case .text(let text):
            markup.element("td", [("class", alignment)]) { Prose.inline(text, into: &$0) }
        case .number(let value, let decimals):
            markup.element("td", [("class", "n")], text: Self.text(value, decimals))
        case .verdict(let verdict, let word):
            markup.element("td", [("class", alignment)]) { inner in
                inner.element(
                    "span",
                    [("class", "verdict \(verdict.cssClass)")],
                    text: "\(verdict.sign) \(word)"
                )
            }
        case .part(let value):
            guard let value, value.isFinite else {
                return markup.element("td", [("class", "n")], text: Numeral.missing)
            }
            let percent = 100 * value
            markup.element("td", [("class", "n part")]) { inner in
                let width = Numeral.coordinate(min(1, max(0, value)))
                inner.element("i", [("style", "--part:\(width)")], text: "")
                inner.element("span", text: Numeral.short(percent) + " %")
            }
        }
    }

    static func text(_ value: Double?, _ decimals: Int?) -> String {
        guard let value else { return Numeral.missing }
        return decimals.map { Numeral.fixed(value, decimals: min(9, max(0, $0))) }
            ?? Numeral.short(value)
    }
}

extension Verdict {
    var cssClass: String {
        switch self {
        case .holds: "holds"
        case .fails: "fails"
        case .open: "open"
        }
    }

    /// Told apart without colours too.
    var sign: String {
        switch self {
        case .holds: "✓"
        case .fails: "✗"
        case .open: "○"
        }
    }
}
