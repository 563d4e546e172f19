public import ServingDomain

/// What instances take of one device's memory: weights once per model, workspace per instance
/// (design, section 4, rule 3).
public struct VirtualMemory: Sendable {
    /// What there is, in KiB; 0 = no limit.
    public let capacityKiB: Int64
    /// What is taken, in KiB.
    public private(set) var usedKiB: Int64 = 0
    /// The most that ever was.
    public private(set) var peakKiB: Int64 = 0
    /// Instances per model.
    private var instances: [Int32]

    /// Creates the empty memory of `device`.
    public init(of device: DeviceSpec, models: Int) {
        capacityKiB = device.memoryMiB * 1_024
        instances = Array(repeating: 0, count: models)
    }

    /// Makes room for one more model's count of instances.
    mutating func addModel() { instances.append(0) }

    /// Whether the weights of `model` are there.
    public func holds(_ model: ModelID) -> Bool { instances[model.position] > 0 }

    /// Takes what one instance needs; false, and nothing changes, where it doesn't fit.
    public mutating func reserve(_ model: ModelID, _ need: MemoryFootprint, batch: Int32) -> Bool {
        let more = (holds(model) ? 0 : need.weightsKiB) + need.workspaceKiB(batch: batch)
        guard capacityKiB == 0 || more <= capacityKiB - usedKiB else { return false }
        usedKiB += more
        peakKiB = max(peakKiB, usedKiB)
        instances[model.position] += 1
        return true
    }

    /// Gives back what one instance had; the last one takes the weights along.
    public mutating func release(_ model: ModelID, _ need: MemoryFootprint, batch: Int32) {
        precondition(instances[model.position] > 0)
        instances[model.position] -= 1
        usedKiB -= need.workspaceKiB(batch: batch) + (holds(model) ? 0 : need.weightsKiB)
    }
}
