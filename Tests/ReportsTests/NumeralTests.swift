import Foundation
import Reports
import Testing

@Suite("Numbers for people")
struct NumeralTests {
    @Test("Three digits that matter, thousands apart, true minus signs")
    func short() {
        let expected: [(Double, String)] = [
            (0, "0"), (-0.0, "0"), (1, "1"), (12.3456, "12.3"), (123.5, "124"),
            (0.0012345, "0.00123"),
            (99.99, "100"), (9.999, "10"), (1234567, "1,234,567"), (-45.67, "−45.7"),
            (1e-7, "1e-7"), (2.5e14, "2.5e14"), (.nan, "–"), (.infinity, "∞"), (0.1, "0.1"),
            (1000, "1,000"), (100, "100"),
        ]
        for (value, text) in expected { #expect(Numeral.short(value) == text) }
        #expect(Numeral.short(1234.5678, digits: 6) == "1,234.57")
    }

    @Test("Fixed decimals are rounded, padded and grouped")
    func fixed() {
        #expect(Numeral.fixed(1234.5, decimals: 2) == "1,234.50")
        #expect(Numeral.fixed(-0.001, decimals: 2) == "0.00")
        #expect(Numeral.fixed(-1234567.891, decimals: 1) == "−1,234,567.9")
        #expect(Numeral.fixed(.nan, decimals: 3) == "–")
    }

    @Test("Ticks are round numbers that cover the data")
    func ticks() {
        func labels(_ values: [Double], _ axis: Axis) -> [String] {
            let points = values.map { Series.Point(0, $0) }
            let chart = LineChart(x: Axis("x"), y: axis, series: [Series("s", points)])
            return Chart("t", .lines(chart)).svg().components(separatedBy: "<text ")
                .filter { $0.contains("class=\"sx\" text-anchor=\"end\"") }
                .compactMap {
                    $0.split(separator: ">").dropFirst().first?.split(separator: "<").first
                }
                .map(String.init)
        }
        #expect(labels([0, 10], .fromZero("y")) == ["0", "2", "4", "6", "8", "10"])
        #expect(labels([0.2, 0.61], .fromZero("y")) == ["0", "0.2", "0.4", "0.6", "0.8"])
        #expect(
            labels([1.1e6, 2.4e6], .fromZero("y")) == ["0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"]
        )
        #expect(labels([3, 800], Axis("y", scale: .log)).first == "2")
        #expect(labels([-4, 4], Axis("y")) == ["−4", "−2", "0", "2", "4"])
    }

    @Test("Ticks never repeat a label and never run away, whatever the data (seeded)")
    func property() {
        for seed in UInt64(1)...200 {
            var state = seed
            func next() -> Double {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Double(state >> 11) * 0x1p-53
            }
            let size = pow(10, next() * 30 - 15)
            let values = (0..<5).map { _ in (next() - 0.3) * size }
            let chart = LineChart(
                x: Axis("x"),
                y: Axis("y", scale: seed % 2 == 0 ? .linear : .log),
                series: [Series("s", values.enumerated().map { .init(Double($0), $1) })]
            )
            let text = Chart("t", .lines(chart)).svg()
            let labels = text.components(separatedBy: "<text ")
                .filter { $0.contains("text-anchor=\"end\"") && $0.contains("class=\"sx\"") }
                .compactMap {
                    $0.split(separator: ">").dropFirst().first?.split(separator: "<").first
                }
            #expect(labels.count <= 24, "seed \(seed)")
            #expect(Set(labels).count == labels.count, "seed \(seed): \(labels)")
        }
    }
}

@Suite("Tables for terminals")
struct TextTableTests {
    @Test("Columns are aligned, empty ones left out, line breaks tamed")
    func aligned() {
        let table = Table(
            "By model",
            columns: [
                .init("model"), .init("rate, r/s", isNumeric: true), .init("note"),
                .init("busy", isNumeric: true), .init("verdict"),
            ],
            rows: [
                [
                    .text("resnet50"), .number(1_234.5), .text(""), .part(0.5),
                    .verdict(.holds, "ok"),
                ],
                [.text("a\nb"), .number(nil), .text(""), .part(nil)],
            ],
            total: [.text("all"), .number(7, decimals: 1)]
        )
        #expect(
            TextTable.text(table) == """
                By model
                model     rate, r/s  busy  verdict
                resnet50      1,235  50 %  ✓ ok
                a b               –     –
                all             7.0

                """
        )
        #expect(TextTable.text(Table(columns: [.init("a")], rows: [])) == "\n")
    }
}
