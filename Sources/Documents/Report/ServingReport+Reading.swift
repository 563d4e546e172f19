extension ServingReport {
    /// The most lines of each kind.
    public static let lineLimit = 65_536

    /// Reads a report from JSON or YAML, whoever of us wrote it.
    public init(reading bytes: [UInt8], source name: String) throws(DocumentError) {
        let root = try DocumentReader.read(bytes, source: name).object([
            "source", "seed", "planner", "scaler", "policy", "durationS", "protocol", "url",
            "sendLagP99Ms", "digest", "models", "graphs", "total", "devices", "notes",
        ])
        let word = try root.required("source")
        let words = Source.allCases.map(\.rawValue)
        guard let source = Source(rawValue: try word.word(of: words)) else {
            throw word.wrong("must be one of \(words.joined(separator: ", "))")
        }
        self.init(
            source: source,
            seed: try root.required("seed").seed(),
            models: try root.required("models").lines(),
            total: try Line(try root.required("total"))
        )
        planner = try root.optional("planner")?.string()
        scaler = try root.optional("scaler")?.string()
        policy = try root.optional("policy")?.string()
        durationS = try root.optional("durationS")?.number(in: 0...1e12)
        protocolName = try root.optional("protocol")?.string()
        url = try root.optional("url")?.string()
        sendLagP99Ms = try root.optional("sendLagP99Ms")?.number(in: 0...1e12)
        digest = try root.optional("digest")?.string()
        graphs = try root.optional("graphs")?.lines() ?? []
        for entry in try root.optional("devices")?.list(limit: Self.lineLimit) ?? [] {
            devices.append(try Device(entry))
        }
        for entry in try root.optional("notes")?.list(limit: Self.lineLimit) ?? [] {
            notes.append(try entry.string())
        }
    }
}

extension DocumentNode {
    fileprivate func lines() throws(DocumentError) -> [ServingReport.Line] {
        var lines: [ServingReport.Line] = []
        for entry in try list(limit: ServingReport.lineLimit) {
            lines.append(try ServingReport.Line(entry))
        }
        return lines
    }

    /// A class as a word, or a level as a number.
    fileprivate func priority() throws(DocumentError) -> String {
        if case .number = value { return String(try integer(in: 0...(1 << 32))) }
        return try string()
    }
}

extension ServingReport.Line {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object([
            "model", "graph", "priority", "submitted", "served", "late", "dropped", "refused",
            "failed", "cancelled", "notSent", "violationPercent", "throughput", "goodput",
            "latencyMs", "meanBatch", "errors",
        ])
        self.init(
            model: try object.optional("model")?.string(),
            graph: try object.optional("graph")?.string(),
            priority: try object.optional("priority")?.priority()
        )
        func count(_ key: String) throws(DocumentError) -> Int64 {
            try object.required(key).integer(in: 0...(1 << 60))
        }
        submitted = try count("submitted")
        served = try count("served")
        late = try count("late")
        dropped = try count("dropped")
        refused = try count("refused")
        failed = try count("failed")
        cancelled = try count("cancelled")
        notSent = try object.optional("notSent")?.integer(in: 0...(1 << 60))
        violationPercent = try object.required("violationPercent").number(in: 0...100)
        throughput = try object.optional("throughput")?.number(in: 0...1e12)
        goodput = try object.required("goodput").number(in: 0...1e12)
        latencyMs = try ServingReport.Latency(try object.required("latencyMs"))
        meanBatch = try object.optional("meanBatch")?.number(in: 0...1e9)
        for entry in try object.optional("errors")?.list(limit: 1_000) ?? [] {
            let failure = try entry.object(["kind", "count", "first"])
            errors.append(
                ServingReport.Failure(
                    kind: try failure.required("kind").string(),
                    count: try failure.required("count").integer(in: 0...(1 << 60)),
                    first: try failure.required("first").string()
                )
            )
        }
    }
}

extension ServingReport.Latency {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object(["p50", "p90", "p95", "p99", "p999", "max", "mean"])
        func ms(_ key: String) throws(DocumentError) -> Double? {
            try object.optional(key)?.number(in: 0...1e12)
        }
        self.init()
        p50 = try ms("p50")
        p90 = try ms("p90")
        p95 = try ms("p95")
        p99 = try ms("p99")
        p999 = try ms("p999")
        max = try ms("max")
        mean = try ms("mean")
    }
}

extension ServingReport.Device {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object(["id", "busy", "occupied", "peakMiB"])
        self.init(
            id: try object.required("id").string(),
            busy: try object.required("busy").number(in: 0...1.000_001),
            occupied: try object.required("occupied").number(in: 0...1e6),
            peakMiB: try object.required("peakMiB").number(in: 0...1e12)
        )
    }
}
