/// What running beside others cost, as `sluice profile --pairs` measured it.
public struct PairMeasurements: Hashable, Sendable {
    /// A model that ran.
    public struct Runner: Hashable, Sendable {
        /// The model.
        public var model: String
        /// Items in its batches.
        public var batch: Int32
        /// Its per cent of the device.
        public var share: Double

        /// Creates a runner.
        public init(model: String, batch: Int32, share: Double) {
            self.model = model
            self.batch = batch
            self.share = share
        }
    }

    /// One measurement.
    public struct Row: Hashable, Sendable {
        /// Who was measured.
        public var victim: Runner
        /// Who ran beside it all the time.
        public var beside: [Runner]
        /// Latency beside them over latency alone.
        public var slowdown: Double
        /// How many runs were measured.
        public var samples: Int64?

        /// Creates a measurement.
        public init(victim: Runner, beside: [Runner], slowdown: Double, samples: Int64? = nil) {
            self.victim = victim
            self.beside = beside
            self.slowdown = slowdown
            self.samples = samples
        }
    }

    /// The most measurements, and the most co-runners of one.
    public static let rowLimit = 65_536, besideLimit = 64

    /// The kind of device.
    public var device: String
    /// The measurements.
    public var pairs: [Row]

    /// Creates a list of measurements.
    public init(device: String, pairs: [Row]) {
        self.device = device
        self.pairs = pairs
    }

    /// Reads measurements from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        let root = try DocumentReader.read(bytes, source: source).object(["device", "pairs"])
        device = try root.required("device").string()
        pairs = []
        for entry in try root.required("pairs").list(limit: Self.rowLimit) {
            let row = try entry.object(["victim", "beside", "slowdown", "samples"])
            var beside: [Runner] = []
            let others = try row.required("beside")
            for other in try others.list(limit: Self.besideLimit) {
                beside.append(try Runner(other))
            }
            guard !beside.isEmpty else { throw others.wrong("names no co-runner") }
            pairs.append(
                Row(
                    victim: try Runner(try row.required("victim")),
                    beside: beside,
                    // Below 1 there is noise only, but it is what was measured.
                    slowdown: try row.required("slowdown").number(in: 0.1...1_000),
                    samples: try row.optional("samples")?.integer(in: 0...(1 << 60))
                )
            )
        }
    }

    /// The measurements as JSON, one per line; equal ones give equal bytes.
    public func json() -> [UInt8] {
        let rows = pairs.map { row in
            JSONText.object([
                ("victim", row.victim.json),
                ("beside", JSONText.list(row.beside.map(\.json))),
                ("slowdown", JSONText.number(row.slowdown)),
                ("samples", row.samples.map { String($0) }),
            ])
        }
        let text = JSONText.object([
            ("device", JSONText.string(device)), ("pairs", JSONText.lines(rows)),
        ])
        return Array((text + "\n").utf8)
    }
}

extension PairMeasurements.Runner {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object(["model", "batch", "share"])
        self.init(
            model: try object.required("model").string(),
            batch: try object.batch(),
            share: try object.required("share").share()
        )
    }

    fileprivate var json: String {
        JSONText.object([
            ("model", JSONText.string(model)), ("batch", String(batch)),
            ("share", JSONText.number(share)),
        ])
    }
}
