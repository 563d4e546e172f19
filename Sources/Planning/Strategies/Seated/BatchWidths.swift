import ServingDomain

/// On how many of the cores that all models share one batch of each runs.
///
/// Threads that work on one small network wait for each other at every operator, so a batch on two
/// cores takes more than half as long as on one: two batches side by side, each on a core of its
/// own, are more work done. And threads of two batches that share a core wait for each other's
/// time slices at every operator, so that both take longer than one after the other. So a batch
/// gets as few cores as its objective allows, and only as many batches of a class run at once as
/// there are cores for (`GpuletRecord.hasUnits`); what that is worth stands in Docs/BENCHMARKS.md,
/// "Narrow batches".
struct BatchWidths {
    /// How many times as long as one item takes a request must be able to wait and run.
    static let wait = 1.5
    /// The most narrow instances in place of one of all cores: each has a thread and a workspace.
    static let mostParts: Int32 = 8
    /// A width that there is already is kept up to this factor of the objective.
    static let inertia = 1.1

    /// By model and device.
    private let widths: [[Int32]]
    private let inputs: PlanInputs

    /// Chooses for all models. Cost: O(models x devices x sizes).
    init(_ inputs: PlanInputs) {
        self.inputs = inputs
        widths = inputs.models.indices.map { place in
            inputs.devices.map { Self.width(of: place, on: $0, inputs) }
        }
    }

    /// The units of a batch of one model on one device, by their places in the inputs.
    func width(of model: Int, on device: Int) -> Int32 { widths[model][device] }

    /// Gives the lanes of a gpulet of all of device number `device` their widths, and in place of
    /// each instance of all cores as many narrow ones as use them.
    func fit(_ gpulet: inout Plan.GpuletLayout, _ device: Int) {
        for number in gpulet.lanes.indices {
            let model = gpulet.lanes[number].model
            guard let place = inputs.models.firstIndex(where: { $0.id == model }) else { continue }
            let width = widths[place][device]
            gpulet.lanes[number].width = width
            gpulet.lanes[number].instances *= gpulet.units / width
        }
        gpulet.slots = max(gpulet.slots, gpulet.lanes.reduce(0) { $0 + $1.instances })
    }

    /// The narrowest on which a request may wait for half another of its kind and still be in
    /// time; all units without an objective.
    private static func width(
        of place: Int,
        on device: DeviceSpec,
        _ inputs: PlanInputs
    ) -> Int32 {
        let model = inputs.models[place]
        guard let slo = model.slo else { return device.units }
        let objective = Double(SeatedPlanner.promise(slo).nanoseconds)
        let present = present(model.id, device.id, inputs)
        let width = device.allowedUnits.first { width in
            guard width * mostParts >= device.units else { return false }
            guard let time = longest(place, width, device, inputs) else { return false }
            return wait * time <= (width == present ? objective * inertia : objective)
        }
        return width ?? device.units
    }

    /// What one item takes on `width` units, in nanoseconds; where that was not measured, as if
    /// it were no more work on the units that were.
    private static func longest(
        _ place: Int,
        _ width: Int32,
        _ device: DeviceSpec,
        _ inputs: PlanInputs
    ) -> Double? {
        guard let known = ModelLatencies(of: place, on: device.kind, in: inputs) else { return nil }
        func time(_ units: Int32) -> Double? {
            known.latency(batch: 1, units: units).map { Double($0.nanoseconds) }
        }
        let model = inputs.models[place]
        guard let here = time(width) else { return nil }
        if model.isMeasured(on: device.kind, units: width) { return here }
        let wider = device.allowedUnits.first {
            $0 > width && model.isMeasured(on: device.kind, units: $0)
        }
        guard let wider, let there = time(wider) else { return here }
        return there * Double(wider) / Double(width)
    }

    /// The width that a model has on a device now; nil = none.
    private static func present(
        _ model: ModelID,
        _ device: DeviceID,
        _ inputs: PlanInputs
    ) -> Int32? {
        let layout = inputs.present?.devices.first { $0.device == device }
        return layout?.gpulets.lazy.flatMap(\.lanes).first { $0.model == model }?.width
    }
}
