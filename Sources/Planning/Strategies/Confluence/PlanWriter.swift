import ServingDomain

/// Turns a draft into a plan: computes what each lane promises and says why it sits where it sits.
struct PlanWriter {
    let problem: ConfluenceProblem
    var draft: PlanDraft
    let bound: Int64
    let planner: String
    /// The violations of each device's gpulets and lanes.
    var violations: [[[Double]]] = []
    /// How many lanes the models have that have several behind one queue.
    private(set) var pools: [Int: Int] = [:]
    var known: [LaneKey: Double] = [:]

    /// What a lane's violation depends on, so that equal lanes are computed once.
    struct LaneKey: Hashable {
        var group: Int
        var seat: SeatDraft
        var units: Int32
        var turns: GpuletDraft.Turns
    }

    init(_ problem: ConfluenceProblem, _ draft: PlanDraft, bound: Int64, planner: String) {
        self.problem = problem
        self.draft = draft
        self.bound = bound
        self.planner = planner
        for device in draft.devices {
            for gpulet in device.gpulets where gpulet.isPooled {
                pools[gpulet.seats[0].model, default: 0] += 1
            }
        }
    }

    /// Whether all demand has a seat.
    var isComplete: Bool { draft.left.allSatisfy { $0 <= problem.margins.slackMilliRate } }

    // MARK: The plan

    /// The plan, written out.
    var plan: Plan {
        let inputs = problem.inputs
        let devices = inputs.devices.indices.map { layout(of: $0) }
        let unserved = inputs.models.indices.compactMap { model -> Plan.Unserved? in
            guard draft.left[model] > problem.margins.slackMilliRate else { return nil }
            return Plan.Unserved(
                model: inputs.models[model].id,
                milliRate: draft.left[model],
                why: whyUnserved(model)
            )
        }
        var served = 0.0
        for model in inputs.models.indices {
            served += Double(problem.wants[model].milliRate - draft.left[model])
        }
        return Plan(
            planner: planner,
            devices: devices,
            unserved: unserved,
            bound: Plan.Bound(
                name: UnitPrices.name,
                milliRate: max(bound, Int64(min(served, 9e18)))
            )
        )
    }

    private func layout(of place: Int) -> Plan.DeviceLayout {
        let device = problem.inputs.devices[place]
        let draft = draft.devices[place]
        var layout = Plan.DeviceLayout(
            device: device.id,
            gpulets: draft.gpulets.enumerated().compactMap { number, gpulet in
                lanes(of: gpulet, violations[place][number], draft.group)
            }
        )
        // What co-runners cost is computed as the audit does, on the finished layout.
        let coRunners = CoRunners(of: layout, on: device, in: problem.inputs)
        for number in layout.gpulets.indices {
            for lane in layout.gpulets[number].lanes.indices {
                complete(&layout, number, lane, coRunners, device, draft)
            }
        }
        return layout
    }

    private func lanes(
        of gpulet: GpuletDraft,
        _ violations: [Double],
        _ group: Int
    ) -> Plan.GpuletLayout? {
        let lanes = zip(gpulet.seats, violations).filter { $0.0.milliRate > 0 }
            .map { seat, violation in
                Plan.LanePlacement(
                    model: problem.inputs.models[seat.model].id,
                    batchLimit: seat.batch,
                    instances: seat.instances,
                    milliRate: seat.milliRate,
                    violation: problem.rule == .queue ? violation : nil
                )
            }
        guard !lanes.isEmpty else { return nil }
        var duty: TimeSpan?
        if case .rounds(let ms, _) = gpulet.turns {
            // In the queue's test a batch may gather as long as two rounds still fit behind it.
            var gathering = ms
            if problem.rule == .queue {
                for seat in gpulet.seats {
                    let own = gpulet.round(of: seat.model, in: problem) ?? ms
                    gathering = min(gathering, problem.wants[seat.model].objective - 2 * own)
                }
            }
            duty = TimeSpan(nanoseconds: Int64(max(0, gathering) * 1e6))
        }
        let seats = gpulet.seats.filter { $0.milliRate > 0 }
        // Low batches that give way within their runs never take the slot that high ones need.
        let yielding =
            problem.yields(seats, on: group)
            ? seats.filter { !problem.wants[$0.model].isHigh }.count : 0
        return Plan.GpuletLayout(
            units: gpulet.units,
            slots: lanes.count == 1 ? lanes[0].instances : 1 + Int32(yielding),
            dutyCycle: duty,
            lanes: lanes
        )
    }

    private func complete(
        _ layout: inout Plan.DeviceLayout,
        _ number: Int,
        _ place: Int,
        _ coRunners: CoRunners,
        _ device: DeviceSpec,
        _ draft: DeviceDraft
    ) {
        let gpulet = layout.gpulets[number]
        let lane = gpulet.lanes[place]
        guard let model = problem.inputs.models.firstIndex(where: { $0.id == lane.model }),
            let latencies = ModelLatencies(of: model, on: device.kind, in: problem.inputs),
            let alone = latencies.latency(
                batch: lane.batchLimit,
                units: gpulet.units,
                instances: lane.instances
            )
        else { return }
        let load = CoRunners.load(
            of: problem.inputs.models[model],
            batch: lane.batchLimit,
            units: gpulet.units,
            on: device
        )
        let slowdown = coRunners.slowdown(of: load, gpulet: number, lane: place)
        let expected = CoRunners.slowed(alone, by: slowdown)
        layout.gpulets[number].lanes[place].expected = expected
        var turn = expected
        if let ms = draft.gpulets[number].round(of: model, in: problem) {
            turn = .milliseconds(rounding: ms)
        }
        if let slo = problem.inputs.models[model].slo {
            layout.gpulets[number].lanes[place].worst = min(slo, turn + expected)
        }
        layout.gpulets[number].lanes[place].why = why(
            model,
            lane,
            gpulet,
            expected: expected,
            slowdown: slowdown,
            on: device,
            draft.group
        )
    }
}
