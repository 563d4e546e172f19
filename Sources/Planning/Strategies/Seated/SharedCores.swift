import ServingDomain

/// What models of class high are promised where every core is for everybody and low batches give
/// way to them within their runs.
///
/// A running low batch costs a high one nothing there (`DeviceSpec.holdsUp`), so only high models
/// wait for each other: one item at a time, the oldest first, an equal part of each rate on each
/// device (`SharedQueue`). Where batches run on a part of the cores, several at a time, the wait
/// is that for all cores working on one after the other, which is no shorter. What batches gain is
/// left out. Where that promises too
/// little, a plan for the high models alone may still serve them.
///
/// Low load is no part of it: however much there is, it takes no promise away.
struct SharedCores {
    /// What one high model is told.
    struct Word {
        /// The model's place in the inputs.
        var place: Int
        /// The part of its requests that should be late; nil where nothing is promised.
        var violation: Double?
        /// Thousandths of a request per second that are not promised.
        var left: Int64
        /// In plain words.
        var why: String
    }

    /// One high model with what it takes, in ms.
    private struct Member {
        var place: Int
        /// Requests per ms on one device.
        var rate: Double
        /// One item, on the slowest device.
        var time: Double
        /// What it keeps a device from others for: its time by the part of the cores that it has.
        var work: Double
        /// What the slowest of a hundred take longer.
        var spread: Double
        /// What it is planned for; infinite without an objective.
        var objective: Double
        /// The part of its requests that may be late.
        var target: Double

        /// The longest wait that still ends in time.
        var window: Double { objective - time - spread }
    }

    private let inputs: PlanInputs
    private let inner: any Planner
    private let members: [Member]

    /// nil where some device has low batches that don't give way, or where nothing is known of
    /// any high model.
    init?(_ inputs: PlanInputs, _ inner: any Planner, _ widths: BatchWidths) {
        guard !inputs.devices.isEmpty,
            inputs.devices.allSatisfy({ !$0.holdsUp(.high, behind: .low) })
        else { return nil }
        self.inputs = inputs
        self.inner = inner
        members = inputs.models.indices.compactMap { Self.member($0, inputs, widths) }
        guard !members.isEmpty else { return nil }
    }

    private static func member(
        _ place: Int,
        _ inputs: PlanInputs,
        _ widths: BatchWidths
    ) -> Member? {
        let model = inputs.models[place]
        guard model.priority == .high else { return nil }
        var (time, spread, work) = (0.0, 0.0, 0.0)
        for (number, device) in inputs.devices.enumerated() {
            let width = widths.width(of: place, on: number)
            guard let known = ModelLatencies(of: place, on: device.kind, in: inputs),
                let one = known.latency(batch: 1, units: width)?.inMilliseconds
            else { return nil }
            time = max(time, one)
            work = max(work, one * device.fraction(of: width))
            spread = max(spread, known.spread(of: one, batch: 1, units: width))
        }
        let allowed = 1 - model.percentile / 100
        return Member(
            place: place,
            rate: Double(max(0, inputs.milliRates[place])) / 1e6 / Double(inputs.devices.count),
            time: time,
            work: work,
            spread: spread,
            objective: model.slo.map { SeatedPlanner.promise($0).inMilliseconds } ?? .infinity,
            target: allowed == allowed ? min(max(allowed, 0), 0.5) : 0
        )
    }

    /// What each high model is promised, in the order of the models.
    ///
    /// Cost: that of one `SharedQueue`, and where it does not hold, of one more plan.
    ///
    /// - Throws: what the planner throws.
    func words() throws(PlanError) -> [Word] {
        // What can't end in time even alone is refused at once, and costs nobody anything.
        let able = members.filter { $0.window >= 0 }
        let queue = SharedQueue(streams: able.map { .init(rate: $0.rate, time: $0.work) })
        let longest = able.map(\.window).filter(\.isFinite).max() ?? 1
        let late = queue.later(than: able.map { min($0.window, longest) })
        let holds = zip(able, late).allSatisfy { member, late in
            !member.window.isFinite || late <= member.target * CapacityRule.promisedTarget
        }
        let alone = holds || queue.load <= 0 ? nil : try inner.plan(onlyHigh(able))
        var words: [Word] = []
        for member in members {
            guard let number = able.firstIndex(where: { $0.place == member.place }) else {
                words.append(hopeless(member))
                continue
            }
            words.append(word(of: member, late[number], alone, able))
        }
        return words
    }

    /// The inputs without low models, planned for what `SeatedPlanner` plans for.
    private func onlyHigh(_ able: [Member]) -> PlanInputs {
        var high = inputs
        high.models = able.map { member in
            var model = inputs.models[member.place]
            let objective = model.slo ?? SeatedPlanner.objective(of: member.place, inputs)
            model.slo = SeatedPlanner.promise(objective)
            return model
        }
        high.milliRates = able.map { inputs.milliRates[$0.place] }
        return high
    }

    // MARK: Words

    private func hopeless(_ member: Member) -> Word {
        Word(
            place: member.place,
            violation: nil,
            left: inputs.milliRates[member.place],
            why: "one item takes \(Self.ms(member.time)) on the cores that it gets, more than the"
                + " \(Self.ms(member.objective)) that it is planned for; relax its objective"
        )
    }

    private func word(
        of member: Member,
        _ late: Double,
        _ alone: Plan?,
        _ able: [Member]
    ) -> Word {
        let others = able.filter { $0.place != member.place }.map(\.time).max()
        var why = "low gives way within its runs, so no low batch holds it up"
        if let others {
            why += ": \(Self.ms(member.time)) of its own and \(Self.ms(others)) for the longest"
            why += " other high one"
        } else {
            why += ": \(Self.ms(member.time)) of its own"
        }
        if member.objective.isFinite { why += ", planned for \(Self.ms(member.objective))" }
        guard let alone else {
            let violation = member.objective.isFinite ? late : 0
            return Word(place: member.place, violation: violation, left: 0, why: why)
        }
        let id = inputs.models[member.place].id
        if let rest = alone.unserved.first(where: { $0.model == id }) {
            return Word(
                place: member.place,
                violation: nil,
                left: rest.milliRate,
                why: why + "; but high load alone is too much: \(rest.why ?? "no room")"
            )
        }
        let lanes = alone.devices.flatMap(\.gpulets).flatMap(\.lanes).filter { $0.model == id }
        let violation = lanes.compactMap(\.violation).max()
        return Word(place: member.place, violation: violation ?? 0, left: 0, why: why)
    }

    private static func ms(_ count: Double) -> String {
        PlanAudit.ms(.milliseconds(rounding: (count * 100).rounded() / 100))
    }
}
