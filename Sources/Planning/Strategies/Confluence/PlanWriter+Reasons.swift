import ServingDomain

/// Why a lane sits where it sits, and why demand found no seat, in plain words.
extension PlanWriter {
    /// Why this lane.
    func why(
        _ model: Int,
        _ lane: Plan.LanePlacement,
        _ gpulet: Plan.GpuletLayout,
        expected: TimeSpan,
        slowdown: Double,
        on device: DeviceSpec,
        _ group: Int
    ) -> String {
        let want = problem.wants[model]
        var words: String
        if let count = pools[model] {
            words = "one of \(count) lanes behind one queue, on \(gpulet.units) of"
            words += " \(device.units) units each, since one alone would keep too many waiting"
        } else if gpulet.lanes.count > 1 {
            let others = gpulet.lanes.filter { $0.model != lane.model }.map { name(of: $0.model) }
            words = "takes turns with \(others.joined(separator: ", ")) on \(gpulet.units) units"
            words += ", since its \(Self.rate(lane.milliRate)) r/s would not fill a gpulet"
            if let duty = gpulet.dutyCycle { words += "; a round takes \(Self.ms(duty))" }
        } else {
            words = "alone on \(gpulet.units) of \(device.units) units"
            if let offer = problem.offers[group][model] {
                let size = offer.size(for: gpulet.units) ?? 0
                let here = offer.caps[size] / Double(gpulet.units)
                words +=
                    here > 0.97 * offer.best
                    ? ", where a unit serves most"
                    : ", the size left that loses least"
                if want.row != nil || problem.rule == .paper {
                    let part = Double(lane.milliRate) / max(1, offer.caps[size])
                    words += ", filled to \(Int((min(1, part) * 100).rounded())) %"
                }
            }
        }
        words += "; batches of \(lane.batchLimit) take \(Self.ms(expected))"
        if want.objective.isFinite { words += " of \(Self.ms(want.objective)) allowed" }
        if slowdown > 1.005 {
            words += ", \(Int(((slowdown - 1) * 100).rounded())) % of them for co-runners"
        }
        let yielding = gpulet.lanes.filter {
            $0.model != lane.model && !device.holdsUp(.high, behind: priority(of: $0.model))
        }
        if want.isHigh, problem.rule == .queue, !yielding.isEmpty {
            let low = yielding.map { name(of: $0.model) }.joined(separator: ", ")
            words += "; low gives way within its runs, so it waits for none of \(low)"
        }
        if want.reserve > 1 { words += "; high class, a tenth kept free" }
        return words
    }

    /// Why some or all of a model's demand has no seat.
    func whyUnserved(_ model: Int) -> String {
        let spec = problem.inputs.models[model]
        let want = problem.wants[model]
        guard !problem.classes.isEmpty else { return "there is no device; add one" }
        let known = problem.classes.filter { spec.surface(on: $0.kind)?.points.isEmpty == false }
        guard let first = known.first else {
            let kinds = problem.classes.map(\.kind)
            return "it has no profile on \(kinds.joined(separator: ", ")); profile it there"
        }
        if problem.rule == .queue, want.objective.isFinite, want.row == nil {
            return "its percentile of \(spec.percentile) is stricter than any queue can promise;"
                + " ask for 99.98 or less"
        }
        if !problem.offers.contains(where: { $0[model] != nil }) {
            return whyImpossible(model, on: first)
        }
        if let waiting = whyWaiting(model, on: first) { return waiting }
        let units = Double(draft.left[model]) * problem.rateValues[model]
        let most = problem.classes.map { Int64($0.units) * Int64($0.devices.count) }.reduce(0, +)
        let rounded = units < 1e12 ? Int64(units.rounded(.up)) : Int64(1e12)
        return "no room: \(Self.rate(draft.left[model])) r/s want about \(rounded) more units"
            + " than the \(most) there are; add devices, or relax its objective of"
            + " \(want.objective.isFinite ? Self.ms(want.objective) : "none")"
    }

    /// Where one item leaves no time to wait for another, it is that which breaks the objective.
    private func whyWaiting(_ model: Int, on group: DeviceClass) -> String? {
        let want = problem.wants[model]
        let latencies = ModelLatencies(of: model, on: group.kind, in: problem.inputs)
        guard problem.rule == .queue, want.objective.isFinite,
            let one = latencies?.latency(batch: 1, units: group.units)?.inMilliseconds,
            one * 2 > want.objective
        else { return nil }
        let percent = Int64((want.target * 1_000).rounded())
        return "\(Self.rate(draft.left[model])) r/s would wait too long: one item takes"
            + " \(Self.ms(one)) of \(Self.ms(want.objective)), so whoever comes while another runs"
            + " is late, and \(Explanation.tenths(percent)) % may be; relax the objective, or add"
            + " devices for more lanes behind its queue"
    }

    private func whyImpossible(_ model: Int, on group: DeviceClass) -> String {
        let spec = problem.inputs.models[model]
        let want = problem.wants[model]
        let latencies = ModelLatencies(of: model, on: group.kind, in: problem.inputs)
        guard let shortest = latencies?.latency(batch: 1, units: group.units) else {
            return "its profile on \(group.kind) does not reach \(group.units) units or batch 1"
        }
        if want.objective.isFinite, shortest.inMilliseconds >= want.objective {
            return "a batch of 1 on all of \(group.kind) takes \(Self.ms(shortest)), its objective"
                + " is \(Self.ms(want.objective)); relax it or add a faster device"
        }
        return "no size of \(group.kind) within its shares of \(spec.minShare) to"
            + " \(spec.maxShare) % serves it within its objective; widen them or relax it"
    }

    private func priority(of id: ModelID) -> PriorityClass {
        problem.inputs.models.first { $0.id == id }?.priority ?? .high
    }

    private func name(of id: ModelID) -> String {
        problem.inputs.models.first { $0.id == id }?.name ?? "model \(id.index)"
    }

    private static func rate(_ milliRate: Int64) -> String { PlanAudit.rate(milliRate) }

    private static func ms(_ span: TimeSpan) -> String { ms(span.inMilliseconds) }

    /// Milliseconds with at most two decimals.
    private static func ms(_ count: Double) -> String {
        let hundredths = Int64(min(9e15, (count * 100).rounded()))
        let rest = hundredths % 100
        let tail =
            rest == 0 ? "" : rest % 10 == 0 ? ".\(rest / 10)" : rest < 10 ? ".0\(rest)" : ".\(rest)"
        return "\(hundredths / 100)\(tail) ms"
    }
}
