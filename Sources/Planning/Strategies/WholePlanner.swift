public import ServingDomain

/// One gpulet of 100 % per device with a lane for every model: what servers do that do not plan.
///
/// Batch limit and instances come from the model's own configuration. Without the option `slots`
/// every instance may run at any time, as in Triton; `whole:slots=K` lets K batches run at once.
/// Cost: O(devices x models).
public struct WholePlanner: Planner {
    /// How many batches may run on a device at once; nil = as many as there are instances.
    public let slots: Int32?

    /// Creates the planner.
    public init(slots: Int32? = nil) {
        precondition(slots.map { $0 >= 1 } ?? true)
        self.slots = slots
    }

    /// The name under which it is asked for, options included.
    public var name: String { slots.map { "whole:slots=\($0)" } ?? "whole" }

    /// Places every model on every device; without a device all demand stays unserved.
    public func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
        let lanes = zip(inputs.models, inputs.milliRates).map { model, milliRate in
            Plan.LanePlacement(
                model: model.id,
                batchLimit: model.maxBatch,
                instances: min(model.instances, model.instanceLimit),
                milliRate: milliRate / Int64(max(1, inputs.devices.count))
            )
        }
        // A scaler may add instances up to the model's limit; each needs a slot.
        let instances = inputs.models.reduce(0) { $0 + $1.instanceLimit }
        let layouts = inputs.devices.map { device in
            let gpulet = Plan.GpuletLayout(
                units: device.units,
                slots: slots ?? max(1, instances),
                dutyCycle: nil,
                lanes: lanes
            )
            return Plan.DeviceLayout(device: device.id, gpulets: [gpulet])
        }
        var unserved: [Plan.Unserved] = []
        if inputs.devices.isEmpty {
            unserved = zip(inputs.models, inputs.milliRates).map {
                Plan.Unserved(model: $0.id, milliRate: $1)
            }
        }
        return Plan(planner: name, devices: layouts, unserved: unserved)
    }
}
