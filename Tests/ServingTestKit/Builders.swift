public import ServerCore
public import ServingDomain

extension ModelSpec {
    /// A model for tests; `latency` gives milliseconds by batch on `units`.
    public static func sample(
        _ index: Int32 = 0,
        name: String? = nil,
        maxBatch: Int32 = 8,
        latency: [Int32: Int64] = [:],
        units: Int32 = 4,
        instances: Int32 = 1,
        batching: BatchingRules = .standard,
        queues: [QueueRules]? = nil
    ) -> ModelSpec {
        let points = latency.keys.sorted().map { batch in
            LatencySurface.Point(
                batch: batch,
                units: units,
                latency: .milliseconds(latency[batch] ?? 0)
            )
        }
        let levels = Int32(queues?.count ?? 2)
        return ModelSpec(
            id: ModelID(index),
            name: name ?? "m\(index)",
            maxBatch: maxBatch,
            batching: batching,
            priorities: PriorityRules(levels: levels, defaultLevel: levels),
            queues: queues,
            instances: instances,
            surface: points.isEmpty ? nil : LatencySurface(points)
        )
    }
}

extension DeviceSpec {
    /// A device for tests.
    public static func sample(
        _ index: Int32 = 0,
        units: Int32 = 4,
        copyEngines: Int32 = 0,
        copy: CopySpec? = nil
    ) -> DeviceSpec {
        DeviceSpec(
            id: DeviceID(index),
            name: "d\(index)",
            kind: "test",
            units: units,
            copyEngines: copyEngines,
            copy: copy
        )
    }
}

extension CoreLimits {
    /// Limits that keep a core of a test small.
    public static var small: CoreLimits {
        var limits = CoreLimits()
        limits.requests = 512
        limits.queue = 128
        limits.models = 16
        limits.levels = 4
        limits.gpulets = 16
        limits.lanes = 64
        limits.instances = 128
        return limits
    }
}

extension StageTimes {
    /// The times of a batch without copies.
    public static func run(from began: Instant, to ended: Instant) -> StageTimes {
        StageTimes(
            copyInBegan: began,
            copyInEnded: began,
            runBegan: began,
            runEnded: ended,
            copyOutBegan: ended,
            copyOutEnded: ended
        )
    }
}

extension Plan {
    /// What the planner `whole` makes: one gpulet per device, every model on it.
    public static func whole(_ inputs: PlanInputs, slots: Int32? = nil) -> Plan {
        let lanes = inputs.models.map { model in
            LanePlacement(
                model: model.id,
                batchLimit: model.maxBatch,
                instances: model.instances
            )
        }
        let instances = lanes.reduce(Int32(0)) { $0 + $1.instances }
        let devices = inputs.devices.map { device in
            let gpulet = GpuletLayout(
                units: device.units,
                slots: slots ?? max(1, instances),
                dutyCycle: nil,
                lanes: lanes
            )
            return DeviceLayout(device: device.id, gpulets: [gpulet])
        }
        return Plan(planner: "whole", devices: devices)
    }
}
