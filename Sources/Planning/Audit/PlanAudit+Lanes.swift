import ServingDomain

/// Rules 1, 4, 5 and 8: what each lane promises.
extension PlanAudit {
    /// A lane with what the profile says of it.
    private struct Seat {
        let lane: Plan.LanePlacement
        let name: String
        let slo: TimeSpan?
        let percentile: Double
        /// L(batch, share) of rule 1.
        let alone: TimeSpan
        /// The same beside what else is on the device.
        let beside: TimeSpan
        /// What counts for the objective.
        let counted: TimeSpan

        /// What `batch` requests take to come, less the first; nil without a rate.
        var fill: TimeSpan? {
            guard lane.milliRate > 0 else { return nil }
            let (product, overflow) = Int64(lane.batchLimit - 1)
                .multipliedReportingOverflow(by: 1_000_000_000_000)
            return overflow ? nil : TimeSpan(nanoseconds: product / lane.milliRate)
        }
    }

    mutating func checkLanes(
        _ gpulet: Plan.GpuletLayout,
        number: Int,
        _ coRunners: CoRunners,
        on device: DeviceSpec
    ) {
        let title = "\(device.name), gpulet \(number) (\(gpulet.units) units)"
        var seats: [Seat] = []
        var isWhole = true
        for (position, lane) in gpulet.lanes.enumerated() {
            let label = "\(title), \(name(of: lane.model))"
            if gpulet.lanes[..<position].contains(where: { $0.model == lane.model }) {
                report(2, label, "the model sits twice on one gpulet")
            }
            if let seat = seat(lane, position, gpulet, number, coRunners, device, label) {
                check(seat, of: gpulet, on: device, label)
                seats.append(seat)
            } else {
                isWhole = false
            }
        }
        guard isWhole, !seats.isEmpty else { return }
        if seats.count == 1 {
            checkAlone(seats[0], gpulet, "\(title), \(seats[0].name)")
        } else if !promise.isQueueAware {
            checkShared(seats, gpulet, title)
        }
    }

    private mutating func seat(
        _ lane: Plan.LanePlacement,
        _ position: Int,
        _ gpulet: Plan.GpuletLayout,
        _ number: Int,
        _ coRunners: CoRunners,
        _ device: DeviceSpec,
        _ label: String
    ) -> Seat? {
        guard let place = place(of: lane.model) else {
            report(1, label, "there is no such model")
            return nil
        }
        let model = inputs.models[place]
        guard let latencies = ModelLatencies(of: place, on: device.kind, in: inputs) else {
            report(1, label, "it has no profile on '\(device.kind)'")
            return nil
        }
        guard
            let alone = latencies.latency(
                batch: lane.batchLimit,
                units: gpulet.units(of: lane),
                instances: lane.sharers
            )
        else {
            report(
                1,
                label,
                "a batch of \(lane.batchLimit) on \(gpulet.units(of: lane)) units is beyond the"
                    + " profile, or beyond the model's largest batch of \(model.maxBatch)"
            )
            return nil
        }
        let load = CoRunners.load(
            of: model,
            batch: lane.batchLimit,
            units: gpulet.units(of: lane),
            on: device
        )
        let slowdown = coRunners.slowdown(of: load, gpulet: number, lane: position)
        let beside = CoRunners.slowed(alone, by: slowdown)
        return Seat(
            lane: lane,
            name: model.name,
            slo: model.slo,
            percentile: model.percentile,
            alone: alone,
            beside: beside,
            counted: promise.seesCoRunners && !promise.isReleased ? beside : alone
        )
    }

    /// What holds for every lane by itself.
    private mutating func check(
        _ seat: Seat,
        of gpulet: Plan.GpuletLayout,
        on device: DeviceSpec,
        _ label: String
    ) {
        if let place = place(of: seat.lane.model) {
            let model = inputs.models[place]
            let share = device.fraction(of: gpulet.units) * 100
            if share < model.minShare - 0.01 || share > model.maxShare + 0.01 {
                report(
                    2,
                    label,
                    "the model wants a share of \(model.minShare) to \(model.maxShare) per cent"
                )
            }
            // An instance may be several narrow ones.
            let parts = gpulet.units / gpulet.units(of: seat.lane)
            if seat.lane.instances > max(1, model.instanceLimit) * parts {
                report(
                    2,
                    label,
                    "\(seat.lane.instances) instances, \(model.instanceLimit * parts) are the most"
                )
            }
        }
        if seat.lane.milliRate < 0 { report(6, label, "its rate is negative") }
        guard let expected = seat.lane.expected else {
            report(8, label, "it says no expected latency")
            return
        }
        // What is read from a file has lost a few digits.
        let room = max(Audit.tolerance.nanoseconds, seat.beside.nanoseconds / 100_000)
        if abs((expected - seat.beside).nanoseconds) > room {
            report(
                8,
                label,
                "expected \(Self.ms(expected)), but profile and co-runners say"
                    + " \(Self.ms(seat.beside))"
            )
        }
        // A seat without a rate is room for who may come; nothing is promised there.
        guard promise.isQueueAware, seat.lane.milliRate > 0 else { return }
        if let slo = seat.slo, seat.counted > slo + Audit.tolerance {
            report(5, label, "\(Self.ms(seat.counted)) is over the objective of \(Self.ms(slo))")
        }
        let target = 1 - seat.percentile / 100
        if (seat.lane.violation ?? 1) > target + 1e-9 {
            report(
                5,
                label,
                "violation \(seat.lane.violation.map { "\($0)" } ?? "unknown") is over the"
                    + " target of \(target)"
            )
        }
    }

    /// Rule 4 for a lane that has its gpulet to itself.
    private mutating func checkAlone(
        _ seat: Seat,
        _ gpulet: Plan.GpuletLayout,
        _ label: String
    ) {
        let lane = seat.lane
        let needed = Double(lane.milliRate) * Double(seat.counted.nanoseconds)
        let given = Double(lane.batchLimit) * Double(lane.instances) * 1e12
        if needed > given * (1 + 1e-6) {
            report(
                4,
                label,
                "\(Self.rate(lane.milliRate)) r/s is more than \(lane.instances) x"
                    + " \(lane.batchLimit) per \(Self.ms(seat.counted))"
            )
        }
        guard let slo = seat.slo else { return }
        let limit = allowed(slo)
        let filled = seat.fill.map { $0 + seat.counted <= limit } ?? (lane.batchLimit == 1)
        if !promise.isQueueAware, seat.counted * 2 > limit, !filled {
            report(
                4,
                label,
                "neither 2 x \(Self.ms(seat.counted)) nor filling"
                    + " \(seat.fill.map { Self.ms($0) } ?? "for ever") + \(Self.ms(seat.counted))"
                    + " is within the objective of \(Self.ms(slo))"
            )
        }
        checkGathering(seat, slo, gpulet, label)
    }

    /// Rule 8: a lone lane gathers for max(L, fill), and leaves time to run.
    private mutating func checkGathering(
        _ seat: Seat,
        _ slo: TimeSpan,
        _ gpulet: Plan.GpuletLayout,
        _ label: String
    ) {
        guard !promise.isReleased, let duty = gpulet.dutyCycle else { return }
        let most = max(.zero, slo - seat.counted)
        let wanted = min(most, seat.fill.map { max($0, seat.counted) } ?? most)
        let room = max(Audit.tolerance.nanoseconds, wanted.nanoseconds / 100_000)
        // With a margin on the latency its own L is longer, which is the planner's affair.
        if promise.margins.latencyMilli > 1_000, duty <= most { return }
        guard abs((duty - wanted).nanoseconds) > room else { return }
        report(
            8,
            label,
            "it gathers for \(Self.ms(duty)), but max(L, fill), at most SLO - L, is"
                + " \(Self.ms(wanted))"
        )
    }

    /// Rule 4 for lanes that take turns.
    private mutating func checkShared(
        _ seats: [Seat],
        _ gpulet: Plan.GpuletLayout,
        _ title: String
    ) {
        guard let duty = gpulet.dutyCycle else {
            report(4, title, "\(seats.count) lanes take turns without a duty cycle")
            return
        }
        let sum = seats.reduce(TimeSpan.zero) { $0 + $1.counted }
        if sum > duty + Audit.tolerance {
            report(4, title, "a round of \(Self.ms(sum)) is longer than its \(Self.ms(duty))")
        }
        for seat in seats {
            let label = "\(title), \(seat.name)"
            if let slo = seat.slo, duty + sum > allowed(slo) {
                report(
                    4,
                    label,
                    "duty cycle \(Self.ms(duty)) + round \(Self.ms(sum)) is over the objective of"
                        + " \(Self.ms(slo))"
                )
            }
            let due = (Double(duty.nanoseconds) * Double(seat.lane.milliRate) / 1e12 - 1e-6)
                .rounded(.down)
            if Double(seat.lane.batchLimit) * Double(seat.lane.instances) < due {
                report(
                    4,
                    label,
                    "\(Self.rate(seat.lane.milliRate)) r/s brings \(Int64(due)) requests per duty"
                        + " cycle of \(Self.ms(duty)), more than its batch of"
                        + " \(seat.lane.batchLimit)"
                )
            }
        }
    }

    /// How late is too late: the released code lets a twentieth pass.
    private func allowed(_ slo: TimeSpan) -> TimeSpan {
        slo + Audit.tolerance
            + (promise.isReleased ? TimeSpan(nanoseconds: slo.nanoseconds / 20) : .zero)
    }
}
