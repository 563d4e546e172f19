import ServingDomain

/// Where the search begins.
extension ConfluenceSearch {
    /// Devices that are open to new lanes at the same time.
    private static let openDevices = 8

    /// The best of the present plan with the new rates and of some greedy drafts.
    mutating func start(from present: Plan?) -> PlanDraft {
        var best: PlanDraft?
        if let present { best = kept(present) }
        if let best, isServed(best) { return best }
        let few = problem.classOf.count <= 64
        for (bears, variant) in [(true, 0), (false, 0), (true, 2)] where few || variant == 0 {
            let draft = fresh(bears: bears, variant: variant)
            best = best.map { better($0, draft) } ?? draft
            if let best, isServed(best) { break }
        }
        return best ?? PlanDraft(problem)
    }

    /// The better rated of two drafts, the first of equals.
    func better(_ first: PlanDraft, _ second: PlanDraft) -> PlanDraft {
        let devices = Array(problem.classOf.indices)
        let models = Array(problem.wants.indices)
        let ratings = [first, second].map { rating($0, devices: devices, models: models) }
        return ratings[1] < ratings[0] ? second : first
    }

    /// Whether all demand has a seat, but for what may be left over.
    func isServed(_ draft: PlanDraft) -> Bool {
        draft.left.allSatisfy { $0 <= problem.margins.slackMilliRate }
    }

    /// Fills empty devices: first what fills whole gpulets, then the rests.
    ///
    /// Only a few devices are open at a time, the fullest is closed for the next empty one, so the
    /// cost grows with the lanes, not with lanes x devices.
    mutating func fresh(bears: Bool, variant: Int, on base: PlanDraft? = nil) -> PlanDraft {
        var draft = base ?? PlanDraft(problem)
        var filler = filler(bears: bears)
        filler.maySlow = !bears
        var window = Window(problem)
        let models = unseated(draft)
        for isHigh in [true, false] {
            let group = models.filter { problem.wants[$0].isHigh == isHigh }
            filler.mayShare = false
            for model in order(group, rates: draft.left, variant: variant, salt: 1) {
                let whole = draft.left[model] - rest(of: model, draft.left[model])
                guard whole > 0 else { continue }
                let left = spread(model, whole, &filler, &window, &draft)
                draft.left[model] += left - whole
            }
            filler.mayShare = mayShare
            for _ in 0..<3 {
                for model in order(group, rates: draft.left, variant: variant, salt: 1) {
                    let wanted = draft.left[model]
                    guard wanted > 0 else { continue }
                    let left = spread(model, wanted, &filler, &window, &draft)
                    draft.left[model] += left - wanted
                }
            }
        }
        sweep(models, &filler, &draft)
        return draft
    }

    /// Models that wait for a seat and could have one.
    private func unseated(_ draft: PlanDraft) -> [Int] {
        draft.left.indices.filter {
            draft.left[$0] > 0 && problem.rateValues[$0] > 0 && !pooled[$0]
        }
    }

    /// Looks for seats once more, now on whichever devices have the most free units.
    private func sweep(_ models: [Int], _ filler: inout SeatFiller, _ draft: inout PlanDraft) {
        for isHigh in [true, false] {
            let group = models.filter {
                draft.left[$0] > 0 && problem.wants[$0].isHigh == isHigh
            }
            for model in order(group, rates: draft.left, variant: 0, salt: 1) {
                filler.place([model], among: roomiest(draft), in: &draft)
            }
        }
    }

    /// What is left of a rate after gpulets of the size that suits the model best.
    private func rest(of model: Int, _ milliRate: Int64) -> Int64 {
        var cap = 0.0
        var most = 0.0
        for (group, offers) in problem.offers.enumerated() {
            guard let offer = offers[model] else { continue }
            for (place, size) in offer.sizes.enumerated() {
                let value = offer.caps[place] / Double(size.units) / problem.unitPrices[group]
                if value > most { (most, cap) = (value, offer.caps[place]) }
            }
        }
        guard cap >= 1 else { return milliRate }
        return milliRate % max(1, Int64(min(cap, 9e15)))
    }

    /// Devices that are open at present, and the next empty ones, by class.
    private struct Window {
        var open: [Int] = []
        var next: [Int]

        init(_ problem: ConfluenceProblem) { next = problem.classes.map { _ in 0 } }
    }

    private func spread(
        _ model: Int,
        _ milliRate: Int64,
        _ filler: inout SeatFiller,
        _ window: inout Window,
        _ draft: inout PlanDraft
    ) -> Int64 {
        var left = milliRate
        while left > 0 {
            var places = window.open
            var added: [Int] = []
            for (group, kind) in problem.classes.enumerated()
            where problem.offers[group][model] != nil && window.next[group] < kind.devices.count {
                added.append(kind.devices[window.next[group]])
            }
            places += added
            let before = left
            left = filler.place(model, left, among: places, of: &draft.devices)
            for loss in filler.lost { draft.left[loss.model] += loss.milliRate }
            filler.lost = []
            var opened = false
            for place in added where !draft.devices[place].gpulets.isEmpty {
                window.next[draft.devices[place].group] += 1
                window.open.append(place)
                opened = true
            }
            close(&window, draft)
            if left == before || !opened { break }
        }
        return left
    }

    private func close(_ window: inout Window, _ draft: PlanDraft) {
        let most = Self.openDevices * max(1, problem.classes.count)
        while window.open.count > most {
            var fullest = 0
            for place in window.open.indices
            where draft.devices[window.open[place]].free < draft.devices[window.open[fullest]].free
            {
                fullest = place
            }
            window.open.remove(at: fullest)
        }
    }

    /// The present layout with the new rates: lanes keep their places as long as they pass.
    mutating func kept(_ plan: Plan, on base: PlanDraft? = nil) -> PlanDraft {
        var draft = base ?? PlanDraft(problem)
        var isKept = problem.classOf.map { _ in false }
        for layout in plan.devices {
            guard
                let place = problem.inputs.devices.firstIndex(where: { $0.id == layout.device }),
                !isKept[place]
            else { continue }
            isKept[place] = true
            for gpulet in layout.gpulets { keep(gpulet, at: place, &draft) }
        }
        for place in draft.devices.indices {
            draft.devices[place].gpulets.removeAll { $0.seats.isEmpty }
            let used = draft.devices[place].gpulets.reduce(Int32(0)) { $0 + $1.units }
            draft.devices[place].free = problem.classes[draft.devices[place].group].units - used
        }
        var filler = filler(bears: true)
        for model in order(unseated(draft), rates: draft.left, variant: 0, salt: 1) {
            filler.place([model], among: roomiest(draft), in: &draft)
        }
        return draft
    }

    private func keep(_ gpulet: Plan.GpuletLayout, at place: Int, _ draft: inout PlanDraft) {
        var copy = draft.devices[place]
        let group = problem.classes[copy.group]
        guard gpulet.units <= copy.free, group.sizes.contains(gpulet.units),
            copy.gpulets.count < group.maxGpulets
        else { return }
        copy.free -= gpulet.units
        copy.gpulets.append(GpuletDraft(units: gpulet.units, seats: []))
        let number = copy.gpulets.count - 1
        for lane in gpulet.lanes {
            guard let model = problem.inputs.models.firstIndex(where: { $0.id == lane.model }),
                draft.left[model] > 0, !pooled[model],
                let offer = problem.offers[copy.group][model],
                let size = offer.size(for: gpulet.units),
                !copy.gpulets[number].seats.contains(where: { $0.model == model })
            else { continue }
            var rate = min(draft.left[model], Int64(min(offer.caps[size], 9e15)))
            // A lane that cannot keep all of its rate keeps what it can.
            for _ in 0..<6 where rate > 0 {
                var trial = copy
                let choice = offer.sizes[size].choices[0]
                trial.gpulets[number].seats.append(
                    SeatDraft(
                        model: model,
                        size: size,
                        batch: choice.batch,
                        instances: choice.instances,
                        milliRate: rate,
                        utilization: choice.utilization
                    )
                )
                if trial.settleAll(in: problem) {
                    copy = trial
                    draft.left[model] -= rate
                    break
                }
                rate = rate * 3 / 4
            }
        }
        if !copy.gpulets[number].seats.isEmpty { draft.devices[place] = copy }
    }

    /// The devices with the most free units, as many as are looked at together.
    private func roomiest(_ draft: PlanDraft) -> [Int] {
        var found: [Int] = []
        for place in draft.devices.indices where draft.devices[place].free > 0 {
            let free = draft.devices[place].free
            if found.count == 2 * Self.openDevices {
                guard let last = found.last, draft.devices[last].free < free else { continue }
                found.removeLast()
            }
            let at = found.firstIndex { draft.devices[$0].free < free } ?? found.count
            found.insert(place, at: at)
        }
        return found.sorted()
    }
}
