import ServingDomain

/// One device while a plan is being made.
struct DeviceDraft: Hashable {
    /// The device's class.
    let group: Int
    /// Its gpulets.
    var gpulets: [GpuletDraft] = []
    /// Units that no gpulet has.
    var free: Int32

    /// An empty device of a class.
    init(group: Int, units: Int32) {
        self.group = group
        free = units
    }

    /// Of all that is compared, what tells the drafts of one search apart.
    func hash(into hasher: inout Hasher) {
        hasher.combine(free)
        for place in gpulets.indices {
            for number in gpulets[place].seats.indices {
                hasher.combine(gpulets[place].seats[number].model)
                hasher.combine(gpulets[place].seats[number].milliRate)
            }
        }
    }

    /// Adds `seat` on a gpulet of its own; nil if that is not possible.
    ///
    /// Lanes that have their gpulet to themselves may lose a part of their rate for it, since they
    /// have one more co-runner; whoever calls looks at what was lost.
    func adding(_ seat: SeatDraft, units: Int32, in problem: ConfluenceProblem) -> DeviceDraft? {
        guard units <= free, gpulets.count < problem.classes[group].maxGpulets else { return nil }
        var copy = self
        copy.free -= units
        copy.gpulets.append(GpuletDraft(units: units, seats: [seat]))
        return copy.settle(changed: gpulets.count, in: problem, maySlow: true) ? copy : nil
    }

    /// Adds `seat` to gpulet number `place`; nil if not everything keeps its rate.
    func joining(_ seat: SeatDraft, at place: Int, in problem: ConfluenceProblem) -> DeviceDraft? {
        var copy = self
        copy.gpulets[place].seats.append(seat)
        return copy.settle(changed: place, in: problem) ? copy : nil
    }

    /// Gives gpulet number `place` another size; nil if not everything keeps its rate.
    func resizing(_ place: Int, to units: Int32, in problem: ConfluenceProblem) -> DeviceDraft? {
        var copy = self
        copy.free -= units - gpulets[place].units
        guard copy.free >= 0 else { return nil }
        copy.gpulets[place].units = units
        for number in gpulets[place].seats.indices {
            let model = gpulets[place].seats[number].model
            guard let size = problem.offers[group][model]?.size(for: units) else { return nil }
            copy.gpulets[place].seats[number].size = size
        }
        return copy.settle(changed: place, in: problem) ? copy : nil
    }

    /// Finds slowdowns and batch limits that agree with each other, and checks memory.
    ///
    /// Without contention only gpulet number `changed` can matter. With it every new batch limit
    /// changes what the others suffer, so a few rounds are made. A draft that could not be settled
    /// is left as it was, or half settled. Cost: O(rounds x seats^2), or O(seats) where the problem
    /// has met the same draft before.
    mutating func settle(
        changed: Int,
        in problem: ConfluenceProblem,
        maySlow: Bool = false
    ) -> Bool {
        let contention = problem.classes[group].contention
        guard contention != .none || gpulets[changed].seats.count > 1 else {
            guard gpulets[changed].settle(in: problem, on: group) != nil else { return false }
            return fitsMemory(problem)
        }
        guard problem.settled.isOfUse else {
            return settleAnew(changed, problem, contention, maySlow: maySlow)
        }
        let question = SettledDrafts.Question(draft: self, changed: changed, maySlow: maySlow)
        switch problem.settled.answer(to: question) {
        case .settled(let draft):
            self = draft
            return true
        case .impossible: return false
        case nil: break
        }
        let isSettled = settleAnew(changed, problem, contention, maySlow: maySlow)
        problem.settled.keep(isSettled ? .settled(self) : .impossible, of: question)
        return isSettled
    }

    private mutating func settleAnew(
        _ changed: Int,
        _ problem: ConfluenceProblem,
        _ contention: ContentionModel,
        maySlow: Bool
    ) -> Bool {
        guard contention != .none else {
            guard gpulets[changed].settle(in: problem, on: group) != nil else { return false }
            return fitsMemory(problem)
        }
        for _ in 0..<5 {
            disturb(problem, contention)
            var isNew = false
            // The one that changed is the likeliest to fail: it comes first.
            for step in gpulets.indices {
                let place = step == 0 ? changed : step <= changed ? step - 1 : step
                var change = gpulets[place].settle(in: problem, on: group)
                if change == nil, maySlow, gpulets[place].slow(in: problem, on: group) {
                    change = true
                }
                guard let change else { return false }
                if change { isNew = true }
            }
            if !isNew { return fitsMemory(problem) }
        }
        return false
    }

    /// Whether all seats keep their rates, after some changed.
    mutating func settleAll(in problem: ConfluenceProblem) -> Bool {
        if problem.classes[group].isDisturbed {
            return gpulets.isEmpty || settle(changed: 0, in: problem)
        }
        for place in gpulets.indices where gpulets[place].settle(in: problem, on: group) == nil {
            return false
        }
        return fitsMemory(problem)
    }

    // MARK: Co-runners

    /// Writes into every seat how much slower its co-runners make it.
    private mutating func disturb(_ problem: ConfluenceProblem, _ contention: ContentionModel) {
        for place in gpulets.indices {
            // Where low lanes give way, those of one class may run beside each other.
            let yields = problem.yields(gpulets[place].seats, on: group)
            for number in gpulets[place].seats.indices {
                let slowdown = slowdown(at: place, number, problem, contention, hasMates: yields)
                // What stays is not to be copied for being written.
                guard gpulets[place].seats[number].slowdown != slowdown else { continue }
                gpulets[place].seats[number].slowdown = slowdown
            }
        }
    }

    /// How much slower seat `number` of gpulet `place` is beside the worst lane of each other
    /// gpulet, and beside lanes of its own and of its class if it has mates.
    ///
    /// gpu-lets' linear model was made for two gpulets and takes the worst pair of more. In the
    /// queue's test what each of them costs is added up instead, since a promise must hold
    /// beside all of them; what the plan says to expect stays the model's own word.
    private func slowdown(
        at place: Int,
        _ number: Int,
        _ problem: ConfluenceProblem,
        _ contention: ContentionModel,
        hasMates: Bool
    ) -> Double {
        let victim = load(at: place, number, problem)
        var others = CoRunnerSum(beside: victim)
        if hasMates {
            let isHigh = problem.wants[gpulets[place].seats[number].model].isHigh
            for mate in gpulets[place].seats.indices where mate != number {
                let model = gpulets[place].seats[mate].model
                guard problem.wants[model].isHigh == isHigh else { continue }
                others.add(load(at: place, mate, problem), by: contention)
            }
        }
        var worst = 1.0
        for other in gpulets.indices where other != place {
            var found: (seat: Int, slowdown: Double)?
            for seat in gpulets[other].seats.indices {
                let load = load(at: other, seat, problem)
                let slowdown = contention.slowdown(of: victim, beside: load)
                if slowdown > found?.slowdown ?? 0 { found = (seat, slowdown) }
            }
            guard let found else { continue }
            others.add(load(at: other, found.seat, problem), by: contention)
            worst = max(worst, found.slowdown)
        }
        guard others.count > 0 else { return 1 }
        let isLinear = if case .linear = contention { true } else { false }
        guard problem.rule == .queue else {
            return isLinear ? worst : max(1, others.slowdown(by: contention))
        }
        let slowdown = isLinear ? 1 + others.pairs : max(1, others.slowdown(by: contention))
        return slowdown * CapacityRule.contentionError
    }

    private func load(
        at place: Int,
        _ number: Int,
        _ problem: ConfluenceProblem
    ) -> ContentionLoad {
        ContentionLoad(
            model: problem.wants[gpulets[place].seats[number].model].id,
            batch: gpulets[place].seats[number].batch,
            utilization: gpulets[place].seats[number].utilization,
            fraction: Double(gpulets[place].units) / Double(problem.classes[group].units)
        )
    }

    // MARK: Memory

    /// Weights once per model, workspace per instance (design, section 4, rule 3).
    func fitsMemory(_ problem: ConfluenceProblem) -> Bool {
        let most = problem.classes[group].memoryKiB
        guard most < .max else { return true }
        var sum = 0.0
        for (place, gpulet) in gpulets.enumerated() {
            for (number, seat) in gpulet.seats.enumerated() {
                guard let memory = problem.offers[group][seat.model]?.memory else { continue }
                sum += Double(memory.workspaceKiB(batch: seat.batch)) * Double(seat.instances)
                if !holds(seat.model, before: place, number) { sum += Double(memory.weightsKiB) }
            }
        }
        return sum <= Double(most)
    }

    private func holds(_ model: Int, before gpulet: Int, _ number: Int) -> Bool {
        for place in 0...gpulet {
            for (other, seat) in gpulets[place].seats.enumerated() where seat.model == model {
                if place < gpulet || other < number { return true }
            }
        }
        return false
    }
}
