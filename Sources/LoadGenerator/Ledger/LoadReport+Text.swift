import Foundation

extension LoadReport {
    /// The report as JSON, keys in alphabetical order.
    public func json() throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self)
    }

    /// The report as a table for people, errors and warnings below it.
    public func text() -> String {
        var rows = [
            [
                "model", "submitted", "served", "late", "dropped", "refused", "failed", "viol %",
                "req/s", "goodput/s", "p50 ms", "p90", "p95", "p99", "p99.9", "max", "batch",
            ]
        ]
        rows += models.map(Self.row)
        if models.count > 1 { rows.append(Self.row(total)) }
        var lines = Self.aligned(rows)
        let seconds = Self.number(durationS)
        lines.append("")
        lines.append(
            "\(url), \(protocolName), \(seconds) s measured, seed \(seed)"
                + (sendLagP99Ms.map { ", p99 of the generator's own lag \(Self.number($0)) ms" }
                    ?? "")
        )
        if total.notSent > 0 {
            lines.append(
                "\(total.notSent) requests were not sent: as many were out as may be"
                    + " (--max-in-flight); the load was lower than asked for"
            )
        }
        for failure in total.errors {
            let first = failure.first.isEmpty ? "no reason given" : failure.first
            lines.append("\(failure.count) x \(failure.kind), the first: \(first)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func row(_ line: Line) -> [String] {
        let latency = line.latencyMs
        let name = line.model ?? "total"
        let counts = [
            line.submitted, line.served, line.late, line.dropped, line.refused, line.failed,
        ]
        let rates = [line.violationPercent, line.throughput, line.goodput]
        let latencies = [
            latency.p50, latency.p90, latency.p95, latency.p99, latency.p999, latency.max,
            line.meanBatch,
        ]
        return [line.priority.map { "\(name) (priority \($0))" } ?? name]
            + counts.map(String.init)
            + rates.map(number)
            + latencies.map { $0.map(number) ?? "-" }
    }

    /// Three digits that matter, no more.
    private static func number(_ value: Double) -> String {
        let digits = value >= 1_000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3
        return String(format: "%.\(digits)f", value)
    }

    private static func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.indices.map { column in
                let space = String(repeating: " ", count: widths[column] - row[column].count)
                return column == 0 ? row[column] + space : space + row[column]
            }
            .joined(separator: "  ")
        }
    }
}
