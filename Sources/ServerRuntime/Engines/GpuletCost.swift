public import ServingDomain

/// What a change of a device's division costs by itself, without the models that sit there.
public struct GpuletCost: Hashable, Sendable {
    /// Until a new gpulet has done its first work.
    public var create: TimeSpan
    /// Until a gpulet of another size stands in its place and the old one is gone.
    public var resize: TimeSpan
    /// Until a gpulet is gone.
    public var destroy: TimeSpan

    /// Creates the times.
    public init(create: TimeSpan, resize: TimeSpan, destroy: TimeSpan) {
        self.create = create
        self.resize = resize
        self.destroy = destroy
    }
}
