/// A drawing in progress: a legend on top, below it one plot with its axes.
struct Canvas {
    /// One entry of a legend.
    struct Key {
        enum Shape { case line, dashed, box, dot }
        var name: String
        var colour: Colour
        var shape: Shape
    }

    /// The rectangle that values are drawn in, in pixels.
    struct Plot {
        var left: Double, top: Double, right: Double, bottom: Double
        var width: Double { right - left }
        var height: Double { bottom - top }
    }

    let width: Double
    /// Grows with what is drawn.
    private(set) var height: Double
    var markup = Markup()

    /// Creates a canvas; a title is drawn on top of those that stand alone.
    init(width: Double, title: String?) {
        self.width = width
        height = 4
        guard let title else { return }
        let shown = Typography.fitted(title, room: width - 8, size: 15)
        text(shown, x: 4, y: 20, cssClass: "st")
        height = 32
    }

    /// Takes `amount` pixels below what is there; returns where they begin.
    mutating func extend(by amount: Double) -> Double {
        defer { height += amount }
        return height
    }

    // MARK: Pieces

    mutating func text(
        _ content: String,
        x: Double,
        y: Double,
        cssClass: String = "sl",
        anchor: String = "start"
    ) {
        var attributes: [Markup.Attribute] = [
            ("x", Numeral.coordinate(x)), ("y", Numeral.coordinate(y)), ("class", cssClass),
        ]
        if anchor != "start" { attributes.append(("text-anchor", anchor)) }
        markup.element("text", attributes, text: content)
    }

    mutating func line(
        from first: (x: Double, y: Double),
        to second: (x: Double, y: Double),
        cssClass: String
    ) {
        markup.empty(
            "line",
            [
                ("class", cssClass),
                ("x1", Numeral.coordinate(first.x)), ("y1", Numeral.coordinate(first.y)),
                ("x2", Numeral.coordinate(second.x)), ("y2", Numeral.coordinate(second.y)),
            ]
        )
    }

    /// A rectangle; `note` is what a pointer over it is told.
    mutating func box(
        x: Double,
        y: Double,
        width: Double,
        height: Double,
        cssClass: String,
        fill: String? = nil,
        note: String? = nil
    ) {
        var attributes: [Markup.Attribute] = [
            ("class", cssClass),
            ("x", Numeral.coordinate(x)), ("y", Numeral.coordinate(y)),
            ("width", Numeral.coordinate(max(0, width))),
            ("height", Numeral.coordinate(max(0, height))),
        ]
        if let fill { attributes.append(("fill", fill)) }
        guard let note else { return markup.empty("rect", attributes) }
        markup.element("rect", attributes) { $0.element("title", text: note) }
    }

    mutating func path(_ data: String, cssClass: String) {
        markup.empty("path", [("class", cssClass), ("d", data)])
    }

    /// A row of names and their colours, as many lines as it needs; nothing for a lone series.
    mutating func legend(_ keys: [Key]) {
        guard keys.count > 1 else { return }
        var x = 4.0
        var y = extend(by: 20) + 12
        for key in keys {
            let name = Typography.fitted(key.name, room: width * 0.6)
            let room = 24 + Typography.width(name) + 16
            if x > 4, x + room > width {
                x = 4
                y = extend(by: 18) + 12
            }
            swatch(key, x: x, y: y - 4)
            text(name, x: x + 24, y: y)
            x += room
        }
        _ = extend(by: 4)
    }

    private mutating func swatch(_ key: Key, x: Double, y: Double) {
        let colour = key.colour.cssClass
        switch key.shape {
        case .line: line(from: (x, y), to: (x + 18, y), cssClass: "ln \(colour)")
        case .dashed: line(from: (x, y), to: (x + 18, y), cssClass: "ln da \(colour)")
        case .box:
            box(x: x + 3, y: y - 5, width: 12, height: 10, cssClass: "fi \(colour)")
        case .dot: dot(x: x + 9, y: y, radius: 3.5, cssClass: "fi \(colour)", note: nil)
        }
    }

    mutating func dot(x: Double, y: Double, radius: Double, cssClass: String, note: String?) {
        let attributes: [Markup.Attribute] = [
            ("class", cssClass), ("cx", Numeral.coordinate(x)), ("cy", Numeral.coordinate(y)),
            ("r", Numeral.coordinate(radius)),
        ]
        guard let note else { return markup.empty("circle", attributes) }
        markup.element("circle", attributes) { $0.element("title", text: note) }
    }

    // MARK: Axes

    /// Ticks and label of a horizontal axis below the plot, with lines through it.
    mutating func horizontalAxis(_ mapping: Mapping, label: String, plot: Plot) {
        var free = -Double.infinity
        for tick in mapping.ticks {
            guard let x = mapping.pixel(tick.value) else { continue }
            line(from: (x, plot.top), to: (x, plot.bottom), cssClass: "gr")
            let half = Typography.width(tick.label) / 2
            let centre = min(max(x, half), width - half)
            // Labels never touch; the line of one that is left out still stands.
            guard centre - half > free + 6 else { continue }
            text(tick.label, x: centre, y: plot.bottom + 16, cssClass: "sx", anchor: "middle")
            free = centre + half
        }
        line(from: (plot.left, plot.bottom), to: (plot.right, plot.bottom), cssClass: "ax")
        let shown = Typography.fitted(label, room: plot.width)
        text(shown, x: plot.right, y: plot.bottom + 34, cssClass: "sl", anchor: "end")
    }

    /// Ticks of a vertical axis left of the plot, and its label above them.
    mutating func verticalAxis(_ mapping: Mapping, label: String, plot: Plot) {
        for tick in mapping.ticks {
            guard let y = mapping.pixel(tick.value) else { continue }
            line(from: (plot.left, y), to: (plot.right, y), cssClass: "gr")
            text(tick.label, x: plot.left - 7, y: y + 4, cssClass: "sx", anchor: "end")
        }
        let shown = Typography.fitted(label, room: width - 8)
        text(shown, x: 4, y: plot.top - 13)
    }

    /// What is said where there is nothing to draw.
    mutating func emptyNote(in plot: Plot) {
        text(
            "nothing to show",
            x: (plot.left + plot.right) / 2,
            y: (plot.top + plot.bottom) / 2 + 4,
            cssClass: "sm",
            anchor: "middle"
        )
    }

    // MARK: The end

    /// Writes the element around everything that was drawn.
    func finish(into target: inout Markup, label: String, isAlone: Bool) {
        let size = "\(Numeral.coordinate(width)) \(Numeral.coordinate(height))"
        var attributes: [Markup.Attribute] = [
            ("viewBox", "0 0 \(size)"), ("role", "img"), ("aria-label", label),
            ("class", "chart"),
        ]
        if isAlone {
            attributes.append(("xmlns", "http://www.w3.org/2000/svg"))
            attributes.append(("width", Numeral.coordinate(width)))
            attributes.append(("height", Numeral.coordinate(height)))
        }
        target.element("svg", attributes) { inner in
            if isAlone {
                inner.element("style") { $0.raw(StyleSheet.drawing) }
                inner.empty("rect", [("class", "bg"), ("width", "100%"), ("height", "100%")])
            }
            inner.raw(markup.text)
        }
    }
}
