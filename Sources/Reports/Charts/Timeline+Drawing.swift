extension Timeline {
    private static let noteLimit = 2_500
    private static let rowHeight = 20.0

    func draw(on canvas: inout Canvas) {
        canvas.legend(
            kinds.prefix(LineChart.seriesLimit).enumerated().map { place, kind in
                Canvas.Key(name: kind.name, colour: kind.colour ?? .series(place), shape: .box)
            }
        )
        let shown = Array(rows.prefix(Self.rowLimit))
        let names = shown.map { Typography.fitted($0.name, room: canvas.width * 0.22) }
        let groups = shown.map { Typography.fitted($0.group, room: canvas.width * 0.3) }
        let left = max(40, (names.map { Typography.width($0) }.max() ?? 0) + 14)
        let top = canvas.extend(by: 10) + 8
        var levels: [Double] = []
        for (place, group) in groups.enumerated() {
            if !group.isEmpty, place == 0 || shown[place - 1].group != shown[place].group {
                let y = canvas.extend(by: 22)
                canvas.text(group, x: 4, y: y + 16, cssClass: "sg")
            }
            levels.append(canvas.extend(by: Self.rowHeight))
        }
        if shown.isEmpty { _ = canvas.extend(by: 60) }
        let plot = Canvas.Plot(
            left: left,
            top: top,
            right: canvas.width - 12,
            bottom: canvas.height
        )
        _ = canvas.extend(by: 44)
        let known = spans.filter {
            shown.indices.contains($0.row) && $0.start.isFinite && $0.end.isFinite
        }
        let ends = known.flatMap { [$0.start, $0.end] } + marks.map(\.value)
        let across = Mapping(axis, values: ends, from: left, to: plot.right, isRounded: false)
        canvas.horizontalAxis(across, label: axis.label, plot: plot)
        for (place, name) in names.enumerated() {
            let middle = levels[place] + Self.rowHeight / 2
            canvas.box(
                x: left,
                y: levels[place] + 1,
                width: plot.width,
                height: Self.rowHeight - 2,
                cssClass: "rw"
            )
            canvas.text(name, x: left - 7, y: middle + 4, cssClass: "sx", anchor: "end")
        }
        draw(known, levels: levels, on: &canvas, across)
        drawMarks(on: &canvas, plot, across)
        if known.isEmpty { canvas.emptyNote(in: plot) }
        if rows.count > shown.count {
            let more = rows.count - shown.count
            canvas.text("\(more) more rows are not drawn", x: 4, y: canvas.extend(by: 18) + 8)
        }
    }

    private func drawMarks(on canvas: inout Canvas, _ plot: Canvas.Plot, _ across: Mapping) {
        for mark in marks.prefix(64) where mark.direction == .x {
            guard let x = across.pixelWithin(mark.value) else { continue }
            canvas.line(from: (x, plot.top - 4), to: (x, plot.bottom), cssClass: "mk")
            canvas.dot(x: x, y: plot.top - 4, radius: 3, cssClass: "fi cm", note: mark.label)
        }
    }

    private func draw(
        _ spans: [Span],
        levels: [Double],
        on canvas: inout Canvas,
        _ across: Mapping
    ) {
        var blocks = Packing.blocks(of: spans, across)
        var tolerance = 0.25
        while blocks.count > Self.spanLimit, tolerance < 64 {
            tolerance *= 2
            blocks = Packing.merged(blocks, within: tolerance)
        }
        let hasNotes = blocks.count <= Self.noteLimit
        var paths = Array(repeating: "", count: max(1, kinds.count))
        for block in blocks {
            let height = (Self.rowHeight - 4) / Double(block.depth)
            let y = levels[block.row] + 2 + height * Double(block.level)
            let length = block.end - block.start
            // Neighbours stay apart where there is room for a seam.
            let width = length > 3 ? length - 0.7 : max(0.6, length)
            guard hasNotes else {
                let kind = min(max(0, block.kind), paths.count - 1)
                let (w, h) = (Numeral.coordinate(width), Numeral.coordinate(height - 0.6))
                paths[kind] += "M\(Numeral.coordinate(block.start)) \(Numeral.coordinate(y))"
                paths[kind] += "h\(w)v\(h)h-\(w)z"
                continue
            }
            canvas.box(
                x: block.start,
                y: y,
                width: width,
                height: height - 0.6,
                cssClass: "fi \(colour(of: block.kind))",
                note: block.note.isEmpty ? nil : block.note
            )
        }
        for (kind, path) in paths.enumerated() where !path.isEmpty {
            canvas.path(path, cssClass: "fi \(colour(of: kind))")
        }
    }

    private func colour(of kind: Int) -> String {
        let given = kinds.indices.contains(kind) ? kinds[kind].colour : nil
        return (given ?? .series(kind)).cssClass
    }
}

/// Puts the spans of each row into as many levels as overlap at once.
enum Packing {
    /// A span in pixels, on its level of its row.
    struct Block {
        var row: Int
        var kind: Int
        var start: Double, end: Double
        /// Which level of the row, and how many the row has.
        var level: Int, depth: Int
        var note: String
    }

    /// More levels than this could not be told apart.
    private static let depthLimit = 8

    /// The spans as blocks, by row, then by start. Cost: O(n log n).
    static func blocks(of spans: [Timeline.Span], _ across: Mapping) -> [Block] {
        let order = spans.indices.sorted {
            (spans[$0].row, spans[$0].start, $0) < (spans[$1].row, spans[$1].start, $1)
        }
        var blocks: [Block] = []
        blocks.reserveCapacity(spans.count)
        var begin = 0
        // When each level of the present row is free again.
        var free: [Double] = []
        func close() {
            for place in begin..<blocks.count { blocks[place].depth = max(1, free.count) }
            begin = blocks.count
            free = []
        }
        for place in order {
            let span = spans[place]
            guard let start = across.pixelWithin(span.start),
                let end = across.pixelWithin(span.end), span.end >= span.start
            else { continue }
            if let last = blocks.last, last.row != span.row { close() }
            var level = free.firstIndex { $0 <= span.start } ?? free.count
            if level == free.count {
                if level < depthLimit {
                    free.append(span.end)
                } else {
                    level = depthLimit - 1
                }
            }
            free[level] = max(free[level], span.end)
            blocks.append(
                Block(
                    row: span.row,
                    kind: span.kind,
                    start: start,
                    end: end,
                    level: level,
                    depth: 1,
                    note: span.note
                )
            )
        }
        close()
        return blocks
    }

    /// Blocks of one row and level joined where less than `gap` pixels lie between them: such of
    /// one kind, and such that are both narrower than that. Cost: O(n).
    static func merged(_ blocks: [Block], within gap: Double) -> [Block] {
        var result: [Block] = []
        var lastOfLevel = Array(repeating: -1, count: depthLimit)
        var row = -1
        for block in blocks {
            if block.row != row {
                row = block.row
                lastOfLevel = Array(repeating: -1, count: depthLimit)
            }
            let last = lastOfLevel[block.level]
            if last >= 0, block.start - result[last].end < gap {
                let isNarrow =
                    block.end - block.start < gap && result[last].end - result[last].start < gap
                if result[last].kind == block.kind || isNarrow {
                    result[last].end = max(result[last].end, block.end)
                    result[last].note = ""
                    continue
                }
            }
            lastOfLevel[block.level] = result.count
            result.append(block)
        }
        return result
    }
}
