/// What a load found, in the shape that simulations and live runs share (design, section 4).
public struct LoadReport: Codable, Hashable, Sendable {
    /// Percentiles of latency in milliseconds, from the intended send time to the answer's end,
    /// over requests with a result and those that never got an answer. Nil where there are none.
    public struct Latency: Codable, Hashable, Sendable {
        /// The median.
        public var p50: Double?
        /// 90 of 100 took at most this long.
        public var p90: Double?
        /// 95 of 100.
        public var p95: Double?
        /// 99 of 100.
        public var p99: Double?
        /// 999 of 1000.
        public var p999: Double?
        /// The longest.
        public var max: Double?
        /// The mean.
        public var mean: Double?
    }

    /// An error that came at least once.
    public struct Failure: Codable, Hashable, Sendable {
        /// The status, or `no answer`.
        public var kind: String
        /// How often it came.
        public var count: Int
        /// What the first one said.
        public var first: String
    }

    /// One model's line, or the sum of all.
    public struct Line: Codable, Hashable, Sendable {
        /// The model; nil in the sum.
        public var model: String?
        /// The priority that requests named; nil when they named none.
        public var priority: UInt64?
        /// Requests of the measured part, sent or waiting to be sent.
        public var submitted: Int
        /// Answered in time.
        public var served: Int
        /// Answered late.
        public var late: Int
        /// Given up by the server (504, DEADLINE_EXCEEDED).
        public var dropped: Int
        /// Not admitted (429, 503, RESOURCE_EXHAUSTED, UNAVAILABLE).
        public var refused: Int
        /// Any other error, or no answer at all.
        public var failed: Int
        /// Cancelled by the server (499, CANCELLED).
        public var cancelled: Int
        /// Not sent by the load generator, since as many were out as may be.
        public var notSent: Int
        /// (late + dropped + refused + failed) / (all ends but cancelled), in per cent.
        public var violationPercent: Double
        /// Answers with a result per second.
        public var throughput: Double
        /// Answers in time per second.
        public var goodput: Double
        /// Latency.
        public var latencyMs: Latency
        /// Requests per batch, by the server's own count over the whole load; nil = not known.
        public var meanBatch: Double?
        /// The errors by kind.
        public var errors: [Failure]
    }

    /// Always `live`.
    public var source = "live"
    /// The seed of arrivals and data.
    public var seed: UInt64
    /// `http` or `grpc`.
    public var protocolName: String
    /// Where the load went.
    public var url: String
    /// The length of the measured part, in seconds.
    public var durationS: Double
    /// How late the generator itself sent: 99 of 100 requests left at most this many
    /// milliseconds after they should. It is part of the latencies.
    public var sendLagP99Ms: Double?
    /// One line per model, in the order of the configuration.
    public var models: [Line]
    /// The sum.
    public var total: Line

    private enum CodingKeys: String, CodingKey {
        case source, seed, url, durationS, sendLagP99Ms, models, total
        case protocolName = "protocol"
    }
}
