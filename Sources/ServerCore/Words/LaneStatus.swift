public import ServingDomain

/// How one lane stands, for people.
public struct LaneStatus: Hashable, Sendable {
    /// The model, the gpulet that it sits on, and that gpulet's device.
    public var model: ModelID, gpulet: GpuletID, device: DeviceID
    /// The units of the gpulet.
    public var units: Int32
    /// The most items in a batch.
    public var batchLimit: Int32
    /// Instances that it is to have, and those that can run a batch.
    public var wanted: Int32, ready: Int32
}

extension ServerCore {
    /// Every lane, in order of their numbers. Allocates; for scrapes.
    public var lanes: [LaneStatus] {
        state.lanes.indices.compactMap { place in
            let lane = state.lanes[place]
            guard lane.exists else { return nil }
            let gpulet = state.gpulets[lane.gpulet.position]
            return LaneStatus(
                model: lane.model,
                gpulet: lane.gpulet,
                device: gpulet.device,
                units: gpulet.units,
                batchLimit: lane.batchLimit,
                wanted: lane.wanted,
                ready: lane.ready
            )
        }
    }
}
