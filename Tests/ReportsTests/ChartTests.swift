import Foundation
import Reports
import Testing

@Suite("Charts")
struct ChartTests {
    @Test("Every kind of chart stands alone as a well-formed SVG file with its title")
    func alone() {
        for chart in Sample.charts {
            let text = chart.svg()
            #expect(Sample.flaw(in: text) == nil, "\(chart.title)")
            #expect(text.contains(">\(chart.title)</text>"))
            #expect(text.hasPrefix("<svg viewBox="))
            #expect(text == chart.svg())
        }
    }

    @Test("Empty, one-point and not-a-number data give a drawing without a broken coordinate")
    func nothingToShow() {
        let hostile: [[Series.Point]] = [
            [], [.init(3, 5)], [.init(0, 0)], [.init(.nan, 1)], [.init(1, .nan)],
            [.init(.infinity, 1), .init(0, -.infinity)], [.init(-5, -5)],
            [.init(1e300, 1e300), .init(-1e300, 0)],
            [.init(.leastNonzeroMagnitude, .leastNormalMagnitude)],
            [.init(1, 7), .init(2, 7), .init(3, 7)], [.init(0, 1e15), .init(1, 1e15 + 1)],
            [.init(.greatestFiniteMagnitude, .leastNonzeroMagnitude), .init(0, 1)],
        ]
        let scales: [Axis.Scale] = [.linear, .log, .nines]
        for points in hostile {
            for across in scales {
                for up in scales {
                    for style in [Series.Style.line, .step, .area, .points] {
                        let chart = Chart(
                            "t",
                            .lines(
                                LineChart(
                                    x: Axis("x", scale: across),
                                    y: Axis("y", scale: up, includesZero: true),
                                    series: [Series("s", points, style: style)]
                                )
                            )
                        )
                        let text = chart.svg()
                        #expect(Sample.flaw(in: text) == nil)
                        let isWhole = !text.contains("nan") && !text.contains("inf")
                        #expect(isWhole, "\(points) \(across) \(up) \(style)")
                    }
                }
            }
        }
        let none = Chart("t", .lines(LineChart(x: Axis("x"), y: Axis("y"), series: []))).svg()
        #expect(none.contains("nothing to show"))
    }

    @Test("Bars, maps and timelines of nothing, or of nonsense, are drawings too")
    func otherKinds() {
        let charts: [Chart.Content] = [
            .bars(BarChart(Axis("x"), categories: [], groups: [])),
            .bars(BarChart(Axis("x"), categories: ["a"], groups: [.init("g", [])])),
            .bars(
                BarChart(
                    Axis("x", scale: .log),
                    categories: ["a", "b"],
                    groups: [.init("g", [.init(0, low: -1, high: .nan), .init(-5)])]
                )
            ),
            .bars(
                BarChart(
                    Axis("x"),
                    categories: ["a"],
                    groups: [.init("g", [.init(.infinity)])],
                    arrangement: .stacked
                )
            ),
            .heat(
                HeatMap(
                    xLabel: "",
                    columns: [],
                    yLabel: "",
                    rows: [],
                    valueLabel: "",
                    values: []
                )
            ),
            .heat(
                HeatMap(
                    xLabel: "x",
                    columns: ["a", "b"],
                    yLabel: "y",
                    rows: ["r"],
                    valueLabel: "v",
                    values: [[.nan]]
                )
            ),
            .timeline(Timeline(Axis("t"), rows: [], kinds: [], spans: [])),
            .timeline(
                Timeline(
                    Axis("t"),
                    rows: [.init("r")],
                    kinds: [],
                    spans: [
                        .init(row: 0, from: 1, to: 0, kind: -3),
                        .init(row: 9, from: 0, to: 1, kind: 0),
                        .init(row: 0, from: .nan, to: 1, kind: 0),
                        .init(row: 0, from: 0, to: 5, kind: 99, note: "n"),
                    ]
                )
            ),
        ]
        for content in charts {
            let text = Chart("t", content).svg()
            #expect(Sample.flaw(in: text) == nil)
            #expect(!text.contains("nan") && !text.contains("inf"))
        }
    }

    @Test("However long a series or a run is, the file stays small, and no peak disappears")
    func bounded() {
        var points = Sample.wave(300_000)
        points[123_456].y = 5_000
        let line = Chart(
            "t",
            .lines(LineChart(x: Axis("x"), y: Axis("y"), series: [.init("s", points)]))
        )
        let text = line.svg()
        #expect(text.utf8.count < 40_000)
        // The peak alone stretches the axis beyond 10.
        #expect(text.contains(">4,000<"))
        let spans = (0..<200_000).map { place in
            Timeline.Span(
                row: place % 4,
                from: Double(place) / 100,
                to: Double(place) / 100 + 0.03,
                kind: place % 3,
                note: "n"
            )
        }
        let timeline = Timeline(
            Axis("t"),
            rows: (0..<4).map { .init("r\($0)") },
            kinds: [.init("a"), .init("b"), .init("c")],
            spans: spans
        )
        #expect(Chart("t", width: .full, .timeline(timeline)).svg().utf8.count < 900_000)
        let many = LineChart(
            x: Axis("x"),
            y: Axis("y"),
            series: (0..<(LineChart.seriesLimit + 3)).map { Series("s\($0)", Sample.wave(3)) }
        )
        #expect(Chart("t", .lines(many)).svg().contains("3 more series are not drawn"))
    }

    @Test("Spans that overlap on a row share its height; those of one kind that touch are one")
    func packing() {
        func drawn(_ spans: [Timeline.Span]) -> [String] {
            let timeline = Timeline(
                Axis("t"),
                rows: [.init("r")],
                kinds: [.init("a")],
                spans: spans
            )
            return Chart("t", .timeline(timeline)).svg().components(separatedBy: "<rect")
                .filter { $0.hasPrefix(" class=\"fi ") }
        }
        let apart = drawn([
            .init(row: 0, from: 0, to: 1, kind: 0), .init(row: 0, from: 1, to: 2, kind: 0),
        ])
        #expect(apart.count == 2)
        #expect(apart.allSatisfy { $0.contains("height=\"15.4\"") })
        let over = drawn([
            .init(row: 0, from: 0, to: 2, kind: 0), .init(row: 0, from: 1, to: 3, kind: 0),
        ])
        #expect(over.count == 2)
        #expect(over.allSatisfy { $0.contains("height=\"7.4\"") })
    }

    @Test("Percentiles are nearest ranks, and requests without an answer count as the slowest")
    func distribution() {
        let spread = Distribution([4, 1, 3, 2, .nan], missing: 5)
        #expect(spread.count == 10)
        #expect(spread.percentile(0) == 1 && spread.percentile(10) == 1)
        #expect(spread.percentile(40) == 4 && spread.percentile(41) == nil)
        #expect(Distribution([]).percentile(50) == nil)
        let curve = spread.curve("c")
        #expect(curve.points.map(\.x) == [1, 1, 2, 3, 4])
        #expect(curve.points.map(\.y) == [0, 0.1, 0.2, 0.3, 0.4])
        let long = Distribution((1...100_000).map(Double.init)).curve("c")
        #expect(long.points.count < 600)
        #expect(long.points.last == .init(100_000, 1))
        #expect(zip(long.points, long.points.dropFirst()).allSatisfy { $0.y <= $1.y })
    }
}
