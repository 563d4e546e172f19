public import ServingDomain

/// What lanes on one device cost each other.
///
/// A gpulet runs one batch at a time, so of each other gpulet the lane that disturbs most is
/// assumed; lanes of the victim's own gpulet count only where it has several slots, since then
/// they may run beside it.
public struct CoRunners: Sendable {
    /// What the lanes of each gpulet do to their device, in the order of the gpulets.
    public var loads: [[ContentionLoad]]
    /// How many batches may run on each gpulet at once.
    public var slots: [Int32]
    /// How many others may run beside a batch on its own gpulet, where lanes have a width.
    public var besides: [Int?]
    /// What that costs.
    public var model: ContentionModel
    /// Whether low batches give way to high ones within their runs (`DeviceSpec.preemptsLow`), so
    /// that on one gpulet only those of one class run beside each other.
    public var preemptsLow = false

    /// Creates a device without gpulets.
    public init(model: ContentionModel) {
        loads = []
        slots = []
        besides = []
        self.model = model
    }

    /// The lanes of `layout` on `device`.
    public init(of layout: Plan.DeviceLayout, on device: DeviceSpec, in inputs: PlanInputs) {
        self.init(model: inputs.contention(on: device.kind))
        preemptsLow = device.preemptsLow
        for gpulet in layout.gpulets {
            loads.append(
                gpulet.lanes.compactMap { lane in
                    inputs.models.firstIndex { $0.id == lane.model }.map { place in
                        Self.load(
                            of: inputs.models[place],
                            batch: lane.batchLimit,
                            units: gpulet.units(of: lane),
                            on: device
                        )
                    }
                }
            )
            slots.append(gpulet.slots)
            let least = gpulet.lanes.compactMap(\.width).min()
            besides.append(least.map { Int((gpulet.units - 1) / $0) })
        }
    }

    /// What a batch of `model` on `units` of `device` does to others.
    public static func load(
        of model: ModelSpec,
        batch: Int32,
        units: Int32,
        on device: DeviceSpec
    ) -> ContentionLoad {
        ContentionLoad(
            model: model.id,
            batch: batch,
            utilization: model.profile(on: device.kind)?.utilization(batch: batch)
                ?? Utilization(batch: batch, sm: 0, l2: 0, dram: 0),
            fraction: device.fraction(of: units),
            priority: model.priority
        )
    }

    /// How much longer `victim`, a lane of gpulet number `gpulet`, takes than alone; at least 1.
    ///
    /// - Parameter lane: Which lane of its gpulet it is; nil = one that is not among them yet.
    ///
    /// Cost: O(lanes of the device).
    public func slowdown(
        of victim: ContentionLoad,
        gpulet: Int,
        lane: Int? = nil
    ) -> Double {
        if case .none = model { return 1 }
        var others: [ContentionLoad] = []
        for (place, lanes) in loads.enumerated() {
            if place == gpulet {
                guard slots[place] > 1 else { continue }
                let mates = lanes.indices.filter {
                    $0 != lane && (!preemptsLow || lanes[$0].priority == victim.priority)
                }
                others += worst(besides[place], of: mates.map { lanes[$0] }, for: victim)
            } else {
                others += worst(1, of: lanes, for: victim)
            }
        }
        return others.isEmpty ? 1 : max(1, model.slowdown(of: victim, beside: others))
    }

    /// The `count` of `lanes` that disturb `victim` most; all of them where there is no limit.
    private func worst(
        _ count: Int?,
        of lanes: [ContentionLoad],
        for victim: ContentionLoad
    ) -> [ContentionLoad] {
        guard let count, count < lanes.count else { return lanes }
        let costs = lanes.map { model.slowdown(of: victim, beside: [$0]) }
        return lanes.indices.sorted { (costs[$1], $0) < (costs[$0], $1) }.prefix(count)
            .map { lanes[$0] }
    }

    /// `span` made longer by `slowdown`, rounded up once.
    public static func slowed(_ span: TimeSpan, by slowdown: Double) -> TimeSpan {
        TimeSpan(nanoseconds: slowed(span.nanoseconds, by: slowdown))
    }

    /// Nanoseconds made longer by `slowdown`, rounded up once; `unplannable` stays so.
    static func slowed(_ nanoseconds: Int64, by slowdown: Double) -> Int64 {
        guard slowdown > 1, nanoseconds < ModelLatencies.unplannable else { return nanoseconds }
        let slowed = (Double(nanoseconds) * slowdown).rounded(.up)
        return slowed < Double(ModelLatencies.unplannable)
            ? Int64(slowed) : ModelLatencies.unplannable
    }
}
