/// Values over two lists of places as colours, such as a throughput by batch and share.
public struct HeatMap: Hashable, Sendable {
    /// The most columns, and the most rows, that are drawn; the chart says how many more.
    public static let limit = 64

    /// What the columns are, and what each is called.
    public var xLabel: String, columns: [String]
    /// What the rows are, and what each is called, from the top.
    public var yLabel: String, rows: [String]
    /// What the colours mean, with its unit.
    public var valueLabel: String
    /// Row by row; nil or not finite = nothing is known there.
    public var values: [[Double?]]

    /// Creates a map.
    public init(
        xLabel: String,
        columns: [String],
        yLabel: String,
        rows: [String],
        valueLabel: String,
        values: [[Double?]]
    ) {
        self.xLabel = xLabel
        self.columns = columns
        self.yLabel = yLabel
        self.rows = rows
        self.valueLabel = valueLabel
        self.values = values
    }
}

extension HeatMap {
    func draw(on canvas: inout Canvas) {
        let columns = Array(columns.prefix(Self.limit))
        let rows = Array(rows.prefix(Self.limit))
        let names = rows.map { Typography.fitted($0, room: canvas.width * 0.25) }
        let left = max(24, (names.map { Typography.width($0) }.max() ?? 0) + 14)
        let cell = (
            width: (canvas.width - left - 12) / Double(max(1, columns.count)),
            height: rows.count > 24 ? 14.0 : 24.0
        )
        let known = values.prefix(rows.count).flatMap { $0.prefix(columns.count) }
            .compactMap { $0 }.filter(\.isFinite)
        let ends = (low: known.min() ?? 0, high: known.max() ?? 1)
        drawRamp(on: &canvas, ends: ends)
        let top = canvas.extend(by: 28) + 24
        canvas.text(yLabel, x: 4, y: top - 8)
        for (row, name) in names.enumerated() {
            let y = canvas.extend(by: cell.height)
            let middle = y + cell.height / 2 + 4
            canvas.text(name, x: left - 7, y: middle, cssClass: "sx", anchor: "end")
            for column in columns.indices {
                let x = left + cell.width * Double(column)
                draw(row, column, x: x, y: y, cell, ends, on: &canvas)
            }
        }
        let bottom = canvas.extend(by: 44)
        let stride =
            columns.map { Typography.width($0) + 8 }.max()
            .map { max(1, Int(($0 / cell.width).rounded(.up))) } ?? 1
        for (column, name) in columns.enumerated() where column % stride == 0 {
            let centre = left + cell.width * (Double(column) + 0.5)
            canvas.text(name, x: centre, y: bottom + 16, cssClass: "sx", anchor: "middle")
        }
        canvas.text(xLabel, x: canvas.width - 12, y: bottom + 34, anchor: "end")
        let more = max(self.rows.count - rows.count, 0) + max(self.columns.count - columns.count, 0)
        if more > 0 {
            canvas.text(
                "\(more) more rows and columns are not drawn",
                x: 4,
                y: canvas.extend(by: 18) + 8
            )
        }
    }

    private func draw(
        _ row: Int,
        _ column: Int,
        x: Double,
        y: Double,
        _ cell: (width: Double, height: Double),
        _ ends: (low: Double, high: Double),
        on canvas: inout Canvas
    ) {
        var value: Double?
        if row < values.count, column < values[row].count { value = values[row][column] }
        let place = "\(rows[row]), \(columns[column])"
        guard let value, value.isFinite else {
            canvas.box(
                x: x,
                y: y,
                width: cell.width - 1,
                height: cell.height - 1,
                cssClass: "hn",
                note: "\(place): not known"
            )
            return
        }
        let part = ends.high > ends.low ? (value - ends.low) / (ends.high - ends.low) : 0.5
        let colour = ColourRamp.colour(at: part)
        canvas.box(
            x: x,
            y: y,
            width: cell.width - 1,
            height: cell.height - 1,
            cssClass: "hc",
            fill: colour.hex,
            note: "\(place): \(Numeral.short(value, digits: 4))"
        )
        let text = Numeral.short(value)
        guard Typography.width(text, size: 11) < cell.width - 4, cell.height > 18 else { return }
        canvas.text(
            text,
            x: x + (cell.width - 1) / 2,
            y: y + cell.height / 2 + 4,
            cssClass: colour.isDark ? "hl" : "hd",
            anchor: "middle"
        )
    }

    private func drawRamp(on canvas: inout Canvas, ends: (low: Double, high: Double)) {
        let y = canvas.extend(by: 22) + 2
        var x = 4.0
        let low = Numeral.short(ends.low)
        canvas.text(low, x: x, y: y + 11, cssClass: "sx")
        x += Typography.width(low) + 6
        for step in 0..<24 {
            let colour = ColourRamp.colour(at: (Double(step) + 0.5) / 24)
            canvas.box(x: x, y: y + 1, width: 5.2, height: 11, cssClass: "hc", fill: colour.hex)
            x += 5
        }
        let high = Numeral.short(ends.high)
        canvas.text(high, x: x + 7, y: y + 11, cssClass: "sx")
        x += Typography.width(high) + 18
        let label = Typography.fitted(valueLabel, room: canvas.width - x - 4)
        canvas.text(label, x: x, y: y + 11)
    }
}

/// Colours from little to much: pale yellow over green and blue to a deep blue, lighter always
/// meaning less, so that it prints in grey as well.
enum ColourRamp {
    /// A colour, and whether light letters are needed on it.
    struct Tone {
        var hex: String
        var isDark: Bool
    }

    private static let stops: [(red: Double, green: Double, blue: Double)] = [
        (251, 248, 221), (190, 226, 191), (103, 187, 187), (44, 127, 174), (29, 62, 122),
    ]

    /// The colour at a part of the way, from 0 to 1.
    static func colour(at part: Double) -> Tone {
        let place = min(1, max(0, part)) * Double(stops.count - 1)
        let index = min(stops.count - 2, Int(place))
        let rest = place - Double(index)
        let (low, high) = (stops[index], stops[index + 1])
        let red = low.red + (high.red - low.red) * rest
        let green = low.green + (high.green - low.green) * rest
        let blue = low.blue + (high.blue - low.blue) * rest
        let brightness = 0.299 * red + 0.587 * green + 0.114 * blue
        return Tone(hex: "#" + hex(red) + hex(green) + hex(blue), isDark: brightness < 140)
    }

    private static func hex(_ level: Double) -> String {
        let digits = String(Int(level.rounded()), radix: 16)
        return digits.count == 1 ? "0" + digits : digits
    }
}
