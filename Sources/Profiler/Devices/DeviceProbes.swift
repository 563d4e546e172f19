public import Documents
public import ServerRuntime
public import ServingDomain

/// How to measure a device itself; the engine that has it says how.
public struct DeviceProbes: Sendable {
    /// What making, changing and giving back a gpulet of so many units costs.
    public var gpulet: @Sendable (Int32) throws(EngineError) -> GpuletCost
    /// How long one copy of so many bytes takes.
    public var copy: @Sendable (DeviceMeasurements.Direction, Int64) throws(EngineError) -> TimeSpan

    /// Takes over probes.
    public init(
        gpulet: @escaping @Sendable (Int32) throws(EngineError) -> GpuletCost,
        copy:
            @escaping @Sendable (DeviceMeasurements.Direction, Int64) throws(EngineError)
            -> TimeSpan
    ) {
        self.gpulet = gpulet
        self.copy = copy
    }
}
