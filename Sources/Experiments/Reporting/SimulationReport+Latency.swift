import Reports
import ServingDomain
import Simulation

extension SimulationReport {
    /// Distributions by model and class.
    var latency: [Report.Block] {
        var blocks: [Report.Block] = []
        for priority in PriorityClass.allCases {
            let rows = rowsInUse.filter { row in
                row.priority == priority && row.latency.count > 0
                    && busiest.contains(row.model.position)
            }
            guard !rows.isEmpty else { continue }
            let word = priority == .high ? "high" : "low"
            blocks.append(
                .chart(
                    chart(
                        "Latency, \(word) class",
                        rows.map { row in
                            var series = curve(
                                name(row.model.position),
                                row.latency,
                                of: row.counts.ended
                            )
                            series.colour = .series(row.model.position)
                            return series
                        },
                        objectives: rows.compactMap { setup.models[$0.model.position].spec.slo }
                    )
                )
            )
        }
        let graphs = ledger.graphs.filter { $0.latency.count > 0 }
        if !graphs.isEmpty {
            blocks.append(
                .chart(
                    chart(
                        "Latency of whole applications",
                        graphs.prefix(Self.modelLimit).map { graph in
                            curve(graph.name, graph.latency, of: graph.counts.ended)
                        },
                        objectives: setup.graphs.compactMap(\.graph.slo)
                    )
                )
            )
        }
        if blocks.isEmpty { blocks.append(.text("No request was answered.")) }
        return blocks
    }

    private func chart(_ title: String, _ curves: [Series], objectives: [TimeSpan]) -> Chart {
        var marks: [LineChart.Mark] = []
        for slo in objectives.sorted() where marks.count < 6 {
            let label = "\(Numeral.short(slo.inMilliseconds)) ms"
            if marks.last?.label != label {
                marks.append(.init(.x, at: slo.inMilliseconds, label: label))
            }
        }
        return Chart(
            title,
            caption: "Part of all requests that were answered within a time; what was dropped, "
                + "refused or failed keeps a curve below 100 %. Dotted: objectives.",
            .lines(
                LineChart(
                    x: Axis("latency, ms", scale: .log),
                    y: Axis("requests answered", scale: .nines),
                    series: curves,
                    marks: marks
                )
            )
        )
    }

    private func curve(_ name: String, _ latency: LatencyHistogram, of ended: Int64) -> Series {
        // Of all that ended, not only of those with an answer: a curve must not flatter.
        let part = Double(latency.count) / Double(max(ended, latency.count))
        var points = latency.distribution.map {
            Series.Point($0.latency.inMilliseconds, $0.part * part)
        }
        if latency.count > 0 {
            points.insert(Series.Point(latency.least.inMilliseconds, 0), at: 0)
        }
        return Series(name, points, style: .step)
    }
}
