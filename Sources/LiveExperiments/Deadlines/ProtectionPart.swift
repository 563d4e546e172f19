import Documents
import LoadGenerator
import Reports
import ServingDomain

/// Part (c): the three models of class high keep their objectives while those of class low are
/// asked for three times what the machine has.
struct ProtectionPart: Sendable {
    /// The systems: ours, and one without classes across models.
    static let systems = ["confluence", "triton"]
    /// What high priority asks for, and low: loads, by all the machine.
    static let high = 0.2, low = 3.0
    /// Violations of high priority that are meant to be kept, in per cent.
    static let target = 0.5
    /// How many times as long ours is measured: a hundredth of a hundred requests is no number.
    static let patience = 3.0

    let bench: LiveBench
    let mix: LiveMix

    /// What came of one system.
    struct Found: Sendable {
        var system: String
        var high: LoadReport?, low: LoadReport?
        var told: PlanTold?
        var refusal: String?
    }

    func run() async throws -> PartResult {
        let repository = try bench.place.repository("flood", mix.settings)
        var found: [Found] = []
        for system in Self.systems {
            bench.say("(c) \(system)")
            do {
                let command = ServerCommand.system(system, repository: repository)
                let times = system == Self.systems[0] ? Self.patience : 1
                found.append(
                    try await bench.serve(command) { server in
                        try await bench.undisturbed { try await flood(server, times: times) }
                    }
                )
            } catch let refusal as ServerRefusal {
                found.append(Found(system: system, refusal: refusal.description))
            }
        }
        return Self.result(found, mix)
    }

    /// Two generators, so that a flood that fills one does not hold the other's requests back.
    private func flood(_ server: LiveServer, times: Double) async throws -> Found {
        let pace = bench.pace
        func drive(_ priority: PriorityClass, _ load: Double) -> Drive {
            let members = mix.members(of: priority)
            let share = load * Double(mix.members.count) / Double(members.count)
            let all = mix.traffic(at: share)
            return Drive(
                traffic: all.filter { one in members.contains { $0.name == one.model } },
                warmUp: pace.follow,
                seconds: pace.load * times,
                seed: bench.options.seed,
                maxInFlight: 512,
                isShared: true
            )
        }
        let (high, low) = (drive(.high, Self.high), drive(.low, Self.low))
        async let calm = high.run(to: server.url)
        async let flood = low.run(to: server.url)
        var found = Found(system: server.name, high: try await calm, low: try await flood)
        found.told = try? await server.plan()
        return found
    }

    // MARK: Arithmetic

    /// What the plan promises a model of class high, and why.
    struct Promise: Hashable {
        var isPromised: Bool
        var why: String
    }

    /// A high model is promised its objective where its gpulet holds only models of class high,
    /// or where its own time and the longest low batch that the plan allows beside it fit into
    /// the objective (issue: high-priority protection). Where low batches give way within their
    /// runs and leave a slot free, none of them holds it up: there the plan's own word counts.
    static func promise(to member: LiveMix.Member, by told: PlanTold, _ mix: LiveMix) -> Promise {
        let gpulets = told.plan.devices.flatMap(\.gpulets)
            .filter { $0.lanes.contains { $0.model == member.name } }
        guard !gpulets.isEmpty else { return Promise(isPromised: false, why: "has no place") }
        let low = Set(mix.members(of: .low).map(\.name))
        if told.yields(to: member.name, low) {
            return Promise(
                isPromised: told.vouches(for: member.name, below: target),
                why: "low gives way within its runs"
            )
        }
        var longest = 0.0
        for gpulet in gpulets {
            let beside = gpulet.lanes.filter { low.contains($0.model) }
            if beside.isEmpty {
                let share = Numeral.short(gpulet.share)
                return Promise(isPromised: true, why: "has a gpulet of \(share) % without low")
            }
            for lane in beside {
                let solo = mix.members.first { $0.name == lane.model }?.soloMs ?? 0
                let batch = lane.expectedMs ?? solo * Double(lane.batch)
                longest = max(longest, batch)
            }
        }
        let needed = member.soloMs + longest
        let sum =
            "\(Numeral.short(member.soloMs)) ms alone + \(Numeral.short(longest)) ms for the "
            + "longest low batch, objective \(Numeral.short(member.sloMs)) ms"
        return Promise(isPromised: needed <= member.sloMs, why: sum)
    }

    static func result(_ found: [Found], _ mix: LiveMix) -> PartResult {
        var result = PartResult()
        for one in found {
            let labels: KeyValuePairs = ["class": "high", "system": one.system]
            let percent = one.high?.tally.violationPercent
            result.row("c: violations under the flood", labels, percent, "%")
            result.row(
                "c: violations under the flood",
                ["class": "low", "system": one.system],
                one.low?.tally.violationPercent,
                "%"
            )
            result.row("c: goodput of low", ["system": one.system], one.low?.total.goodput, "r/s")
            for line in one.high?.models ?? [] {
                let labels: KeyValuePairs = ["model": line.model ?? "", "system": one.system]
                let percent = Tally(line).violationPercent
                result.row("c: violations of high by model", labels, percent, "%")
            }
        }
        if let ours = found.first { result.judge(ours, mix) }
        return result
    }
}

extension PlanTold {
    /// Whether the plan says itself that a model will miss its objective more often than
    /// `percent`: it has no place for all of it, or expects so many violations.
    func warns(of model: String, above percent: Double) -> Bool {
        if plan.unserved.contains(where: { $0.model == model }) { return true }
        return plan.devices.flatMap(\.gpulets).flatMap(\.lanes).contains { lane in
            lane.model == model && 100 * (lane.violation ?? 0) > percent
        }
    }
}

extension PlanTold {
    /// Whether on every gpulet of `model` the `low` models give way within their runs, and leave
    /// it a slot.
    func yields(to model: String, _ low: Set<String>) -> Bool {
        plan.devices.allSatisfy { device in
            device.gpulets.allSatisfy { gpulet in
                guard gpulet.lanes.contains(where: { $0.model == model }) else { return true }
                let taken = gpulet.lanes.filter { low.contains($0.model) }
                    .reduce(0) { $0 + $1.instances }
                return device.preemptsLow && taken < gpulet.slots
            }
        }
    }

    /// Whether the plan says itself that a model keeps its objective but for `percent` at most:
    /// all of it has a place, and each of its lanes expects no more violations.
    func vouches(for model: String, below percent: Double) -> Bool {
        let lanes = plan.devices.flatMap(\.gpulets).flatMap(\.lanes).filter { $0.model == model }
        return !lanes.isEmpty && !plan.unserved.contains { $0.model == model }
            && lanes.allSatisfy { 100 * ($0.violation ?? 1) <= percent }
    }
}

extension PartResult {
    fileprivate mutating func judge(_ ours: ProtectionPart.Found, _ mix: LiveMix) {
        let target = ProtectionPart.target
        var notes: [String] = ours.refusal.map { [$0] } ?? []
        var worst: Double?
        var (isKept, isClear) = (true, true)
        for member in mix.members(of: .high) {
            guard let told = ours.told, let line = ours.high?.line(of: member.name) else {
                (isKept, isClear) = (false, false)
                continue
            }
            let promise = ProtectionPart.promise(to: member, by: told, mix)
            let warns = told.warns(of: member.name, above: target)
            let percent = Tally(line).violationPercent
            if promise.isPromised { worst = max(worst ?? 0, percent) }
            isKept = isKept && (percent <= target || !promise.isPromised && warns)
            isClear = isClear && (promise.isPromised || warns)
            let word = promise.isPromised ? "promised" : warns ? "the plan warns" : "not promised"
            notes.append("\(member.name) \(Numeral.short(percent)) %, \(word) (\(promise.why))")
        }
        check(
            "c: violations of high models, \(ours.system)",
            goal: "at most \(target) % each, or the plan says that it can't",
            value: worst,
            holds: isKept,
            note: notes.joined(separator: "; ")
        )
        check(
            "c: the plan promises each high model its objective or says that it can't",
            goal: "a gpulet, low that gives way or leaves room, or a warning",
            value: nil,
            holds: isClear,
            note: ours.refusal ?? ""
        )
    }
}
