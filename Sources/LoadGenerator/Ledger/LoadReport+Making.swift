import Histogram
import ServingDomain

extension LoadReport {
    /// Sums up a run.
    init(
        of results: LoadResults,
        configuration: LoadConfiguration,
        meanBatches: [Double?]
    ) {
        seed = configuration.seed
        protocolName = configuration.transport.rawValue
        url = configuration.url
        durationS = results.measured.inSeconds
        let lag = results.lag
        sendLagP99Ms = lag.totalCount == 0 ? nil : Latency.ms(lag.valueAtPercentile(99))
        var sum = LoadLedger()
        models = []
        for (place, ledger) in results.ledgers.enumerated() {
            let model = configuration.models[place]
            sum.merge(ledger)
            models.append(
                Line(
                    model: model.name,
                    priority: model.priority == 0 ? nil : model.priority,
                    ledger: ledger,
                    seconds: durationS,
                    meanBatch: meanBatches[place]
                )
            )
        }
        total = Line(
            model: nil,
            priority: nil,
            ledger: sum,
            seconds: durationS,
            meanBatch: models.count == 1 ? models[0].meanBatch : nil
        )
    }
}

extension LoadReport.Line {
    fileprivate init(
        model: String?,
        priority: UInt64?,
        ledger: LoadLedger,
        seconds: Double,
        meanBatch: Double?
    ) {
        self.model = model
        self.priority = priority
        self.meanBatch = meanBatch
        submitted = ledger.submitted
        served = ledger.count(.served)
        late = ledger.count(.late)
        dropped = ledger.count(.dropped)
        refused = ledger.count(.refused)
        failed = ledger.count(.failed)
        cancelled = ledger.count(.cancelled)
        notSent = ledger.notSent
        let counted = ledger.ended - cancelled
        let violations = late + dropped + refused + failed
        violationPercent = counted == 0 ? 0 : 100 * Double(violations) / Double(counted)
        throughput = seconds > 0 ? Double(served + late) / seconds : 0
        goodput = seconds > 0 ? Double(served) / seconds : 0
        latencyMs = LoadReport.Latency(ledger.latency)
        errors = ledger.failures.map {
            LoadReport.Failure(kind: $0.kind, count: $0.count, first: $0.first)
        }
    }
}

extension LoadReport.Latency {
    fileprivate init(_ histogram: Histogram<UInt32>) {
        guard histogram.totalCount > 0 else { return }
        p50 = Self.ms(histogram.valueAtPercentile(50))
        p90 = Self.ms(histogram.valueAtPercentile(90))
        p95 = Self.ms(histogram.valueAtPercentile(95))
        p99 = Self.ms(histogram.valueAtPercentile(99))
        p999 = Self.ms(histogram.valueAtPercentile(99.9))
        max = Self.ms(histogram.maxRecorded)
        mean = histogram.mean / 1e6
    }

    fileprivate static func ms(_ nanoseconds: UInt64) -> Double { Double(nanoseconds) / 1e6 }
}
