/// Every capacity of the core. What is full refuses; nothing grows without a bound.
public struct CoreLimits: Hashable, Sendable {
    /// Requests that may be in the core at once; as many as the driver's table has slots.
    public var requests: Int32 = 16_384
    /// Requests of one model that may wait.
    public var queue: Int32 = 4_096
    /// Models at once, all versions counted.
    public var models: Int32 = 1_024
    /// Priority levels of one model.
    public var levels: Int32 = 16
    /// Devices.
    public var devices: Int32 = 64
    /// Gpulets over all devices, draining ones included.
    public var gpulets: Int32 = 1_024
    /// Lanes over all gpulets.
    public var lanes: Int32 = 4_096
    /// Instances over all lanes.
    public var instances: Int32 = 8_192
    /// Instances of one lane.
    public var instancesPerLane: Int32 = 64
    /// Items in one batch.
    public var batchItems: Int32 = 1_024
    /// How long a batch may run before it counts as failed, in seconds.
    public var watchdogSeconds: Int32 = 60
    /// How long the engine then has to end it, in seconds, before the instance is given up.
    public var graceSeconds: Int32 = 10
    /// Instances of one model that are given up and have not come back; as long as there are so
    /// many, no further one of the model is started.
    public var abandonedInstances: Int32 = 4

    /// The limits of a server as it is installed.
    public init() {}
}
