public import ServerCore
import ServingDomain
import Simulation

/// What one run of the reproduction gave.
public struct StraitSample: Hashable, Sendable {
    /// Requests of one class.
    public struct ClassResult: Hashable, Sendable {
        /// How many were judged, and how many of those were violations.
        public var judged: Int64 = 0, violated: Int64 = 0
        /// Those that ended late, were dropped, and were not admitted.
        public var late: Int64 = 0, dropped: Int64 = 0, refused: Int64 = 0
        /// Violation % of every network that had requests.
        public var byModel: [Double] = []

        /// Violation %; 0 without requests.
        public var percent: Double {
            judged == 0 ? 0 : 100 * Double(violated) / Double(judged)
        }

        /// Jain's index of the networks' on-time rates: (sum x)^2 / (n sum x^2).
        public var jain: Double {
            let rates = byModel.map { 1 - $0 / 100 }
            let squares = rates.reduce(0) { $0 + $1 * $1 }
            let sum = rates.reduce(0, +)
            return squares == 0 ? 1 : sum * sum / (Double(rates.count) * squares)
        }

        /// The largest violation % of a network less the smallest.
        public var spread: Double { (byModel.max() ?? 0) - (byModel.min() ?? 0) }
    }

    /// What was run.
    public var job: StraitJob
    /// By class.
    public var high: ClassResult, low: ClassResult
    /// Requests served in time per second.
    public var goodput: Double
    /// Items per batch.
    public var meanBatch: Double
    /// The part of the time in which the first device was busy.
    public var busy: Double
    /// Events that the core was told, and the digest of its orders.
    public var events: Int64
    /// Two runs with the same orders have the same.
    public var digest: UInt64
    /// What the auditor found, where it looked.
    public var complaints: [String]
    /// How good the forecast was.
    public var forecast: ForecastReport
    /// The second of the forecast's time in which the drift came; nil without one.
    public var driftSecond: Int64?

    init(
        _ job: StraitJob,
        _ world: StraitWorld,
        _ setup: SimulationSetup,
        _ ledger: Ledger,
        _ forecast: ForecastReport
    ) {
        self.job = job
        self.forecast = forecast
        goodput = ledger.goodput
        meanBatch = ledger.meanBatch
        busy = ledger.usage.first?.busy ?? 0
        events = ledger.events
        digest = ledger.digest
        complaints = ledger.complaints
        let count = world.names.count
        high = Self.result(ledger, models: 0..<count)
        low = Self.result(ledger, models: count..<2 * count)
        if job.cell.drift != nil, let last = forecast.windows.last {
            // Windows count from the first load of a model; the load ends with the last of them.
            driftSecond = last.number - job.seconds / 2
        }
    }

    /// Sums over both levels: a policy without classes has all requests at one.
    private static func result(_ ledger: Ledger, models: Range<Int>) -> ClassResult {
        var result = ClassResult()
        for place in models {
            let counts = ledger.counts(of: ModelID(Int32(place)))
            result.judged += counts.judged
            result.violated += counts.violated
            result.late += counts.late
            result.dropped += counts.dropped
            result.refused += counts.refused
            if counts.judged > 0 { result.byModel.append(counts.violationPercent) }
        }
        return result
    }

    /// The worst on-time rate of a network of class low, in per cent.
    public var worstLow: Double { 100 - (low.byModel.max() ?? 0) }
    /// Violation % of low less that of high.
    public var classGap: Double { low.percent - high.percent }
}
