import Foundation
import FoundationXML
import Reports
import Testing

/// Checks and samples that the tests of this room share.
enum Sample {
    /// Whether a text is well-formed XML; the first error otherwise.
    static func flaw(in text: String) -> String? {
        let parser = XMLParser(data: Data(text.utf8))
        guard !parser.parse() else { return nil }
        let line = parser.lineNumber
        return "line \(line): \(parser.parserError.map { "\($0)" } ?? "not well-formed")"
    }

    /// A point per second of a fixed wave.
    static func wave(_ count: Int, height: Double = 10) -> [Series.Point] {
        (0..<count).map { place in
            Series.Point(Double(place), height * Double((place * 7) % 13) / 13)
        }
    }

    /// One of each kind of chart, with every part that it can have.
    static var charts: [Chart] {
        let lines = LineChart(
            x: Axis("time, s"),
            y: .fromZero("violations, %"),
            series: [
                Series("a", wave(12), style: .area), Series("b", wave(9), isDashed: true),
                Series("c", wave(5), style: .points, colour: .bad),
                Series("d", [.init(0, 1), .init(1, .nan), .init(2, 3), .init(3, 2)], style: .step),
            ],
            marks: [.init(.y, at: 5, label: "target"), .init(.x, at: 3, label: "plan 2")],
            bands: [.init(from: 4, to: 6, label: "gpu1 lost")]
        )
        let spread = LineChart(
            x: Axis("latency, ms", scale: .log),
            y: Axis("answered", scale: .nines),
            series: [Distribution([5, 7, 9, 30, 12], missing: 1).curve("resnet50")]
        )
        let grouped = BarChart(
            .fromZero("rate, r/s"),
            categories: ["equal", "game"],
            groups: [
                .init("temporal", [.init(100, low: 90, high: 120), .init(80)]),
                .init("elastic", [.init(200, low: 150, high: 260), .init(.nan)]),
            ]
        )
        let stacked = BarChart(
            .fromZero("requests, %", upper: 100),
            categories: ["a"],
            groups: [
                .init("served", [.init(97)], colour: .good),
                .init("late", [.init(3)], colour: .bad),
            ],
            arrangement: .stacked
        )
        let heat = HeatMap(
            xLabel: "batch",
            columns: ["1", "2"],
            yLabel: "share",
            rows: ["20 %", "100 %"],
            valueLabel: "r/s",
            values: [[10, 14.5], [nil, 90]]
        )
        let timeline = Timeline(
            Axis("time, s"),
            rows: [.init("20 %", group: "gpu0"), .init("80 %", group: "gpu0")],
            kinds: [.init("a"), .init("b", colour: .muted)],
            spans: [
                .init(row: 0, from: 0, to: 2, kind: 0, note: "a, batch 4"),
                .init(row: 0, from: 1, to: 3, kind: 1), .init(row: 1, from: 2, to: 2.5, kind: 0),
            ],
            marks: [.init(.x, at: 1.5, label: "epoch 2")]
        )
        return [
            Chart("Violations", caption: "Per second, `simulated`.", .lines(lines)),
            Chart("Latency", .lines(spread)),
            Chart("Rates", .bars(grouped)),
            Chart("Outcomes", .bars(stacked)),
            Chart("Throughput", .heat(heat)),
            Chart("Devices", width: .full, .timeline(timeline)),
        ]
    }

    /// A small report with one of everything.
    static var report: Report {
        let table = Table(
            "By model",
            columns: [
                .init("model"), .init("requests", isNumeric: true), .init("busy", isNumeric: true),
                .init("verdict"),
            ],
            rows: [
                [
                    .text("resnet50"), .number(12_345, decimals: 0), .part(0.25),
                    .verdict(.holds, "ok"),
                ],
                [.text("bert"), .number(nil), .part(nil), .verdict(.fails, "2.1 %")],
            ],
            total: [.text("total"), .number(12_345, decimals: 0)]
        )
        return Report(
            "Two models on one GPU",
            summary: "Under `elastic` all is well.\n\n- first\n- second",
            facts: [.init("seed", "1"), .init("system", "gpulets")],
            sections: [
                .init("Outcome", [.table(table), .note(.fails, "`bert` misses its objective.")]),
                .init("Charts", charts.map { .chart($0) }),
                .init("Words", [.text("One line,\nand its end.")]),
            ]
        )
    }
}
