import Documents
import ServingDomain
import Simulation

/// A simulation's ledger in the report's one shape.
enum SimulationResult {
    static func document(setup: SimulationSetup, ledger: Ledger) -> ServingReport {
        let seconds = ledger.measured.inSeconds
        func line(
            _ counts: OutcomeCounts,
            _ latency: LatencyHistogram?,
            into line: ServingReport.Line
        ) -> ServingReport.Line {
            var line = line
            line.submitted = counts.submitted
            line.served = counts.served
            line.late = counts.late
            line.dropped = counts.dropped
            line.refused = counts.refused
            line.failed = counts.failed
            line.cancelled = counts.cancelled
            line.violationPercent = counts.violationPercent
            line.throughput = seconds > 0 ? Double(counts.served + counts.late) / seconds : 0
            line.goodput = seconds > 0 ? Double(counts.served) / seconds : 0
            if let latency { line.latencyMs = percentiles(latency) }
            return line
        }
        var all = LatencyHistogram()
        var models: [ServingReport.Line] = []
        for row in ledger.rows where row.counts.submitted > 0 {
            all.add(row.latency)
            let name = setup.models[row.model.position].spec.name
            let word = row.priority.word
            var entry = line(row.counts, row.latency, into: .init(model: name, priority: word))
            entry.meanBatch = ledger.batches[row.model.position].mean
            models.append(entry)
        }
        var total = line(ledger.total, all, into: .init())
        total.meanBatch = ledger.meanBatch
        var report = ServingReport(
            source: .simulated,
            seed: setup.seed,
            models: models,
            total: total
        )
        if case .planner(let name) = setup.plans { report.planner = name }
        report.scaler = setup.scaler
        report.policy = setup.policy
        report.durationS = seconds
        report.digest = String(ledger.digest, radix: 16)
        report.graphs = ledger.graphs.map { graph in
            let word = graph.priority.word
            return line(graph.counts, graph.latency, into: .init(graph: graph.name, priority: word))
        }
        report.devices = zip(setup.devices, ledger.usage).map { device, usage in
            ServingReport.Device(
                id: device.name,
                busy: usage.busy,
                occupied: usage.occupied,
                peakMiB: Double(usage.peakKiB) / 1_024
            )
        }
        report.notes = ledger.complaints
        return report
    }

    private static func percentiles(_ latency: LatencyHistogram) -> ServingReport.Latency {
        var percentiles = ServingReport.Latency()
        guard latency.count > 0 else { return percentiles }
        percentiles.p50 = latency.quantile(0.5).inMilliseconds
        percentiles.p90 = latency.quantile(0.9).inMilliseconds
        percentiles.p95 = latency.quantile(0.95).inMilliseconds
        percentiles.p99 = latency.quantile(0.99).inMilliseconds
        percentiles.p999 = latency.quantile(0.999).inMilliseconds
        percentiles.max = latency.most.inMilliseconds
        percentiles.mean = latency.mean.inMilliseconds
        return percentiles
    }
}
