public import ServingDomain

/// The devices that a plan may use.
public struct Cluster: Hashable, Sendable {
    /// One device.
    public struct Device: Hashable, Sendable {
        /// The device's name, such as `gpu0`.
        public var name: String
        /// The kind that profiles are kept by.
        public var kind: String
        /// Memory that models may use; nil = not limited.
        public var memoryMiB: Int64?
        /// The shares that gpulets may have, in per cent, ascending; empty = any.
        public var shares: [Double] = []
        /// How many gpulets it may be split into; nil = as many as fit.
        public var maxGpulets: Int32?
        /// The bandwidth to the host.
        public var pcieGBps: Double?
        /// The smallest parts it can be split into.
        public var units: Int32 = 100
        /// Shares are multiples of this many units.
        public var grain: Int32 = 1

        /// Creates a device.
        public init(name: String, kind: String) {
            self.name = name
            self.kind = kind
        }
    }

    /// At least one device.
    public var devices: [Device]

    /// Creates a cluster.
    public init(devices: [Device]) { self.devices = devices }

    /// The devices as planner and core see them, numbered in the order of the file.
    public var specs: [DeviceSpec] {
        devices.enumerated().map { place, device in
            DeviceSpec(
                id: DeviceID(Int32(place)),
                name: device.name,
                kind: device.kind,
                units: device.units,
                grain: device.grain,
                memoryMiB: device.memoryMiB ?? 0
            )
        }
    }

    /// Reads a cluster from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        let root = try DocumentReader.read(bytes, source: source).object(["devices"])
        let list = try root.required("devices")
        devices = []
        for node in try list.list(limit: 1_024) {
            let device = try Device(node)
            guard !devices.contains(where: { $0.name == device.name }) else {
                throw node.wrong("the id '\(device.name)' is there twice; give each its own")
            }
            devices.append(device)
        }
        guard !devices.isEmpty else { throw list.wrong("names no device") }
    }
}

extension Cluster.Device {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object([
            "id", "kind", "memoryMiB", "shares", "maxGpulets", "pcieGBps", "units", "grain",
        ])
        self.init(
            name: try object.required("id").string(),
            kind: try object.required("kind").string()
        )
        memoryMiB = try object.optional("memoryMiB")?.integer(in: 1...(1 << 40))
        if let count = try object.optional("maxGpulets")?.integer(in: 1...65_536) {
            maxGpulets = Int32(count)
        }
        pcieGBps = try object.optional("pcieGBps")?.number(in: 0...1e6)
        units = Int32(try object.optional("units")?.integer(in: 1...65_536) ?? 100)
        grain = Int32(try object.optional("grain")?.integer(in: 1...Int64(units)) ?? 1)
        for entry in try object.optional("shares")?.list(limit: 65_536) ?? [] {
            let share = try entry.share()
            let whole = share * Double(units) / 100
            guard abs(whole - whole.rounded()) <= 0.01 else {
                throw entry.wrong(
                    "\(JSONText.number(share)) % is not a whole number of the device's \(units)"
                        + " units; shares are multiples of "
                        + "\(JSONText.number(100 / Double(units))) %"
                )
            }
            guard shares.last.map({ $0 < share }) ?? true else {
                throw entry.wrong("shares must ascend")
            }
            shares.append(share)
        }
    }
}
