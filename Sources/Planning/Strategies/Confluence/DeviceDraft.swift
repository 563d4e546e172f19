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
    /// changes what the others suffer, so a few rounds are made. Cost: O(rounds x seats^2).
    mutating func settle(
        changed: Int,
        in problem: ConfluenceProblem,
        maySlow: Bool = false
    ) -> Bool {
        let contention = problem.classes[group].contention
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
        // Where low lanes give way, those of one class may run beside each other.
        let yields = gpulets.map { problem.yields($0.seats, on: group) }
        guard gpulets.count > 1 || yields.contains(true) else {
            for place in gpulets.indices {
                for number in gpulets[place].seats.indices {
                    gpulets[place].seats[number].slowdown = 1
                }
            }
            return
        }
        let units = problem.classes[group].units
        let loads = gpulets.map { gpulet in
            gpulet.seats.map { seat in
                ContentionLoad(
                    model: problem.inputs.models[seat.model].id,
                    batch: seat.batch,
                    utilization: seat.utilization,
                    fraction: Double(gpulet.units) / Double(units)
                )
            }
        }
        for place in gpulets.indices {
            for number in gpulets[place].seats.indices {
                let victim = loads[place][number]
                let isHigh = gpulets[place].seats.map { problem.wants[$0.model].isHigh }
                let mates = loads[place].indices.filter {
                    yields[place] && $0 != number && isHigh[$0] == isHigh[number]
                }
                let slowdown = Self.slowdown(
                    of: victim,
                    at: place,
                    loads,
                    mates: mates.map { loads[place][$0] },
                    contention,
                    problem.rule
                )
                gpulets[place].seats[number].slowdown = slowdown
            }
        }
    }

    /// Beside the worst lane of each other gpulet.
    ///
    /// gpu-lets' linear model was made for two gpulets and takes the worst pair of more. In the
    /// queue's test what each of them costs is added up instead, since a promise must hold
    /// beside all of them; what the plan says to expect stays the model's own word.
    private static func slowdown(
        of victim: ContentionLoad,
        at gpulet: Int,
        _ loads: [[ContentionLoad]],
        mates: [ContentionLoad],
        _ contention: ContentionModel,
        _ rule: CapacityRule
    ) -> Double {
        var others = mates
        var worst = 1.0
        var sum = mates.reduce(0) { $0 + pair(victim, $1, contention) - 1 }
        for place in loads.indices where place != gpulet {
            var found: (load: ContentionLoad, slowdown: Double)?
            for load in loads[place] {
                let slowdown = pair(victim, load, contention)
                if slowdown > found?.slowdown ?? 0 { found = (load, slowdown) }
            }
            guard let found else { continue }
            others.append(found.load)
            worst = max(worst, found.slowdown)
            sum += found.slowdown - 1
        }
        guard !others.isEmpty else { return 1 }
        guard rule == .queue else {
            if case .linear = contention { return worst }
            return max(1, contention.slowdown(of: victim, beside: others))
        }
        if case .linear = contention { return (1 + sum) * CapacityRule.contentionError }
        return max(1, contention.slowdown(of: victim, beside: others))
            * CapacityRule.contentionError
    }

    private static func pair(
        _ victim: ContentionLoad,
        _ other: ContentionLoad,
        _ contention: ContentionModel
    ) -> Double {
        if case .linear(let linear) = contention {
            return linear.slowdown(of: victim, beside: other)
        }
        return contention.slowdown(of: victim, beside: [other])
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
