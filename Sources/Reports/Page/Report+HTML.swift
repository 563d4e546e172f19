extension Report {
    /// The report as an HTML file: nothing to run, nothing to fetch, light and dark, ready for
    /// print. It is well-formed XML too, and equal reports give equal bytes.
    ///
    /// Cost: proportional to what is drawn; tables and charts have limits, so a file stays within
    /// some megabytes however much was simulated.
    public func html() -> String {
        var page = Markup()
        page.raw("<!DOCTYPE html>\n")
        page.element("html", [("xmlns", "http://www.w3.org/1999/xhtml"), ("lang", "en")]) { html in
            html.newline()
            html.element("head") { head in
                head.empty("meta", [("charset", "utf-8")])
                head.empty(
                    "meta",
                    [("name", "viewport"), ("content", "width=device-width, initial-scale=1")]
                )
                head.element("title", text: title)
                head.element("style") { $0.raw("\n" + StyleSheet.page) }
            }
            html.newline()
            html.element("body") { body in
                body.element("main") { main in
                    header(into: &main)
                    for (place, section) in sections.enumerated() {
                        main.element("section", [("id", "s\(place + 1)")]) {
                            section.draw(into: &$0)
                        }
                        main.newline()
                    }
                }
            }
        }
        page.newline()
        return page.text
    }

    private func header(into main: inout Markup) {
        main.element("header") { header in
            header.element("h1", text: title)
            header.newline()
            header.element("div", [("class", "summary")]) { Prose.blocks(summary, into: &$0) }
            if !facts.isEmpty {
                header.element("dl") { list in
                    for fact in facts {
                        list.element("div") { pair in
                            pair.element("dt", text: fact.name)
                            pair.element("dd", text: fact.value)
                        }
                    }
                }
            }
            header.newline()
            if sections.count > 2 {
                header.element("nav") { nav in
                    for (place, section) in sections.enumerated() {
                        nav.element("a", [("href", "#s\(place + 1)")], text: section.title)
                    }
                }
            }
        }
        main.newline()
    }
}

extension Report.Section {
    func draw(into markup: inout Markup) {
        markup.element("h2", text: title)
        markup.newline()
        var place = 0
        while place < blocks.count {
            switch blocks[place] {
            case .text(let text):
                markup.element("div", [("class", "prose")]) { Prose.blocks(text, into: &$0) }
                place += 1
            case .note(let verdict, let text):
                markup.element("div", [("class", "note \(verdict.cssClass)")]) {
                    Prose.blocks(text, into: &$0)
                }
                place += 1
            case .table(let table):
                table.draw(into: &markup)
                place += 1
            case .chart:
                var charts: [Chart] = []
                while place < blocks.count, case .chart(let chart) = blocks[place] {
                    charts.append(chart)
                    place += 1
                }
                Self.draw(charts, into: &markup)
            }
            markup.newline()
        }
    }

    private static func draw(_ charts: [Chart], into markup: inout Markup) {
        markup.element("div", [("class", "charts")]) { row in
            for chart in charts {
                row.newline()
                row.element("figure", [("class", chart.width == .full ? "full" : "half")]) {
                    figure in
                    figure.element("figcaption") { caption in
                        caption.element("b", text: chart.title)
                        if !chart.caption.isEmpty {
                            caption.element("span") { Prose.inline(chart.caption, into: &$0) }
                        }
                    }
                    figure.newline()
                    figure.element("div", [("class", "drawing")]) {
                        chart.draw(into: &$0, isAlone: false)
                    }
                }
            }
        }
    }
}
