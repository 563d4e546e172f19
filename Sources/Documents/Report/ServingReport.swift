/// How requests ended, by model and class: one shape for simulations, load generators and live
/// servers (design, section 4).
public struct ServingReport: Hashable, Sendable {
    /// Where it comes from.
    public enum Source: String, Hashable, Sendable, CaseIterable {
        /// The simulator.
        case simulated
        /// A real server.
        case live
    }

    /// Percentiles of latency in milliseconds; nil where there are none.
    public struct Latency: Hashable, Sendable {
        /// 50, 90, 95, 99 and 99.9 of 100 took at most this long; the longest; the mean.
        public var p50: Double?, p90: Double?, p95: Double?, p99: Double?, p999: Double?
        /// The longest, and the mean.
        public var max: Double?, mean: Double?

        /// No latencies.
        public init() {}
    }

    /// An error that came at least once.
    public struct Failure: Hashable, Sendable {
        /// The status, or `no answer`.
        public var kind: String
        /// How often it came.
        public var count: Int64
        /// What the first one said.
        public var first: String

        /// Creates an error.
        public init(kind: String, count: Int64, first: String) {
            self.kind = kind
            self.count = count
            self.first = first
        }
    }

    /// Requests of one model and class, of one application, or of all.
    public struct Line: Hashable, Sendable {
        /// The model; nil in the sum and for applications.
        public var model: String?
        /// The application; nil for models.
        public var graph: String?
        /// The class as a word, or the level that requests named; nil where neither is known.
        public var priority: String?
        /// Handed in.
        public var submitted: Int64 = 0
        /// By outcome.
        public var served: Int64 = 0, late: Int64 = 0, dropped: Int64 = 0
        /// By outcome.
        public var refused: Int64 = 0, failed: Int64 = 0, cancelled: Int64 = 0
        /// Not sent by a load generator that had as many out as it may.
        public var notSent: Int64?
        /// (late + dropped + refused + failed) / (all ends but cancelled) of those that have a
        /// deadline.
        public var violationPercent = 0.0
        /// Answers per second, and answers in time per second.
        public var throughput: Double?, goodput = 0.0
        /// Latency.
        public var latencyMs = Latency()
        /// Requests per batch.
        public var meanBatch: Double?
        /// The errors by kind.
        public var errors: [Failure] = []

        /// Creates a line of nothing.
        public init(model: String? = nil, graph: String? = nil, priority: String? = nil) {
            self.model = model
            self.graph = graph
            self.priority = priority
        }
    }

    /// How much of a device was used.
    public struct Device: Hashable, Sendable {
        /// The device.
        public var id: String
        /// The part of the time in which anything ran, and the same weighted by gpulets' shares.
        public var busy: Double, occupied: Double
        /// The most memory that was ever taken.
        public var peakMiB: Double

        /// Creates a line.
        public init(id: String, busy: Double, occupied: Double, peakMiB: Double) {
            self.id = id
            self.busy = busy
            self.occupied = occupied
            self.peakMiB = peakMiB
        }
    }

    /// Where it comes from.
    public var source: Source
    /// The seed of arrivals and noise.
    public var seed: UInt64
    /// Planner, scaler and policy, where they are known.
    public var planner: String?, scaler: String?, policy: String?
    /// The length of the measured part, in seconds.
    public var durationS: Double?
    /// A load generator's protocol and address.
    public var protocolName: String?, url: String?
    /// How late the load generator itself sent, at the 99th percentile.
    public var sendLagP99Ms: Double?
    /// A hash over all orders of a simulation, in hexadecimal digits.
    public var digest: String?
    /// One line per model and class.
    public var models: [Line]
    /// One line per application.
    public var graphs: [Line] = []
    /// The sum over the models' lines.
    public var total: Line
    /// One line per device.
    public var devices: [Device] = []
    /// What else there is to say, such as an auditor's complaints.
    public var notes: [String] = []

    /// Creates a report.
    public init(source: Source, seed: UInt64, models: [Line], total: Line) {
        self.source = source
        self.seed = seed
        self.models = models
        self.total = total
    }
}
