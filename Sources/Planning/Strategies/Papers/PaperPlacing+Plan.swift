import ServingDomain

/// From the board to the plan, with words for why each model sits where it sits.
extension PaperPlacing {
    func plan(named name: String) -> Plan {
        let inputs = tables.inputs
        var plan = Plan(planner: name, devices: [])
        for device in devices {
            var layout = Plan.DeviceLayout(device: inputs.devices[device.number].id, gpulets: [])
            for gpulet in device.gpulets where !gpulet.lanes.isEmpty {
                let lanes = gpulet.lanes.map { lane in
                    Plan.LanePlacement(
                        model: inputs.models[lane.model].id,
                        batchLimit: lane.batch,
                        instances: 1,
                        milliRate: lane.milliRate,
                        why: why(lane, gpulet, on: device.number)
                    )
                }
                layout.gpulets.append(
                    Plan.GpuletLayout(
                        units: gpulet.units,
                        slots: 1,
                        dutyCycle: TimeSpan(nanoseconds: gpulet.duty),
                        lanes: lanes
                    )
                )
            }
            plan.devices.append(layout)
        }
        Expectation.fill(&plan, inputs)
        plan.unserved = inputs.models.indices.compactMap { model in
            guard owed[model] > tables.options.margins.slackMilliRate else { return nil }
            return Plan.Unserved(
                model: inputs.models[model].id,
                milliRate: owed[model],
                why: whyNot(model)
            )
        }
        return plan
    }

    // MARK: Words

    private func why(_ lane: PaperLane, _ gpulet: PaperGpulet, on device: Int) -> String {
        let spec = tables.inputs.devices[device]
        let size = Self.percent(gpulet.units, spec.units)
        switch lane.reason {
        case .knee:
            return "\(size) is its knee: more of the device would bring less per unit"
        case .rest:
            return "\(size) is the smallest size that serves what was left of its rate"
        case .leftOver:
            return "\(size) was the tightest free part that is large enough and can't be cut"
        case .largestFree:
            return "nothing of its ideal size was free; \(size) was the largest part left"
        case .shared:
            return "it takes turns here: its rate fits between the other lanes' batches"
        case .wholeDevice:
            return "it keeps a whole device busy by itself"
        case .wholeRest:
            return "what whole devices did not take of its rate started this device"
        }
    }

    private func whyNot(_ model: Int) -> String {
        let inputs = tables.inputs
        let spec = inputs.models[model]
        guard !inputs.devices.isEmpty else { return "there is no device" }
        guard inputs.devices.indices.contains(where: { tables.isKnown(model, on: $0) }) else {
            return "it has no profile for any of the devices; profile it first"
        }
        var fastest = Int64.max
        var most: Int64 = 0
        for device in inputs.devices.indices {
            for row in tables.rows(model, on: device) {
                most = max(most, row.saturated.milliRate)
                fastest = min(fastest, row.curve.min() ?? .max)
            }
        }
        guard most > 0 else {
            guard let slo = spec.slo, fastest < ModelLatencies.unplannable else {
                return "none of the sizes that it may have is plannable by its profile"
            }
            return "even its fastest batch takes \(PlanAudit.ms(TimeSpan(nanoseconds: fastest))),"
                + " more than half of the objective of \(PlanAudit.ms(slo))"
        }
        return "no free part and no gpulet with time to spare takes it; alone, the best single"
            + " part serves \(PlanAudit.rate(most)) r/s"
    }

    static func percent(_ units: Int32, _ all: Int32) -> String {
        "\(PlanAudit.rate(Int64(units) * 100_000 / Int64(all))) %"
    }
}
