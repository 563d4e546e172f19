/// The same tables for terminals: columns aligned by spaces, no colours.
public enum TextTable {
    /// The table as lines, each with its end; columns in which nothing stands are left out.
    ///
    /// Cost: O(cells).
    public static func text(_ table: Table) -> String {
        var rows = [table.columns.map(\.title)]
        rows += table.rows.prefix(Table.rowLimit).map { texts($0, table.columns.count) }
        if let total = table.total { rows.append(texts(total, table.columns.count)) }
        let shown = table.columns.indices.filter { column in
            rows.dropFirst().contains { !$0[column].isEmpty }
        }
        let widths = shown.map { column in rows.map { $0[column].count }.max() ?? 0 }
        var text = table.caption.isEmpty ? "" : table.caption + "\n"
        for row in rows {
            var line = ""
            for (place, column) in shown.enumerated() {
                if place > 0 { line += "  " }
                let space = String(repeating: " ", count: widths[place] - row[column].count)
                line += table.columns[column].isNumeric ? space + row[column] : row[column] + space
            }
            while line.last == " " { line.removeLast() }
            text += line + "\n"
        }
        let more = table.rows.count - Table.rowLimit
        if more > 0 { text += "... and \(more) more rows\n" }
        return text
    }

    private static func texts(_ row: [Table.Cell], _ count: Int) -> [String] {
        (0..<count).map { $0 < row.count ? text(row[$0]) : "" }
    }

    private static func text(_ cell: Table.Cell) -> String {
        switch cell {
        // A line of a table is one line, whatever a model is called.
        case .text(let text): String(text.map { $0.isNewline ? " " : $0 })
        case .number(let value, let decimals): Table.text(value, decimals)
        case .verdict(let verdict, let word): "\(verdict.sign) \(word)"
        case .part(let value):
            value.map { $0.isFinite ? Numeral.short(100 * $0) + " %" : Numeral.missing }
                ?? Numeral.missing
        }
    }
}
