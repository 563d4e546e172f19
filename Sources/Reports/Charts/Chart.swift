/// One picture of a report: what it is called, what it tells, and what it shows.
public struct Chart: Hashable, Sendable {
    /// How much of the page's width it takes.
    public enum Width: Hashable, Sendable {
        /// Two stand side by side where the window is wide enough.
        case half
        /// The whole width.
        case full
    }

    /// What is drawn.
    public enum Content: Hashable, Sendable {
        /// Lines, steps or points over two axes.
        case lines(LineChart)
        /// Bars, with ranges where there are any.
        case bars(BarChart)
        /// Colours over two lists of places.
        case heat(HeatMap)
        /// Who ran where, and when.
        case timeline(Timeline)
    }

    /// One line: what is shown.
    public var title: String
    /// What to see in it, and how it was made; may be empty.
    public var caption: String
    /// How much of the page's width it takes.
    public var width: Width
    /// What is drawn.
    public var content: Content

    /// Creates a chart.
    public init(
        _ title: String,
        caption: String = "",
        width: Width = .half,
        _ content: Content
    ) {
        self.title = title
        self.caption = caption
        self.width = width
        self.content = content
    }

    /// The drawing as an SVG file of its own, title and style sheet included.
    ///
    /// Well-formed XML; the same chart gives the same bytes. Cost: proportional to what is drawn,
    /// which is bounded however long the series are.
    public func svg() -> String {
        var markup = Markup()
        draw(into: &markup, isAlone: true)
        return markup.text + "\n"
    }

    func draw(into markup: inout Markup, isAlone: Bool) {
        var canvas = Canvas(width: width == .full ? 980 : 480, title: isAlone ? title : nil)
        switch content {
        case .lines(let chart): chart.draw(on: &canvas)
        case .bars(let chart): chart.draw(on: &canvas)
        case .heat(let chart): chart.draw(on: &canvas)
        case .timeline(let chart): chart.draw(on: &canvas)
        }
        canvas.finish(into: &markup, label: title, isAlone: isAlone)
    }
}
