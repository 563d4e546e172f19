package import ServingDomain

/// What a controller may know about its lane when it decides.
package struct LaneFacts: Hashable, Sendable {
    /// The objective; nil = none, or one that is not above 0.
    package var slo: TimeSpan?
    /// The percentile that the objective speaks of, in thousandths (950 = 95th).
    package var percentileMilli: Int32
    /// The largest batch that the model, the device and what failed so far allow.
    package var batchCeiling: Int32
    /// The most instances that limits, slots and what failed so far allow.
    package var instanceCeiling: Int32
    /// Where the plan wants it to start.
    package var planned: LaneSetting
    /// Whether `planned` rests on what was settled before: a search begins there.
    package var followsSettled: Bool
    /// Instances that can run a batch now.
    package var ready: Int32
    /// Instances that are being loaded.
    package var starting: Int32
    /// The units of the gpulet.
    package var units: Int32
    /// What the device has left for the lane, in KiB; nil = not known.
    package var memoryKiB: Int64?
    /// What the model takes of it.
    package var memory: MemoryFootprint
    /// From the order to start an instance until it answers; zero = not known.
    package var startTime: TimeSpan
    /// What was profiled, or measured by warm-ups; nil = nothing.
    package var surface: LatencySurface?
    /// Latencies that were estimated, not measured.
    package var estimates: [LatencyEstimate]

    /// Creates facts; tests state only those that matter.
    package init(
        slo: TimeSpan?,
        percentileMilli: Int32 = 950,
        batchCeiling: Int32 = 128,
        instanceCeiling: Int32 = 10,
        planned: LaneSetting = .least,
        followsSettled: Bool = false,
        ready: Int32 = 1,
        starting: Int32 = 0,
        units: Int32 = 1,
        memoryKiB: Int64? = nil,
        memory: MemoryFootprint = MemoryFootprint(),
        startTime: TimeSpan = .zero,
        surface: LatencySurface? = nil,
        estimates: [LatencyEstimate] = []
    ) {
        self.slo = slo
        self.percentileMilli = percentileMilli
        self.batchCeiling = batchCeiling
        self.instanceCeiling = instanceCeiling
        self.planned = planned
        self.followsSettled = followsSettled
        self.ready = ready
        self.starting = starting
        self.units = units
        self.memoryKiB = memoryKiB
        self.memory = memory
        self.startTime = startTime
        self.surface = surface
        self.estimates = estimates
    }

    /// Whether the device's memory holds the lane at `setting`; true where it is not known.
    package func fits(_ setting: LaneSetting) -> Bool {
        guard let memoryKiB else { return true }
        return memory.kib(batch: setting.batch, instances: setting.instances) <= memoryKiB
    }

    /// The most instances at batch limit `batch` that memory holds, at least 1.
    package func instancesThatFit(batch: Int32) -> Int32 {
        var count = instanceCeiling
        while count > 1, !fits(LaneSetting(batch: batch, instances: count)) { count -= 1 }
        return max(1, count)
    }

    /// `setting` within the ceilings and the memory: instances give way first.
    package func clamped(_ setting: LaneSetting) -> LaneSetting {
        var batch = max(1, min(setting.batch, batchCeiling))
        while batch > 1, !fits(LaneSetting(batch: batch, instances: 1)) { batch -= 1 }
        let most = instancesThatFit(batch: batch)
        return LaneSetting(batch: batch, instances: max(1, min(setting.instances, most)))
    }
}

extension DispatchState {
    /// The facts of a lane. Control only: O(lanes of its device).
    func facts(of lane: LaneID) -> LaneFacts? {
        let record = lanes[lane.position]
        guard record.exists, record.wanted > 0, models[record.model.position].state == .serving,
            let spec = specs[record.model.position]
        else { return nil }
        let gpulet = gpulets[record.gpulet.position]
        let device = devices[gpulet.device.position]
        let profile = spec.profile(on: device.kind)
        let isStuck = record.failed > 0
        let live = max(1, record.ready + record.starting)
        return LaneFacts(
            slo: spec.slo.flatMap { $0 > .zero ? $0 : nil },
            percentileMilli: min(1_000, max(1, Int32((spec.percentile * 10).rounded()))),
            batchCeiling: record.batchCeiling,
            instanceCeiling: record.steeredCeiling(isStuck ? live : .max),
            planned: LaneSetting(
                batch: max(1, record.plannedBatch),
                instances: max(1, record.plannedInstances)
            ),
            followsSettled: record.followsSettled,
            ready: record.ready,
            starting: record.starting,
            units: record.units(of: gpulet.units),
            memoryKiB: memoryLeft(for: lane, on: device),
            memory: profile?.memory ?? MemoryFootprint(),
            startTime: profile.map { $0.warmStart > .zero ? $0.warmStart : $0.coldStart } ?? .zero,
            surface: spec.surface(on: device.kind),
            estimates: spec.estimates
        )
    }

    /// What the other lanes leave of a device's memory, in KiB; nil = not known.
    private func memoryLeft(for lane: LaneID, on device: DeviceSpec) -> Int64? {
        guard device.memoryMiB > 0 else { return nil }
        var left = device.memoryMiB * 1_024
        var seen: [ModelID] = []
        for place in lanes.indices where place != lane.position && lanes[place].exists {
            let other = lanes[place]
            guard gpulets[other.gpulet.position].device == device.id,
                let memory = specs[other.model.position]?.profile(on: device.kind)?.memory
            else { continue }
            let instances = Int64(max(other.wanted, other.instances))
            left -= memory.workspaceKiB(batch: other.batchLimit) * instances
            // Weights count once per model and device (design, section 4, rule 3).
            if other.model != lanes[lane.position].model, !seen.contains(other.model) {
                left -= memory.weightsKiB
                seen.append(other.model)
            }
        }
        return max(0, left)
    }
}
