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
    /// Memory in MiB that models may use; 0 = not known, not limited.
    public var memoryMiB: Int64
    /// The number of copy engines; 0 on a CPU, where data need not move.
    public var copyEngines: Int32

    /// Creates the description of a device.
    public init(
        id: DeviceID,
        name: String,
        kind: String,
        units: Int32,
        grain: Int32 = 1,
        memoryMiB: Int64 = 0,
        copyEngines: Int32 = 0
    ) {
        precondition(units >= 1 && grain >= 1 && grain <= units)
        self.id = id
        self.name = name
        self.kind = kind
        self.units = units
        self.grain = grain
        self.memoryMiB = memoryMiB
        self.copyEngines = copyEngines
    }
}
