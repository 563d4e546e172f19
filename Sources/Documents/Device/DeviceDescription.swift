public import ServingDomain

/// What is known of a kind of device: how it can be split, how fast it is, what co-runners cost.
public struct DeviceDescription: Hashable, Sendable {
    /// How data gets to the device and back.
    public struct Copy: Hashable, Sendable {
        /// What every copy takes, in microseconds.
        public var tauUs: Double
        /// The bandwidth of one direction, in 1e9 bytes per second.
        public var gbps: Double
        /// What is left of it while the other direction is busy too, within 0...1.
        public var bothWays: Double

        /// Creates a link.
        public init(tauUs: Double, gbps: Double, bothWays: Double = 1) {
            self.tauUs = tauUs
            self.gbps = gbps
            self.bothWays = bothWays
        }

        /// The same in the domain's words.
        public var spec: CopySpec {
            CopySpec(
                setup: .milliseconds(rounding: tauUs / 1_000),
                bytesPerSecond: max(1, Int64((gbps * 1e9).rounded())),
                bothWaysMilli: max(1, min(1_000, Int32((bothWays * 1_000).rounded())))
            )
        }
    }

    /// The kind that profiles are kept by.
    public var kind: String
    /// The smallest parts it can be split into.
    public var units: Int32
    /// Shares are multiples of this many units.
    public var grain: Int32 = 1
    /// Its memory.
    public var memoryMiB: Int64?
    /// Its peak rate of arithmetic, in 1e12 operations per second.
    public var peakTflops: Double?
    /// The peak bandwidth of its memory.
    public var memoryGBps: Double?
    /// How many copies may run at once: 2 = one each way.
    public var copyEngines: Int32?
    /// How data gets there.
    public var copy: Copy?
    /// What co-runners cost.
    public var contention: ContentionDescription?
    /// Where the numbers come from.
    public var sources: [String] = []

    /// Creates a description.
    public init(kind: String, units: Int32) {
        precondition(units >= 1)
        self.kind = kind
        self.units = units
    }

    /// Reads a description from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        try self.init(DocumentReader.read(bytes, source: source))
    }

    init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object([
            "kind", "units", "grain", "memoryMiB", "peakTflops", "memoryGBps", "copyEngines",
            "copy", "contention", "sources",
        ])
        self.init(
            kind: try object.required("kind").string(),
            units: Int32(try object.optional("units")?.integer(in: 1...65_536) ?? 100)
        )
        grain = Int32(try object.optional("grain")?.integer(in: 1...Int64(units)) ?? 1)
        memoryMiB = try object.optional("memoryMiB")?.integer(in: 1...(1 << 40))
        peakTflops = try object.optional("peakTflops")?.number(in: 1e-6...1e9)
        memoryGBps = try object.optional("memoryGBps")?.number(in: 1e-6...1e9)
        copyEngines = try object.optional("copyEngines").map { node throws(DocumentError) in
            Int32(try node.integer(in: 0...64))
        }
        if let entry = object.optional("copy") {
            let link = try entry.object(["tauUs", "GBps", "bothWays"])
            copy = Copy(
                tauUs: try link.required("tauUs").number(in: 0...1e9),
                gbps: try link.required("GBps").number(in: 1e-6...1e6),
                bothWays: try link.optional("bothWays")?.number(in: 0.001...1) ?? 1
            )
        }
        contention = try object.optional("contention").map { node throws(DocumentError) in
            try ContentionDescription(node)
        }
        for entry in try object.optional("sources")?.list(limit: 1_000) ?? [] {
            sources.append(try entry.string())
        }
    }

    /// The description as JSON; equal descriptions give equal bytes.
    public func json() -> [UInt8] {
        let link = copy.map { copy in
            JSONText.object([
                ("tauUs", JSONText.number(copy.tauUs)), ("GBps", JSONText.number(copy.gbps)),
                ("bothWays", JSONText.number(copy.bothWays)),
            ])
        }
        let text = JSONText.object([
            ("kind", JSONText.string(kind)),
            ("units", String(units)),
            ("grain", String(grain)),
            ("memoryMiB", memoryMiB.map { String($0) }),
            ("peakTflops", peakTflops.map(JSONText.number)),
            ("memoryGBps", memoryGBps.map(JSONText.number)),
            ("copyEngines", copyEngines.map { String($0) }),
            ("copy", link),
            ("contention", contention?.json),
            ("sources", sources.isEmpty ? nil : JSONText.lines(sources.map(JSONText.string))),
        ])
        return Array((text + "\n").utf8)
    }
}
