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
        var seen: Set<String> = []
        for node in try list.list(limit: 4_096) {
            let model = try Model(node)
            guard seen.insert(model.model).inserted else {
                throw node.wrong(
                    "the model '\(model.model)' is there twice; add the rates up in one entry"
                )
            }
            models.append(model)
        }
        guard !models.isEmpty else { throw list.wrong("names no model") }
    }
}

extension Demand.Model {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object([
            "model", "rate", "sloMs", "priority", "percentile", "graph",
        ])
        let rate = try object.required("rate")
        self.init(
            model: try object.required("model").name(),
            rate: try rate.number(in: 0...1e9),
            slo: try object.milliseconds("sloMs")
        )
        guard self.rate == 0 || milliRate >= 1 else {
            throw rate.wrong(
                "must be 0 or at least 0.001 requests per second, is \(JSONText.number(self.rate))"
            )
        }
        if let priority = try object.priority() { self.priority = priority }
        if let percentile = try object.optional("percentile")?.number(in: 50...100) {
            self.percentile = percentile
        }
        graph = try object.optional("graph")?.string()
    }
}

extension Demand {
    /// The demand as JSON, one model per line; equal demands give equal bytes.
    public func json() -> [UInt8] {
        let rows = models.map { model in
            JSONText.object([
                ("model", JSONText.string(model.model)),
                ("rate", JSONText.number(model.rate)),
                ("sloMs", model.slo.map { JSONText.number($0.inMilliseconds) }),
                ("priority", JSONText.string(model.priority.word)),
                ("percentile", model.percentile == 99 ? nil : JSONText.number(model.percentile)),
                ("graph", model.graph.map(JSONText.string)),
            ])
        }
        return Array((JSONText.object([("models", JSONText.lines(rows))]) + "\n").utf8)
    }
}
