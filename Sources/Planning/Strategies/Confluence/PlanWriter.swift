import ServingDomain

/// Turns a draft into a plan: computes what each lane promises and says why it sits where it sits.
struct PlanWriter {
    let problem: ConfluenceProblem
    private(set) var draft: PlanDraft
    let bound: Int64
    let planner: String
    /// The violations of each device's gpulets and lanes.
    private var violations: [[[Double]]] = []
    private var known: [LaneKey: Double] = [:]

    /// What a lane's violation depends on, so that equal lanes are computed once.
    private struct LaneKey: Hashable {
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
    }

    /// Whether all demand has a seat.
    var isComplete: Bool { draft.left.allSatisfy { $0 <= problem.margins.slackMilliRate } }

    // MARK: The promise

    /// Computes every lane's violation and lowers rates where the table promised too much.
    mutating func verify() {
        violations = draft.devices.map { $0.gpulets.map { $0.seats.map { _ in 0 } } }
        guard problem.rule == .queue else { return }
        for device in draft.devices.indices {
            for gpulet in draft.devices[device].gpulets.indices {
                verify(device, gpulet)
            }
        }
    }

    private mutating func verify(_ device: Int, _ number: Int) {
        let group = draft.devices[device].group
        let gpulet = draft.devices[device].gpulets[number]
        if gpulet.turns == .oldestFirst {
            violations[device][number] = oldest(gpulet, group)
            return
        }
        for place in gpulet.seats.indices {
            var seat = gpulet.seats[place]
            let target = problem.wants[seat.model].target * CapacityRule.promisedTarget
            var violation = violation(of: seat, gpulet, group)
            // The table is a little above the truth here and there: then less is promised.
            for _ in 0..<40 where violation > target && seat.milliRate > 0 {
                let less = max(1, seat.milliRate / 64)
                seat.milliRate -= less
                draft.left[seat.model] += less
                draft.devices[device].gpulets[number].seats[place].milliRate -= less
                violation = self.violation(of: seat, gpulet, group)
            }
            violations[device][number][place] = violation
        }
    }

    private mutating func violation(
        of seat: SeatDraft,
        _ gpulet: GpuletDraft,
        _ group: Int
    ) -> Double {
        let want = problem.wants[seat.model]
        guard want.objective.isFinite, seat.milliRate > 0 else { return 0 }
        let key = LaneKey(group: group, seat: seat, units: gpulet.units, turns: gpulet.turns)
        if let found = known[key] { return found }
        guard let times = times(of: seat, gpulet, group), let choice = choice(of: seat, group)
        else { return 1 }
        let spread = (choice?.spread ?? 0) * seat.slowdown
        let rate = Double(seat.milliRate) / 1e6 / Double(seat.instances)
        let queue: BatchQueue
        if case .rounds(let round) = gpulet.turns {
            queue = BatchQueue(
                times: times.map { _ in round },
                rate: rate,
                objective: want.objective - spread
            )
        } else {
            queue = BatchQueue(times: times, rate: rate, objective: want.objective - spread)
        }
        let violation = queue.violation()
        known[key] = violation
        return violation
    }

    /// The seat's row among the model's choices, if it is one of them.
    private func choice(of seat: SeatDraft, _ group: Int) -> SeatChoice?? {
        problem.offers[group][seat.model].map { offer in
            offer.sizes[seat.size].choices.first {
                $0.batch == seat.batch && $0.instances == seat.instances
            }
        }
    }

    /// Batch times beside the co-runners, by size, never falling.
    private func times(of seat: SeatDraft, _ gpulet: GpuletDraft, _ group: Int) -> [Double]? {
        let kind = problem.classes[group].kind
        guard let latencies = ModelLatencies(of: seat.model, on: kind, in: problem.inputs) else {
            return nil
        }
        let times = problem.times(
            of: seat.model,
            latencies,
            units: gpulet.units,
            instances: seat.instances,
            on: problem.classes[group]
        )
        guard times.count >= Int(seat.batch) else { return nil }
        return times.prefix(Int(seat.batch)).map { $0 * seat.slowdown }
    }

    private func oldest(_ gpulet: GpuletDraft, _ group: Int) -> [Double] {
        var streams: [SharedQueue.Stream] = []
        var windows: [Double] = []
        for seat in gpulet.seats {
            let time = times(of: seat, gpulet, group)?.last ?? .infinity
            let spread = (choice(of: seat, group)??.spread ?? 0) * seat.slowdown
            streams.append(SharedQueue.Stream(rate: Double(seat.milliRate) / 1e6, time: time))
            windows.append(problem.wants[seat.model].objective - time - spread)
        }
        let longest = windows.filter(\.isFinite).max() ?? 1
        let late = SharedQueue(streams: streams)
            .later(than: windows.map { $0.isFinite ? $0 : longest })
        return zip(late, windows).map { $1.isFinite ? $0 : 0 }
    }

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
        if case .rounds(let ms) = gpulet.turns {
            // In the queue's test a batch may gather as long as two rounds still fit behind it.
            var gathering = ms
            if problem.rule == .queue {
                for seat in gpulet.seats {
                    gathering = min(gathering, problem.wants[seat.model].objective - 2 * ms)
                }
            }
            duty = TimeSpan(nanoseconds: Int64(max(0, gathering) * 1e6))
        }
        return Plan.GpuletLayout(
            units: gpulet.units,
            slots: lanes.count == 1 ? lanes[0].instances : 1,
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
        if case .rounds(let ms) = draft.gpulets[number].turns {
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
