/// What is known of one model on one kind of device.
public struct DeviceProfile: Hashable, Sendable {
    /// The kind of device, such as `rtx-2080ti`.
    public var kind: String
    /// Latency by batch, units and instances.
    public var surface: LatencySurface
    /// What it takes of the device's memory.
    public var memory: MemoryFootprint
    /// How busy a batch that runs alone on the whole device keeps it; ascending by batch.
    public var utilization: [Utilization]
    /// From the order to load an instance until it answers, with nothing loaded.
    public var coldStart: TimeSpan
    /// The same with the weights on the device.
    public var warmStart: TimeSpan
    /// Pieces into which the engine can cut a run, at least 1.
    public var segments: Int32
    /// The units whose rows of the surface are a device model's guess, ascending; what is
    /// measured on one of them scales the others (`take`).
    public var estimatedUnits: [Int32]

    /// Creates a profile; without more it is a table of latencies.
    public init(
        kind: String,
        surface: LatencySurface,
        memory: MemoryFootprint = MemoryFootprint(),
        utilization: [Utilization] = [],
        coldStart: TimeSpan = .zero,
        warmStart: TimeSpan = .zero,
        segments: Int32 = 1,
        estimatedUnits: [Int32] = []
    ) {
        precondition(segments >= 1)
        self.kind = kind
        self.surface = surface
        self.memory = memory
        self.utilization = utilization
        self.coldStart = coldStart
        self.warmStart = warmStart
        self.segments = segments
        self.estimatedUnits = estimatedUnits
    }

    /// How busy `batch` items keep the whole device: linear between rows, the outermost rows
    /// beyond them, idle without rows. Cost: O(rows).
    public func utilization(batch: Int32) -> Utilization {
        guard let first = utilization.first, let last = utilization.last else {
            return Utilization(batch: batch, sm: 0, l2: 0, dram: 0)
        }
        if batch <= first.batch { return first.at(batch) }
        if batch >= last.batch { return last.at(batch) }
        let place = utilization.firstIndex { $0.batch >= batch } ?? utilization.count - 1
        let (lower, upper) = (utilization[max(0, place - 1)], utilization[place])
        let width = max(1, upper.batch - lower.batch)
        let part = Double(batch - lower.batch) / Double(width)
        return Utilization(
            batch: batch,
            sm: lower.sm + part * (upper.sm - lower.sm),
            l2: lower.l2 + part * (upper.l2 - lower.l2),
            dram: lower.dram + part * (upper.dram - lower.dram)
        )
    }
}

/// How much of a device a batch keeps busy while it runs alone on all of it, each 0...1.
public struct Utilization: Hashable, Sendable {
    /// Items in the batch.
    public var batch: Int32
    /// Of the SMs or cores.
    public var sm: Double
    /// Of the L2 cache's throughput.
    public var l2: Double
    /// Of the memory's throughput.
    public var dram: Double

    /// Creates a row.
    public init(batch: Int32, sm: Double, l2: Double, dram: Double) {
        self.batch = batch
        self.sm = sm
        self.l2 = l2
        self.dram = dram
    }

    fileprivate func at(_ batch: Int32) -> Utilization {
        Utilization(batch: batch, sm: sm, l2: l2, dram: dram)
    }
}

/// What a model takes of a device's memory (design, section 4, rule 3).
public struct MemoryFootprint: Hashable, Sendable {
    /// What an instance needs beside the weights, by its largest batch.
    public struct Workspace: Hashable, Sendable {
        /// Items in the batch.
        public var batch: Int32
        /// In KiB.
        public var kib: Int64

        /// Creates a row.
        public init(batch: Int32, kib: Int64) {
            self.batch = batch
            self.kib = kib
        }
    }

    /// Weights, once per model and device, in KiB; all of the model where nothing else is known.
    public var weightsKiB: Int64
    /// What each instance adds, ascending by batch; empty = nothing, or not known.
    public var workspace: [Workspace]

    /// Creates a footprint.
    public init(weightsKiB: Int64 = 0, workspace: [Workspace] = []) {
        self.weightsKiB = weightsKiB
        self.workspace = workspace
    }

    /// What an instance needs for batches up to `batch`: the next larger row, else the largest.
    public func workspaceKiB(batch: Int32) -> Int64 {
        (workspace.first { $0.batch >= batch } ?? workspace.last)?.kib ?? 0
    }

    /// Weights once, workspace per instance, in KiB.
    public func kib(batch: Int32, instances: Int32) -> Int64 {
        let (product, overflow) = workspaceKiB(batch: batch)
            .multipliedReportingOverflow(by: Int64(instances))
        return overflow ? .max / 2 : weightsKiB &+ product
    }
}
