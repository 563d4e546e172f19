/// Measured co-runs of models on a kind of device: the file that contention models are fitted to.
public struct CoRunPairs: Hashable, Sendable {
    /// One model on its part of the device.
    public struct Side: Hashable, Sendable {
        /// The model.
        public var model: String
        /// Items in each batch.
        public var batch: Int32
        /// Per cent of the device. Sides that sum to more than 100 shared one set of cores.
        public var share: Double

        /// Creates a side.
        public init(model: String, batch: Int32, share: Double) {
            self.model = model
            self.batch = batch
            self.share = share
        }
    }

    /// One measurement.
    public struct Row: Hashable, Sendable {
        /// Who was slowed down.
        public var victim: Side
        /// Who ran beside it, at least one.
        public var beside: [Side]
        /// Latency beside them over latency alone.
        public var slowdown: Double
        /// How many batches of the victim were measured.
        public var samples: Int64

        /// Creates a row.
        public init(victim: Side, beside: [Side], slowdown: Double, samples: Int64) {
            self.victim = victim
            self.beside = beside
            self.slowdown = slowdown
            self.samples = samples
        }
    }

    /// The kind of device.
    public var device: String
    /// The measurements.
    public var pairs: [Row]
    /// The fingerprint of machine and engine.
    public var fingerprint: String?
    /// The day of the measurement.
    public var measured: String?

    /// Creates a collection.
    public init(device: String, pairs: [Row] = []) {
        self.device = device
        self.pairs = pairs
    }

    /// Reads pairs from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        let root = try DocumentReader.read(bytes, source: source).object([
            "device", "pairs", "fingerprint", "measured",
        ])
        self.init(device: try root.required("device").string())
        fingerprint = try root.optional("fingerprint")?.string()
        measured = try root.optional("measured")?.string()
        for node in try root.required("pairs").list(limit: 1_048_576) {
            let row = try node.object(["victim", "beside", "slowdown", "samples"])
            let others = try row.required("beside")
            let beside = try others.list(limit: 1_024).map {
                node throws(DocumentError) in
                try Side(node)
            }
            guard !beside.isEmpty else { throw others.wrong("names nobody") }
            pairs.append(
                Row(
                    victim: try Side(try row.required("victim")),
                    beside: beside,
                    slowdown: try row.required("slowdown").number(in: 0.01...1e6),
                    samples: try row.optional("samples")?.integer(in: 0...(1 << 60)) ?? 0
                )
            )
        }
    }

    /// The pairs as JSON, one row per line; equal pairs give equal bytes.
    public func json() -> [UInt8] {
        let members: [(key: String, value: String?)] = [
            ("device", JSONText.string(device)),
            ("fingerprint", fingerprint.map(JSONText.string)),
            ("measured", measured.map(JSONText.string)),
            ("pairs", JSONText.lines(pairs.map(\.json))),
        ]
        return Array((JSONText.object(members) + "\n").utf8)
    }
}

extension CoRunPairs.Side {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let side = try node.object(["model", "batch", "share"])
        self.init(
            model: try side.required("model").string(),
            batch: Int32(try side.required("batch").integer(in: 1...1_048_576)),
            share: try side.required("share").share()
        )
    }

    fileprivate var json: String {
        JSONText.object([
            ("model", JSONText.string(model)),
            ("batch", String(batch)),
            ("share", JSONText.number(share)),
        ])
    }
}

extension CoRunPairs.Row {
    fileprivate var json: String {
        JSONText.object([
            ("victim", victim.json),
            ("beside", "[" + beside.map(\.json).joined(separator: ",") + "]"),
            ("slowdown", JSONText.number(slowdown)),
            ("samples", String(samples)),
        ])
    }
}
