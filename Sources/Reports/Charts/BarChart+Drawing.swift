extension BarChart {
    private static let groupLimit = 16

    func draw(on canvas: inout Canvas) {
        let groups = Array(groups.prefix(Self.groupLimit))
        canvas.legend(
            groups.enumerated().map { place, group in
                Canvas.Key(
                    name: group.name,
                    colour: group.colour ?? .series(place),
                    shape: .box
                )
            }
        )
        let shown = Array(categories.prefix(Self.categoryLimit))
        let names = shown.map { Typography.fitted($0, room: canvas.width * 0.34) }
        let lines = arrangement == .stacked ? 1 : max(1, groups.count)
        // Few bars may be thick, many must be thin.
        let thickness = min(22, max(9, 150 / Double(lines * max(1, shown.count))))
        let pitch = Double(lines) * (thickness + 2) + 10
        let top = canvas.extend(by: 8 + pitch * Double(max(1, shown.count)) + 44) + 4
        let left = (names.map { Typography.width($0) }.max() ?? 0) + 14
        let plot = Canvas.Plot(
            left: left,
            top: top,
            right: canvas.width - (arrangement == .stacked ? 16 : 48),
            bottom: top + pitch * Double(max(1, shown.count))
        )
        let across = Mapping(axis, values: extent(groups), from: plot.left, to: plot.right)
        canvas.horizontalAxis(across, label: axis.label, plot: plot)
        for (row, name) in names.enumerated() {
            let y = plot.top + pitch * Double(row) + 5
            canvas.text(name, x: left - 8, y: y + pitch / 2 - 1, cssClass: "sx", anchor: "end")
            switch arrangement {
            case .grouped:
                for (place, group) in groups.enumerated() {
                    let level = y + Double(place) * (thickness + 2)
                    drawBar(group, place, row: row, y: level, thickness, on: &canvas, across)
                }
            case .stacked:
                drawStack(groups, row: row, y: y, thickness, on: &canvas, across)
            }
        }
        if extent(groups).isEmpty { canvas.emptyNote(in: plot) }
        let more = categories.count - shown.count
        if more > 0 {
            canvas.text("\(more) more rows are not drawn", x: 4, y: canvas.extend(by: 18) + 8)
        }
    }

    /// Every value that must be seen.
    private func extent(_ groups: [Group]) -> [Double] {
        let rows = 0..<min(categories.count, Self.categoryLimit)
        switch arrangement {
        case .grouped:
            return groups.flatMap { group in
                group.bars.prefix(rows.count).flatMap { [$0.value, $0.low, $0.high] }
                    .compactMap { $0 }.filter(\.isFinite)
            }
        case .stacked:
            return rows.compactMap { row in
                let parts = groups.compactMap { row < $0.bars.count ? $0.bars[row].value : nil }
                let known = parts.filter { $0.isFinite && $0 > 0 }
                return known.isEmpty ? nil : known.reduce(0, +)
            }
        }
    }

    private func drawBar(
        _ group: Group,
        _ place: Int,
        row: Int,
        y: Double,
        _ thickness: Double,
        on canvas: inout Canvas,
        _ across: Mapping
    ) {
        guard row < group.bars.count else { return }
        let bar = group.bars[row]
        guard let end = across.pixelWithin(bar.value) else { return }
        // From zero where zero is shown, else from the axis' lower end.
        let origin = across.pixelWithin(0) ?? across.start
        let colour = (group.colour ?? .series(place)).cssClass
        canvas.box(
            x: min(origin, end),
            y: y,
            width: max(1, abs(end - origin)),
            height: thickness,
            cssClass: "fi \(colour)",
            note: "\(categories[row]), \(group.name): \(Self.words(for: bar))"
        )
        var tip = max(origin, end)
        if let low = bar.low.flatMap(across.pixelWithin),
            let high = bar.high.flatMap(across.pixelWithin)
        {
            let middle = y + thickness / 2
            canvas.line(from: (low, middle), to: (high, middle), cssClass: "er")
            for edge in [low, high] {
                canvas.line(from: (edge, middle - 3), to: (edge, middle + 3), cssClass: "er")
            }
            tip = max(tip, max(low, high))
        }
        canvas.text(
            Numeral.short(bar.value),
            x: tip + 5,
            y: y + thickness / 2 + 4,
            cssClass: "sv"
        )
    }

    private static func words(for bar: Bar) -> String {
        let value = Numeral.short(bar.value, digits: 4)
        guard let low = bar.low, let high = bar.high else { return value }
        return "\(value) (\(Numeral.short(low, digits: 4)) to \(Numeral.short(high, digits: 4)))"
    }

    private func drawStack(
        _ groups: [Group],
        row: Int,
        y: Double,
        _ thickness: Double,
        on canvas: inout Canvas,
        _ across: Mapping
    ) {
        var sum = 0.0
        for (place, group) in groups.enumerated() where row < group.bars.count {
            let value = group.bars[row].value
            guard value.isFinite, value > 0,
                let begin = across.pixelWithin(sum), let end = across.pixelWithin(sum + value)
            else { continue }
            canvas.box(
                x: begin,
                y: y,
                width: end - begin,
                height: thickness,
                cssClass: "fi \((group.colour ?? .series(place)).cssClass)",
                note: "\(categories[row]), \(group.name): \(Numeral.short(value, digits: 4))"
            )
            sum += value
        }
    }
}
