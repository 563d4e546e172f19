import ServingDomain

/// One way to run a model on a gpulet of one size: a batch limit and how many at once.
struct SeatChoice {
    /// The most items in a batch.
    var batch: Int32
    /// Batches that may run at once.
    var instances: Int32
    /// The time of a full batch alone on the device, in ms.
    var time: Double
    /// The part of it that does not grow with the size, by the lowest line above the profile.
    var fixed: Double
    /// What the slowest of a hundred batches take longer, in ms.
    var spread: Double
    /// How busy it keeps the device.
    var utilization: Utilization
    /// The highest loads by patience, alone and where each batch takes a whole round.
    var loads = CapacityTable.Loads(repeating: 0), roundLoads = CapacityTable.Loads(repeating: 0)
}

/// A model on gpulets of one size.
struct SizeOffer {
    /// The size in units.
    var units: Int32
    /// The choices, ascending by batch; each serves more than all before it.
    var choices: [SeatChoice]
    /// The time of each batch size alone, size 1 first, in ms, never falling.
    var curve: [Double]
}

/// Everything that one model offers on devices of one class.
struct ModelOffer {
    /// By size, ascending; only sizes at which something changes, not empty.
    var sizes: [SizeOffer]
    /// The largest size that the model may have.
    var largestUnits: Int32
    /// What it takes of the memory.
    var memory: MemoryFootprint
    /// From the order to load it until it answers, in ms.
    var loadMs: Double
    /// The most that a unit can serve, in thousandths of a request per second.
    var best: Double = 0
    /// The most that a unit could serve if it were never idle: no plan can do better.
    var ideal: Double = 0
    /// The most that one gpulet of each size serves while nobody disturbs it.
    var caps: [Double] = []
    /// The choice that does so.
    var bests: [Int] = []

    /// What is offered on a gpulet of `units`; nil if that is too small or too large.
    func size(for units: Int32) -> Int? {
        guard units <= largestUnits else { return nil }
        return sizes.lastIndex { $0.units <= units }
    }
}

/// What is wanted of one model, as plain numbers.
struct ModelWant {
    /// The model.
    var id: ModelID
    /// The rate in thousandths of a request per second, at least 0.
    var milliRate: Int64
    /// How long a request may take, in ms; infinite without an objective.
    var objective: Double
    /// The part of its requests that may be late.
    var target: Double
    /// The row of the capacity table for a quarter of that; nil if it is too strict for all rows.
    var row: Int?
    /// Whether its requests are of the high class.
    var isHigh: Bool
    /// What a request counts beside others of its class.
    var weight: Double
    /// Capacity is kept free for this many times its rate.
    var reserve: Double
}

/// Devices that are the same for a planner.
struct DeviceClass {
    /// The kind that profiles go by.
    var kind: String
    /// The units of each.
    var units: Int32
    /// The sizes that a gpulet may have, ascending.
    var sizes: [Int32]
    /// The most gpulets on one device.
    var maxGpulets: Int
    /// Memory in KiB; the largest number where it is not limited.
    var memoryKiB: Int64
    /// What co-runners cost.
    var contention: ContentionModel
    /// How data gets there.
    var copy: CopySpec?
    /// Whether low batches give way to high ones within their runs.
    var preemptsLow: Bool
    /// The places of the devices in the inputs.
    var devices: [Int]

    /// Whether co-runners cost anything.
    var isDisturbed: Bool { contention != .none }
}
