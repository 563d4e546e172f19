public import ServingDomain

/// The devices that a plan may use.
public struct Cluster: Hashable, Sendable {
    /// One device.
    public struct Device: Hashable, Sendable {
        /// The device's name, such as `gpu0`.
        public var name: String
        /// The kind that profiles are kept by.
        public var kind: String
        /// Memory that models may use; nil = what its kind has, else not limited.
        public var memoryMiB: Int64?
        /// The shares that gpulets may have, in per cent, ascending; empty = any.
        public var shares: [Double] = []
        /// How many gpulets it may be split into; nil = as many as fit.
        public var maxGpulets: Int32?
        /// The bandwidth to the host; nil = what its kind has.
        public var pcieGBps: Double?
        /// The smallest parts it can be split into; nil = what its kind has, else 100.
        public var units: Int32?
        /// Shares are multiples of this many units; nil = what its kind has, else 1.
        public var grain: Int32?

        /// Creates a device.
        public init(name: String, kind: String) {
            self.name = name
            self.kind = kind
        }
    }

    /// The most devices.
    public static let deviceLimit = 4_096

    /// At least one device.
    public var devices: [Device]

    /// Creates a cluster.
    public init(devices: [Device]) { self.devices = devices }

    /// The devices as planner and core see them, numbered in the order of the file.
    ///
    /// What the cluster leaves open comes from the description of the device's kind, if there is
    /// one. A device with a bandwidth but no description has two copy engines, one each way, and
    /// copies that begin at once.
    ///
    /// - Parameter kinds: Descriptions of kinds of devices, in any order.
    /// - Throws: `DocumentError` where a share is not a whole number of the device's units.
    public func specs(
        kinds: [DeviceDescription] = []
    ) throws(DocumentError) -> [DeviceSpec] {
        var specs: [DeviceSpec] = []
        for (place, device) in devices.enumerated() {
            let kind = kinds.first { $0.kind == device.kind }
            let spec = device.spec(DeviceID(Int32(place)), kind: kind)
            specs.append(try device.withShares(spec, path: "devices[\(place)]"))
        }
        return specs
    }

    /// Reads a cluster from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        try self.init(DocumentReader.read(bytes, source: source))
    }

    init(_ node: DocumentNode) throws(DocumentError) {
        let list = try node.object(["devices"]).required("devices")
        devices = []
        var seen: Set<String> = []
        for node in try list.list(limit: Self.deviceLimit) {
            let device = try Device(node)
            guard seen.insert(device.name).inserted else {
                throw node.wrong("the id '\(device.name)' is there twice; give each its own")
            }
            devices.append(device)
        }
        guard !devices.isEmpty else { throw list.wrong("names no device; give at least one") }
    }

    /// The cluster as JSON, one device per line; equal clusters give equal bytes.
    public func json() -> [UInt8] {
        let rows = devices.map { device in
            let shares = device.shares.map(JSONText.number)
            return JSONText.object([
                ("id", JSONText.string(device.name)),
                ("kind", JSONText.string(device.kind)),
                ("memoryMiB", device.memoryMiB.map { String($0) }),
                ("shares", shares.isEmpty ? nil : JSONText.list(shares)),
                ("maxGpulets", device.maxGpulets.map { String($0) }),
                ("pcieGBps", device.pcieGBps.map(JSONText.number)),
                ("units", device.units.map { String($0) }),
                ("grain", device.grain.map { String($0) }),
            ])
        }
        return Array((JSONText.object([("devices", JSONText.lines(rows))]) + "\n").utf8)
    }
}

extension Cluster.Device {
    /// The largest number of units, also without a description of the kind.
    private static let unitLimit: Int64 = 65_536

    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object([
            "id", "kind", "memoryMiB", "shares", "maxGpulets", "pcieGBps", "units", "grain",
        ])
        self.init(
            name: try object.required("id").name(),
            kind: try object.required("kind").name()
        )
        memoryMiB = try object.optional("memoryMiB")?.integer(in: 1...(1 << 40))
        if let count = try object.optional("maxGpulets")?.integer(in: 1...Self.unitLimit) {
            maxGpulets = Int32(count)
        }
        pcieGBps = try object.optional("pcieGBps")?.number(in: 1e-6...1e6)
        if let count = try object.optional("units")?.integer(in: 1...Self.unitLimit) {
            units = Int32(count)
        }
        let most = units.map { Int64($0) } ?? Self.unitLimit
        if let count = try object.optional("grain")?.integer(in: 1...most) { grain = Int32(count) }
        for entry in try object.optional("shares")?.list(limit: 65_536) ?? [] {
            let share = try entry.share()
            guard shares.last.map({ $0 < share }) ?? true else {
                throw entry.wrong("shares must ascend")
            }
            shares.append(share)
            // Without units of its own the device may still get finer ones from its kind.
            guard let units else { continue }
            let spec = DeviceSpec(id: DeviceID(0), name: name, kind: kind, units: units)
            guard spec.units(ofShare: share) != nil else {
                throw entry.wrong(spec.wrongShare(share))
            }
        }
    }

    fileprivate func spec(_ id: DeviceID, kind description: DeviceDescription?) -> DeviceSpec {
        let units = units ?? description?.units ?? 100
        var copy = description?.copy?.spec
        if let pcieGBps {
            let bandwidth = max(1, Int64((pcieGBps * 1e9).rounded()))
            copy = copy ?? CopySpec(setup: .zero, bytesPerSecond: bandwidth)
            copy?.bytesPerSecond = bandwidth
        }
        return DeviceSpec(
            id: id,
            name: name,
            kind: kind,
            units: units,
            grain: min(units, grain ?? description?.grain ?? 1),
            maxGpulets: maxGpulets ?? 0,
            memoryMiB: memoryMiB ?? description?.memoryMiB ?? 0,
            copyEngines: description?.copyEngines ?? (pcieGBps == nil ? 0 : 2),
            copy: copy
        )
    }

    fileprivate func withShares(
        _ plain: DeviceSpec,
        path: String
    ) throws(DocumentError) -> DeviceSpec {
        var spec = plain
        for (place, share) in shares.enumerated() {
            guard let units = plain.units(ofShare: share) else {
                throw DocumentError(
                    source: "cluster",
                    line: nil,
                    path: "\(path).shares[\(place)]",
                    what: plain.wrongShare(share)
                )
            }
            spec.shares.append(units)
        }
        return spec
    }
}
