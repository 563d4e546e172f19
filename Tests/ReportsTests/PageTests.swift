import Foundation
import Reports
import Testing

@Suite("Pages of reports")
struct PageTests {
    @Test("A report is well-formed, and the same bytes each time")
    func wellFormed() {
        let page = Sample.report.html()
        #expect(Sample.flaw(in: page) == nil)
        #expect(page == Sample.report.html())
    }

    @Test("A small report looks as it did (UPDATE_GOLDEN=1 takes the new look after a review)")
    func golden() throws {
        let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appending(path: "Golden/small-report.html")
        let page = Sample.report.html()
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try Data(page.utf8).write(to: file)
        }
        let expected = try String(contentsOf: file, encoding: .utf8)
        for (line, (new, old)) in zip(
            page.split(separator: "\n"),
            expected.split(separator: "\n")
        ).enumerated() where new != old {
            Issue.record("line \(line + 1) differs:\n\(new.prefix(300))\n\(old.prefix(300))")
            break
        }
        #expect(page == expected)
    }

    @Test("Nothing is fetched and nothing is run: no script, no address, no import")
    func isSelfContained() {
        let page = Sample.report.html()
        for word in ["<script", "http://", "https://", "@import", "url(", " on"] {
            let rest = page.replacingOccurrences(of: "http://www.w3.org/1999/xhtml", with: "")
            let found = rest.range(of: word)
            if word == " on" {
                // Handlers such as onload="..." would be attributes.
                let handler = rest.firstMatch(of: #/<[^>]* on[a-z]+=/#)
                #expect(handler == nil)
            } else {
                #expect(found == nil, "\(word)")
            }
        }
    }

    @Test("Text from outside can't become markup, wherever it stands")
    func hostileText() {
        let hostile =
            "</style><script>alert('x')</script>\" onload=\"y\" & ]]> \u{0}\u{8}\u{FFFE}\r\n"
        let chart = Chart(
            hostile,
            caption: hostile,
            .lines(
                LineChart(
                    x: Axis(hostile),
                    y: Axis(hostile),
                    series: [Series(hostile, Sample.wave(3)), Series(hostile, [])],
                    marks: [.init(.x, at: 1, label: hostile)],
                    bands: [.init(from: 0, to: 1, label: hostile)]
                )
            )
        )
        let timeline = Timeline(
            Axis(hostile),
            rows: [.init(hostile, group: hostile)],
            kinds: [.init(hostile), .init(hostile)],
            spans: [.init(row: 0, from: 0, to: 1, kind: 0, note: hostile)]
        )
        let map = HeatMap(
            xLabel: hostile,
            columns: [hostile],
            yLabel: hostile,
            rows: [hostile],
            valueLabel: hostile,
            values: [[1]]
        )
        let bars = BarChart(
            Axis(hostile),
            categories: [hostile],
            groups: [.init(hostile, [.init(1)]), .init(hostile, [.init(2)])]
        )
        let cells: [Table.Cell] = [.text(hostile), .verdict(.open, hostile)]
        let report = Report(
            hostile,
            summary: hostile + "`" + hostile + "`",
            facts: [.init(hostile, hostile)],
            sections: [
                .init(
                    hostile,
                    [
                        .text(hostile), .note(.holds, hostile), .chart(chart),
                        .chart(Chart(hostile, .timeline(timeline))),
                        .chart(Chart(hostile, .heat(map))), .chart(Chart(hostile, .bars(bars))),
                        .table(
                            Table(hostile, columns: [.init(hostile), .init("b")], rows: [cells])
                        ),
                    ]
                )
            ]
        )
        let page = report.html()
        #expect(Sample.flaw(in: page) == nil)
        #expect(!page.contains("<script"))
        #expect(!page.contains("\" onload"))
        #expect(page.contains("&lt;script&gt;"))
    }

    @Test("Code, lists and paragraphs; a lone backtick stays one")
    func prose() {
        let text = "one `two` three\n\n- first\n- second\nback ` tick"
        let page = Report("t", summary: text).html()
        #expect(page.contains("<p>one <code>two</code> three</p>"))
        #expect(page.contains("<ul><li>first</li><li>second</li></ul>"))
        #expect(page.contains("<p>back ` tick</p>"))
    }

    @Test("A table of too many rows is cut and says so; ragged rows stay within the columns")
    func longTable() {
        let rows = (0..<(Table.rowLimit + 7)).map { [Table.Cell.number(Double($0))] }
        let long = Table(columns: [.init("n", isNumeric: true), .init("m")], rows: rows)
        let page = Report("t", summary: "", sections: [.init("s", [.table(long)])]).html()
        #expect(page.contains("… and 7 more rows"))
        #expect(page.components(separatedBy: "<tr>").count == Table.rowLimit + 2)
        let ragged = Table(columns: [.init("a")], rows: [[.text("x"), .text("lost")], []])
        let small = Report("t", summary: "", sections: [.init("s", [.table(ragged)])]).html()
        #expect(!small.contains("lost"))
        #expect(Sample.flaw(in: small) == nil)
    }
}
