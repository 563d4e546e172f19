public import ServingDomain

/// The rates that are wanted, and how fast.
public struct Demand: Hashable, Sendable {
    /// What is wanted of one model.
    public struct Model: Hashable, Sendable {
        /// The model's name.
        public var model: String
        /// Requests per second.
        public var rate: Double
        /// The latency objective; nil = none.
        public var slo: TimeSpan?
        /// The class of its requests.
        public var priority: PriorityClass = .low
        /// The percentile that the objective speaks of.
        public var percentile = 99.0
        /// The graph that it is a stage of; nil = none.
        public var graph: String?

        /// Creates the demand for one model.
        public init(model: String, rate: Double, slo: TimeSpan?) {
            self.model = model
            self.rate = rate
            self.slo = slo
        }

        /// The rate in thousandths of a request per second, as planners count.
        public var milliRate: Int64 { Int64((rate * 1_000).rounded()) }
    }

    /// At least one model.
    public var models: [Model]

    /// Creates a demand.
    public init(models: [Model]) { self.models = models }

    /// Reads a demand from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        let root = try DocumentReader.read(bytes, source: source).object(["models"])
        let list = try root.required("models")
        models = []
        for node in try list.list(limit: 4_096) { models.append(try Model(node)) }
        guard !models.isEmpty else { throw list.wrong("names no model") }
    }
}

extension Demand.Model {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object([
            "model", "rate", "sloMs", "priority", "percentile", "graph",
        ])
        let span = try object.optional("sloMs")?.number(in: 0.001...1e9)
        self.init(
            model: try object.required("model").string(),
            rate: try object.required("rate").number(in: 0...1e9),
            slo: span.map { .milliseconds(rounding: $0) }
        )
        if let word = object.optional("priority") {
            switch try word.string() {
            case "high": priority = .high
            case "low": priority = .low
            case let other: throw word.wrong("must be 'high' or 'low', is '\(other)'")
            }
        }
        if let percentile = try object.optional("percentile")?.number(in: 50...100) {
            self.percentile = percentile
        }
        graph = try object.optional("graph")?.string()
    }
}
