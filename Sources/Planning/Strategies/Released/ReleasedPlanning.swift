import ServingDomain

/// Makes plans the released code's way: one attempt, or one per layout.
struct ReleasedPlanning {
    let rules: ReleasedRules
    let host: [HostBatching]
    /// Whether every layout is tried, each frozen (section 4, `full_search`).
    let isExhaustive: Bool

    func plan(_ inputs: PlanInputs, named name: String) -> Plan {
        let tables = ReleasedTables(inputs, rules: rules, host: host)
        let demands = inputs.milliRates.map { rules.margins.demand(max(0, $0)) }
        var tasks: [ReleasedWish] = []
        var hopeless: [Int] = []
        for (model, demand) in demands.enumerated() where demand > 0 {
            let rate = Int(demand / 1_000) + (demand % 1_000 == 0 ? 0 : 1)
            if tables.kinds.contains(where: { $0.models[model] != nil }) {
                tasks.append(ReleasedWish(model: model, rate: rate))
            } else {
                hopeless.append(model)
            }
        }
        let best = inputs.devices.isEmpty ? nil : attempt(tasks, inputs, tables)
        return plan(best, inputs, demands, hopeless, named: name)
    }

    /// The first attempt that succeeds, else the first of all.
    private func attempt(
        _ tasks: [ReleasedWish],
        _ inputs: PlanInputs,
        _ tables: ReleasedTables
    ) -> ReleasedScheduler {
        let start = ReleasedScheduler(inputs, rules: rules, tables: tables)
        guard isExhaustive, rules.splits else {
            var scheduler = start
            _ = scheduler.run(tasks)
            return scheduler
        }
        // The code lists a device's layouts in the order of the larger part, and lets the first
        // device change fastest.
        let layouts = LayoutSearch(
            devices: inputs.devices,
            layouts: inputs.devices.map { device in
                guard device.maxGpulets != 1 else { return [[device.units]] }
                return SplitSizes.halves(of: device).reversed().filter { $0 * 2 >= device.units }
                    .map { $0 == device.units ? [$0] : [$0, device.units - $0] }
            },
            permutes: rules.permutes
        )
        var first: ReleasedScheduler?
        for choice in layouts.prefix(LayoutSearch.limit) {
            var scheduler = start
            scheduler.freeze(choice)
            if scheduler.run(tasks) { return scheduler }
            if first == nil { first = scheduler }
        }
        return first ?? start
    }

    private func plan(
        _ scheduler: ReleasedScheduler?,
        _ inputs: PlanInputs,
        _ demands: [Int64],
        _ hopeless: [Int],
        named name: String
    ) -> Plan {
        var left = demands
        var plan = Plan(planner: name, devices: [])
        for (number, device) in inputs.devices.enumerated() {
            var layout = Plan.DeviceLayout(device: device.id, gpulets: [])
            for node in scheduler?.board[number].nodes ?? [] where !node.lanes.isEmpty {
                var gpulet = Plan.GpuletLayout(
                    units: node.units,
                    slots: 1,
                    dutyCycle: .milliseconds(rounding: Double(node.duty)),
                    lanes: []
                )
                for lane in node.lanes {
                    let rate = Int64(min(9e15, max(0, Double(lane.throughput) * 1_000)))
                    let kept = min(rate, left[lane.model])
                    left[lane.model] -= kept
                    gpulet.lanes.append(
                        Plan.LanePlacement(
                            model: inputs.models[lane.model].id,
                            batchLimit: Int32(lane.batch),
                            instances: 1,
                            milliRate: kept
                        )
                    )
                }
                layout.gpulets.append(gpulet)
            }
            plan.devices.append(layout)
        }
        Expectation.fill(&plan, inputs)
        plan.unserved = unserved(scheduler, inputs, left, hopeless)
        return plan
    }

    /// Nothing where the code says that it succeeded, whatever it left over; else all that is.
    private func unserved(
        _ scheduler: ReleasedScheduler?,
        _ inputs: PlanInputs,
        _ left: [Int64],
        _ hopeless: [Int]
    ) -> [Plan.Unserved] {
        let failed = scheduler.map { $0.failed?.model } ?? -1
        guard failed != nil || !hopeless.isEmpty else { return [] }
        return left.indices.filter { left[$0] > 0 }.compactMap { model in
            if failed == nil, !hopeless.contains(model) { return nil }
            let why: String
            if inputs.devices.isEmpty {
                why = "there is no device"
            } else if hopeless.contains(model) {
                why = "it has no profile for any of the devices"
            } else if failed == model {
                why = "this is the model at which the released code gave up"
            } else {
                why = "the released code gave up at another model"
            }
            return Plan.Unserved(model: inputs.models[model].id, milliRate: left[model], why: why)
        }
    }
}

extension ReleasedScheduler {
    /// Splits every device as `choice` says, once and for all.
    mutating func freeze(_ choice: [[Int32]]) {
        for device in board.indices {
            board[device].maySplit = false
            board[device].nodes = choice[device].enumerated().map { place, units in
                var node = ReleasedNode(device: device, kind: board[device].kind, units: units)
                if place > 0, choice[device][0] == units { node.twin = 1 }
                return node
            }
        }
    }
}
