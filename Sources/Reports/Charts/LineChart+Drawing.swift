extension LineChart {
    private static let markLimit = 32
    private static let bandLimit = 64

    /// A series with its colour and its points, few enough to be drawn.
    private struct Drawn {
        var series: Series
        var colour: Colour
        var points: [Series.Point]

        var isDashed: Bool { series.isDashed || colour.isDashed }
    }

    func draw(on canvas: inout Canvas) {
        let drawn = series.prefix(Self.seriesLimit).enumerated().map { place, series in
            Drawn(
                series: series,
                colour: series.colour ?? .series(place),
                points: Thinning.thinned(series.points, to: 1_200)
            )
        }
        canvas.legend(
            drawn.map { line in
                let shape: Canvas.Key.Shape =
                    switch line.series.style {
                    case .points: .dot
                    case .area: .box
                    case .line, .step: line.isDashed ? .dashed : .line
                    }
                return Canvas.Key(name: line.series.name, colour: line.colour, shape: shape)
            }
        )
        let shown = drawn.map { line in
            line.points.filter {
                Mapping.canShow($0.x, on: x.scale) && Mapping.canShow($0.y, on: y.scale)
            }
        }
        let (plot, across, up) = frame(on: &canvas, shown: shown.flatMap { $0 })
        drawBands(on: &canvas, across: across, plot: plot)
        canvas.verticalAxis(up, label: y.label, plot: plot)
        canvas.horizontalAxis(across, label: x.label, plot: plot)
        for line in drawn { draw(line, on: &canvas, across: across, up: up) }
        drawMarks(on: &canvas, across: across, up: up, plot: plot)
        if shown.allSatisfy(\.isEmpty) { canvas.emptyNote(in: plot) }
        let left = series.count - drawn.count
        if left > 0 {
            canvas.text("\(left) more series are not drawn", x: 4, y: canvas.extend(by: 18) + 8)
        }
    }

    private func frame(
        on canvas: inout Canvas,
        shown: [Series.Point]
    ) -> (plot: Canvas.Plot, across: Mapping, up: Mapping) {
        let top = canvas.extend(by: 28) + 24
        let height = canvas.width > 700 ? 260.0 : 230
        _ = canvas.extend(by: height + 40)
        let bottom = top + height
        let levels = shown.map(\.y) + marks.filter { $0.direction == .y }.map(\.value)
        let up = Mapping(y, values: levels, from: bottom, to: top)
        let widest = up.ticks.map { Typography.width($0.label) }.max() ?? 0
        let plot = Canvas.Plot(
            left: max(24, widest + 12),
            top: top,
            right: canvas.width - 12,
            bottom: bottom
        )
        let places =
            shown.map(\.x) + marks.filter { $0.direction == .x }.map(\.value)
            + bands.flatMap { [$0.lower, $0.upper] }
        let across = Mapping(
            x,
            values: places,
            from: plot.left,
            to: plot.right,
            isRounded: false
        )
        return (plot, across, up)
    }

    private func drawBands(on canvas: inout Canvas, across: Mapping, plot: Canvas.Plot) {
        for band in bands.prefix(Self.bandLimit) {
            guard let left = across.pixelWithin(band.lower),
                let right = across.pixelWithin(band.upper), right >= left
            else { continue }
            canvas.box(
                x: left,
                y: plot.top,
                width: max(1, right - left),
                height: plot.height,
                cssClass: "bd",
                note: band.label
            )
            // A short word may stand out of a narrow band, on the side where there is room.
            let label = Typography.fitted(band.label, room: max(110, right - left - 6))
            let isRight = left + 4 + Typography.width(label) > plot.right
            canvas.text(
                label,
                x: isRight ? right - 4 : left + 4,
                y: plot.top + 13,
                cssClass: "sm",
                anchor: isRight ? "end" : "start"
            )
        }
    }

    private func drawMarks(
        on canvas: inout Canvas,
        across: Mapping,
        up: Mapping,
        plot: Canvas.Plot
    ) {
        var free = plot.top
        for mark in marks.prefix(Self.markLimit) {
            switch mark.direction {
            case .y:
                guard let level = up.pixelWithin(mark.value) else { continue }
                canvas.line(from: (plot.left, level), to: (plot.right, level), cssClass: "mk")
                canvas.text(
                    Typography.fitted(mark.label, room: plot.width),
                    x: plot.right - 4,
                    y: level - 4 < plot.top + 8 ? level + 13 : level - 4,
                    cssClass: "sm",
                    anchor: "end"
                )
            case .x:
                guard let place = across.pixelWithin(mark.value) else { continue }
                canvas.line(from: (place, plot.top), to: (place, plot.bottom), cssClass: "mk")
                // Labels go down like stairs, so that neighbours do not overlap.
                free = free + 14 > plot.bottom - 4 ? plot.top + 14 : free + 14
                let isRight = place > plot.left + plot.width * 0.7
                canvas.text(
                    Typography.fitted(mark.label, room: plot.width / 2),
                    x: isRight ? place - 4 : place + 4,
                    y: free,
                    cssClass: "sm",
                    anchor: isRight ? "end" : "start"
                )
            }
        }
    }

    private func draw(_ line: Drawn, on canvas: inout Canvas, across: Mapping, up: Mapping) {
        let colour = line.colour.cssClass
        let runs = Self.runs(of: line.points, across: across, up: up)
        if line.series.style == .points {
            for dot in runs.joined() {
                canvas.dot(x: dot.x, y: dot.y, radius: 2.6, cssClass: "fi \(colour)", note: nil)
            }
            return
        }
        var outline = ""
        var filling = ""
        for run in runs {
            guard let first = run.first, let last = run.last else { continue }
            if run.count == 1, line.series.style == .line {
                canvas.dot(x: first.x, y: first.y, radius: 3, cssClass: "fi \(colour)", note: nil)
                continue
            }
            let data = Self.path(run, isStepped: line.series.style != .line)
            outline += data
            if line.series.style == .area {
                filling += data + "V" + Numeral.coordinate(up.start)
                filling += "H" + Numeral.coordinate(first.x) + "Z"
            }
            if run.count == 1 {
                canvas.dot(x: last.x, y: last.y, radius: 3, cssClass: "fi \(colour)", note: nil)
            }
        }
        if !filling.isEmpty { canvas.path(filling, cssClass: "ar \(colour)") }
        guard !outline.isEmpty else { return }
        canvas.path(outline, cssClass: line.isDashed ? "ln da \(colour)" : "ln \(colour)")
    }

    /// The points in pixels, cut where one can't be shown.
    private static func runs(
        of points: [Series.Point],
        across: Mapping,
        up: Mapping
    ) -> [[(x: Double, y: Double)]] {
        var runs: [[(x: Double, y: Double)]] = []
        var run: [(x: Double, y: Double)] = []
        for point in points {
            guard let x = across.pixelWithin(point.x), let y = up.pixelWithin(point.y) else {
                if !run.isEmpty { runs.append(run) }
                run = []
                continue
            }
            run.append((x, y))
        }
        if !run.isEmpty { runs.append(run) }
        return runs
    }

    private static func path(_ run: [(x: Double, y: Double)], isStepped: Bool) -> String {
        var data = ""
        for (place, point) in run.enumerated() {
            let x = Numeral.coordinate(point.x)
            let y = Numeral.coordinate(point.y)
            if place == 0 {
                data += "M\(x) \(y)"
            } else {
                data += isStepped ? "H\(x)V\(y)" : "L\(x) \(y)"
            }
        }
        return data
    }
}
