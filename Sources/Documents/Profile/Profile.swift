public import ServingDomain

/// What has been measured of a model on a kind of device.
///
/// Shares are per cent of the device, as files have them; `surface(on:)` turns them into units.
public struct Profile: Hashable, Sendable {
    /// The latency of a batch on a share.
    public struct Row: Hashable, Sendable {
        /// Items in the batch.
        public var batch: Int32
        /// Per cent of the device.
        public var share: Double
        /// The median, in milliseconds.
        public var ms: Double
        /// How many instances ran at once.
        public var instances: Int32
        /// The 99th percentile, in milliseconds.
        public var p99Ms: Double?
        /// How many runs were measured.
        public var samples: Int64?

        /// Creates a row.
        public init(
            batch: Int32,
            share: Double,
            ms: Double,
            instances: Int32 = 1,
            p99Ms: Double? = nil,
            samples: Int64? = nil
        ) {
            self.batch = batch
            self.share = share
            self.ms = ms
            self.instances = instances
            self.p99Ms = p99Ms
            self.samples = samples
        }
    }

    /// How much of a device a batch keeps busy, each within 0...1.
    public struct Utilization: Hashable, Sendable {
        /// Items in the batch.
        public var batch: Int32
        /// Of the SMs or cores.
        public var sm: Double
        /// Of the L2 cache's bandwidth.
        public var l2: Double
        /// Of the memory's bandwidth.
        public var dram: Double

        /// Creates a row.
        public init(batch: Int32, sm: Double, l2: Double, dram: Double) {
            self.batch = batch
            self.sm = sm
            self.l2 = l2
            self.dram = dram
        }
    }

    /// What an instance needs beside the weights, by its largest batch.
    public struct Workspace: Hashable, Sendable {
        /// Items in the batch.
        public var batch: Int32
        /// In MiB.
        public var mib: Double

        /// Creates a row.
        public init(batch: Int32, mib: Double) {
            self.batch = batch
            self.mib = mib
        }
    }

    /// How long it takes until an instance answers, in milliseconds.
    public struct Start: Hashable, Sendable {
        /// With nothing loaded.
        public var cold: Double
        /// With the weights in memory.
        public var warm: Double

        /// Creates the times.
        public init(cold: Double, warm: Double) {
            self.cold = cold
            self.warm = warm
        }
    }

    /// The model.
    public var model: String
    /// The kind of device.
    public var device: String
    /// At least one row.
    public var latency: [Row]
    /// Bytes of one item's inputs.
    public var inputBytes: Int64?
    /// Bytes of one item's outputs.
    public var outputBytes: Int64?
    /// What the model takes of the device's memory.
    public var memoryMiB: Double?
    /// How busy a batch keeps the device.
    public var utilization: [Utilization] = []
    /// The digest of the model file that was measured.
    public var digest: String?
    /// The fingerprint of machine and engine.
    public var fingerprint: String?
    /// The day of the measurement, such as `2026-11-21`.
    public var measured: String?
    /// Floating point operations of one item.
    public var flops: Double?
    /// Kernels, or nodes of the graph, of one run.
    public var kernels: Int64?
    /// What the weights take.
    public var weightsMiB: Double?
    /// What instances need beside the weights.
    public var workspace: [Workspace] = []
    /// How long an instance takes to start.
    public var start: Start?
    /// Pieces into which the engine can cut a run.
    public var segments: Int32 = 1

    /// Creates a profile of latencies alone.
    public init(model: String, device: String, latency: [Row]) {
        self.model = model
        self.device = device
        self.latency = latency
    }

    /// The latencies by batch, units of `device` and instances.
    ///
    /// Fails where a share is not a whole number of units (within 0.01), which tells that the
    /// profile was made for another device.
    public func surface(on device: DeviceSpec) throws(DocumentError) -> LatencySurface {
        var points: [LatencySurface.Point] = []
        for (place, row) in latency.enumerated() {
            guard let units = device.units(ofShare: row.share) else {
                throw DocumentError(
                    source: "profile of '\(model)'",
                    line: nil,
                    path: "latency[\(place)].share",
                    what: device.wrongShare(row.share)
                )
            }
            points.append(
                LatencySurface.Point(
                    batch: row.batch,
                    units: units,
                    instances: row.instances,
                    latency: .milliseconds(rounding: row.ms),
                    p99: row.p99Ms.map { .milliseconds(rounding: $0) }
                )
            )
        }
        // A surface grows fastest in its own order.
        points.sort { ($0.instances, $0.units, $0.batch) < ($1.instances, $1.units, $1.batch) }
        return LatencySurface(points)
    }

    /// All that planner and core want to know of the model on devices like `device`.
    public func deviceProfile(on device: DeviceSpec) throws(DocumentError) -> DeviceProfile {
        let whole = (weightsMiB ?? memoryMiB ?? 0) * 1_024
        let ascending = workspace.sorted { $0.batch < $1.batch }
        return DeviceProfile(
            kind: device.kind,
            surface: try surface(on: device),
            memory: MemoryFootprint(
                weightsKiB: Int64(min(whole, 1e15).rounded()),
                workspace: ascending.map { row in
                    let kib = Int64(min(row.mib * 1_024, 1e15).rounded())
                    return MemoryFootprint.Workspace(batch: row.batch, kib: kib)
                }
            ),
            utilization: utilization.sorted { $0.batch < $1.batch }.map { row in
                ServingDomain.Utilization(batch: row.batch, sm: row.sm, l2: row.l2, dram: row.dram)
            },
            coldStart: .milliseconds(rounding: start?.cold ?? 0),
            warmStart: .milliseconds(rounding: start?.warm ?? 0),
            segments: segments
        )
    }
}
