import ServingDomain

/// Writes into a plan what its lanes may expect once it is known what stands beside them.
enum Expectation {
    /// Sets `expected` (profile, corrections and predicted slowdown) and `worst` of every lane.
    ///
    /// The worst is a whole turn before the batch runs: the duty cycle and everything that takes
    /// its turn, at least twice the batch's own latency where it has its gpulet to itself.
    static func fill(_ plan: inout Plan, _ inputs: PlanInputs) {
        for place in plan.devices.indices {
            guard
                let device = inputs.devices.first(where: { $0.id == plan.devices[place].device })
            else { continue }
            fill(&plan.devices[place], device, inputs)
        }
    }

    private static func fill(
        _ layout: inout Plan.DeviceLayout,
        _ device: DeviceSpec,
        _ inputs: PlanInputs
    ) {
        let beside = CoRunners(of: layout, on: device, in: inputs)
        for number in layout.gpulets.indices {
            let gpulet = layout.gpulets[number]
            var sum = TimeSpan.zero
            for (position, lane) in gpulet.lanes.enumerated() {
                guard let model = inputs.models.firstIndex(where: { $0.id == lane.model }),
                    let latencies = ModelLatencies(of: model, on: device.kind, in: inputs),
                    let alone = latencies.latency(
                        batch: lane.batchLimit,
                        units: gpulet.units(of: lane),
                        instances: lane.sharers
                    )
                else { continue }
                let load = CoRunners.load(
                    of: inputs.models[model],
                    batch: lane.batchLimit,
                    units: gpulet.units(of: lane),
                    on: device
                )
                let slowdown = beside.slowdown(of: load, gpulet: number, lane: position)
                let expected = CoRunners.slowed(alone, by: slowdown)
                layout.gpulets[number].lanes[position].expected = expected
                sum = sum + expected
            }
            for position in gpulet.lanes.indices {
                layout.gpulets[number].lanes[position].worst =
                    max(gpulet.dutyCycle ?? .zero, sum) + sum
            }
        }
    }
}
