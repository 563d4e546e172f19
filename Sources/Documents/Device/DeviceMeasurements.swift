/// What was measured of a device itself: copies by size and direction, and what a change of its
/// division costs.
public struct DeviceMeasurements: Hashable, Sendable {
    /// Which way copies went.
    public enum Direction: String, Hashable, Sendable, CaseIterable {
        /// To the device.
        case into = "in"
        /// Back from it.
        case out
        /// Both at once, each of the size.
        case both
    }

    /// The time of copies of one size.
    public struct Copy: Hashable, Sendable {
        /// Which way.
        public var direction: Direction
        /// Bytes of each copy.
        public var bytes: Int64
        /// The median, in milliseconds; of the later one where both ways are busy.
        public var ms: Double
        /// How many were measured.
        public var samples: Int64

        /// Creates a row.
        public init(direction: Direction, bytes: Int64, ms: Double, samples: Int64) {
            self.direction = direction
            self.bytes = bytes
            self.ms = ms
            self.samples = samples
        }
    }

    /// What a gpulet of one size costs, in milliseconds.
    public struct Gpulet: Hashable, Sendable {
        /// Per cent of the device.
        public var share: Double
        /// Until it has done its first work; until one of another size stands in its place; until
        /// it is gone.
        public var createMs: Double, resizeMs: Double, destroyMs: Double

        /// Creates a row.
        public init(share: Double, createMs: Double, resizeMs: Double, destroyMs: Double) {
            self.share = share
            self.createMs = createMs
            self.resizeMs = resizeMs
            self.destroyMs = destroyMs
        }
    }

    /// The kind of device.
    public var device: String
    /// Copies, in the order in which they were measured.
    public var copies: [Copy] = []
    /// Gpulets, ascending by share.
    public var gpulets: [Gpulet] = []
    /// The fingerprint of device, driver and engine.
    public var fingerprint: String?
    /// The day of the measurement.
    public var measured: String?

    /// Creates an empty collection.
    public init(device: String) { self.device = device }

    /// Reads measurements from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        let root = try DocumentReader.read(bytes, source: source).object([
            "device", "fingerprint", "measured", "copies", "gpulets",
        ])
        self.init(device: try root.required("device").string())
        fingerprint = try root.optional("fingerprint")?.string()
        measured = try root.optional("measured")?.string()
        for node in try root.optional("copies")?.list(limit: 10_000) ?? [] {
            let row = try node.object(["direction", "bytes", "ms", "samples"])
            let word = try row.required("direction")
            guard let direction = Direction(rawValue: try word.string()) else {
                throw word.wrong("must be in, out or both")
            }
            copies.append(
                Copy(
                    direction: direction,
                    bytes: try row.required("bytes").integer(in: 1...(1 << 50)),
                    ms: try row.required("ms").number(in: 1e-9...1e9),
                    samples: try row.optional("samples")?.integer(in: 0...(1 << 60)) ?? 0
                )
            )
        }
        for node in try root.optional("gpulets")?.list(limit: 10_000) ?? [] {
            let row = try node.object(["share", "createMs", "resizeMs", "destroyMs"])
            gpulets.append(
                Gpulet(
                    share: try row.required("share").share(),
                    createMs: try row.required("createMs").number(in: 0...1e9),
                    resizeMs: try row.required("resizeMs").number(in: 0...1e9),
                    destroyMs: try row.required("destroyMs").number(in: 0...1e9)
                )
            )
        }
    }

    /// The measurements as JSON, one row per line; equal ones give equal bytes.
    public func json() -> [UInt8] {
        let members: [(key: String, value: String?)] = [
            ("device", JSONText.string(device)),
            ("fingerprint", fingerprint.map(JSONText.string)),
            ("measured", measured.map(JSONText.string)),
            ("copies", copies.isEmpty ? nil : JSONText.lines(copies.map(\.json))),
            ("gpulets", gpulets.isEmpty ? nil : JSONText.lines(gpulets.map(\.json))),
        ]
        return Array((JSONText.object(members) + "\n").utf8)
    }
}

extension DeviceMeasurements {
    /// The link that the copies tell of: its bandwidth from the two largest sizes into the device,
    /// what every copy takes from the smallest, and what is left while both ways are busy. nil
    /// where there are fewer than two sizes, or larger copies were not slower.
    public var link: DeviceDescription.Copy? {
        let into = copies.filter { $0.direction == .into }.sorted { $0.bytes < $1.bytes }
        guard into.count >= 2 else { return nil }
        let (least, below, most) = (into[0], into[into.count - 2], into[into.count - 1])
        let bytes = Double(most.bytes - below.bytes)
        guard most.ms > below.ms, bytes > 0 else { return nil }
        let perMs = bytes / (most.ms - below.ms)
        let setup = max(0, least.ms - Double(least.bytes) / perMs)
        let both = copies.first { $0.direction == .both && $0.bytes == most.bytes }
        let left = both.map { min(1, max(0.001, most.ms / $0.ms)) } ?? 1
        return DeviceDescription.Copy(tauUs: setup * 1_000, gbps: perMs / 1e6, bothWays: left)
    }
}

extension DeviceMeasurements.Copy {
    fileprivate var json: String {
        JSONText.object([
            ("direction", JSONText.string(direction.rawValue)),
            ("bytes", String(bytes)),
            ("ms", JSONText.number(ms)),
            ("samples", String(samples)),
        ])
    }
}

extension DeviceMeasurements.Gpulet {
    fileprivate var json: String {
        JSONText.object([
            ("share", JSONText.number(share)),
            ("createMs", JSONText.number(createMs)),
            ("resizeMs", JSONText.number(resizeMs)),
            ("destroyMs", JSONText.number(destroyMs)),
        ])
    }
}
