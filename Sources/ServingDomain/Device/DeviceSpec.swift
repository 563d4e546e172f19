/// A GPU or CPU socket as the planner and the core see it.
public struct DeviceSpec: Hashable, Sendable {
    /// The device's place in the core's tables.
    public var id: DeviceID
    /// The name that files use, such as `cpu0`.
    public var name: String
    /// The kind that profiles are kept by, such as `rtx-2080ti`.
    public var kind: String
    /// How many units it can be split into: cores, SM groups, else 100.
    public var units: Int32
    /// Shares are multiples of this many units.
    public var grain: Int32
    /// The sizes that a gpulet may have, in units, ascending; empty = every multiple of `grain`.
    public var shares: [Int32]
    /// How many gpulets it may be split into; 0 = as many as fit.
    public var maxGpulets: Int32
    /// Memory in MiB that models may use; 0 = not known, not limited.
    public var memoryMiB: Int64
    /// The number of copy engines; 0 on a CPU, where data need not move.
    public var copyEngines: Int32
    /// How data gets there; nil = in no time.
    public var copy: CopySpec?
    /// Whether high-priority batches take the units from low ones within their runs, as threads of
    /// a CPU do: low batches then cost high ones nothing.
    public var preemptsLow: Bool

    /// Creates the description of a device.
    public init(
        id: DeviceID,
        name: String,
        kind: String,
        units: Int32,
        grain: Int32 = 1,
        shares: [Int32] = [],
        maxGpulets: Int32 = 0,
        memoryMiB: Int64 = 0,
        copyEngines: Int32 = 0,
        copy: CopySpec? = nil,
        preemptsLow: Bool = false
    ) {
        precondition(units >= 1 && grain >= 1 && grain <= units)
        self.id = id
        self.name = name
        self.kind = kind
        self.units = units
        self.grain = grain
        self.shares = shares
        self.maxGpulets = maxGpulets
        self.memoryMiB = memoryMiB
        self.copyEngines = copyEngines
        self.copy = copy
        self.preemptsLow = preemptsLow
    }

    /// Every size that a gpulet may have, in units, ascending; never empty.
    ///
    /// Cost: O(sizes). Where `grain` does not divide `units`, all of the device is a size too.
    public var allowedUnits: [Int32] {
        let listed = shares.filter { $0 >= 1 && $0 <= units }
        guard listed.isEmpty else { return listed }
        var sizes = Array(stride(from: grain, through: units, by: Int(grain)))
        if sizes.last != units { sizes.append(units) }
        return sizes
    }

    /// Whether a batch of class `victim` may have to wait for a running one of class `other`, or
    /// is slowed by it on the same units; not for low ones that give way within their runs.
    public func holdsUp(_ victim: PriorityClass, behind other: PriorityClass) -> Bool {
        !(preemptsLow && victim == .high && other == .low)
    }

    /// `units` as a part of the device, 0...1.
    public func fraction(of units: Int32) -> Double { Double(units) / Double(self.units) }
}
