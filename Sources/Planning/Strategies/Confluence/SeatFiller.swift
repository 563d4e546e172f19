import ServingDomain

/// Finds seats for one model after the other on devices that already have some.
///
/// It prefers what takes no units: room on lanes of the model, then a turn on a gpulet of others;
/// then the new gpulet that serves the most value per unit, what it strands included; then a
/// larger gpulet. Deterministic; work is counted in gpulets tried.
struct SeatFiller {
    let problem: ConfluenceProblem
    /// The slowdown that a new lane must be able to bear, by class and model, at least 1.
    let assumed: [[Double]]
    /// How far scores are bent by `salt`, to find other plans; 0 = not.
    var bend = 0.0
    /// Which way they are bent.
    var salt: UInt64 = 0
    /// Whether lanes may lose a part of their rate to a new co-runner.
    var maySlow = false
    /// Whether models may join gpulets of others.
    var mayShare = true
    /// Gpulets tried so far.
    private(set) var steps = 0
    /// What lanes lost to new co-runners and wants a seat again.
    var lost: [(model: Int, milliRate: Int64)] = []

    /// What free units are worth, by class.
    let potentials: [UnitPotential]

    init(_ problem: ConfluenceProblem, assumed: [[Double]], potentials: [UnitPotential]) {
        self.problem = problem
        self.assumed = assumed
        self.potentials = potentials
    }

    /// Places `milliRate` of `model` on the devices at `places`; returns what is left.
    mutating func place(
        _ model: Int,
        _ milliRate: Int64,
        among places: [Int],
        of devices: inout [DeviceDraft]
    ) -> Int64 {
        var left = topUp(model, milliRate, among: places, of: &devices)
        var lanes = 0
        while left > 0, lanes < 4 + 64 * places.count {
            lanes += 1
            if mayShare, join(model, left, among: places, of: &devices) { return 0 }
            if let served = open(model, left, among: places, of: &devices) {
                left -= served
            } else if let served = grow(model, left, among: places, of: &devices) {
                left -= served
            } else {
                break
            }
        }
        var part = left / 2
        while mayShare, left > 0, part > max(1, milliRate / 50) {
            if join(model, part, among: places, of: &devices) { left -= part }
            part = min(part / 2, left)
        }
        return left
    }

    /// Places all that is left of `models`, in their order, and then what lanes lost on the way.
    mutating func place(_ models: [Int], among places: [Int], in draft: inout PlanDraft) {
        for pass in 0..<4 {
            lost = []
            for model in models where draft.left[model] > 0 {
                draft.left[model] = place(
                    model,
                    draft.left[model],
                    among: places,
                    of: &draft.devices
                )
            }
            for loss in lost { draft.left[loss.model] += loss.milliRate }
            guard !lost.isEmpty, pass < 3 else { break }
        }
        for model in models where draft.left[model] > 0 {
            draft.left[model] = topUp(model, draft.left[model], among: places, of: &draft.devices)
        }
    }

    // MARK: Room on lanes of its own

    /// Raises lanes that the model has to itself.
    mutating func topUp(
        _ model: Int,
        _ milliRate: Int64,
        among places: [Int],
        of devices: inout [DeviceDraft]
    ) -> Int64 {
        var left = milliRate
        for device in places where left > 0 {
            for number in devices[device].gpulets.indices where left > 0 {
                let gpulet = devices[device].gpulets[number]
                guard gpulet.seats.count == 1, gpulet.seats[0].model == model,
                    gpulet.seats[0].bears == nil
                else { continue }
                left -= raise(number, by: left, on: &devices[device])
            }
        }
        return left
    }

    private mutating func raise(_ number: Int, by most: Int64, on device: inout DeviceDraft)
        -> Int64
    {
        let seat = device.gpulets[number].seats[0]
        guard let offer = problem.offers[device.group][seat.model],
            let best = problem.rule.best(
                of: offer.sizes[seat.size],
                slowdown: seat.slowdown,
                for: problem.wants[seat.model]
            )
        else { return 0 }
        let more = min(most, Int64(min(best.cap, 9e15)) - seat.milliRate)
        guard more > 0 else { return 0 }
        var copy = device
        copy.gpulets[number].seats[0].milliRate += more
        steps += 1
        guard copy.settle(changed: number, in: problem) else { return 0 }
        device = copy
        return more
    }

    // MARK: A turn on a gpulet of others

    private mutating func join(
        _ model: Int,
        _ milliRate: Int64,
        among places: [Int],
        of devices: inout [DeviceDraft]
    ) -> Bool {
        var tries: [(device: Int, gpulet: Int, filled: Double)] = []
        for device in places {
            for (number, gpulet) in devices[device].gpulets.enumerated() {
                guard
                    let filled = filled(gpulet, model, milliRate, devices[device].group)
                else { continue }
                tries.append((device, number, filled * bent(device &* 31 &+ number)))
            }
        }
        tries.sort { ($1.filled, $0.device, $0.gpulet) < ($0.filled, $1.device, $1.gpulet) }
        for attempt in tries.prefix(12) {
            let group = devices[attempt.device].group
            let units = devices[attempt.device].gpulets[attempt.gpulet].units
            guard let seat = seat(model, milliRate, units, group) else { continue }
            steps += 1
            if let joined = devices[attempt.device].joining(seat, at: attempt.gpulet, in: problem) {
                devices[attempt.device] = joined
                return true
            }
        }
        return false
    }

    /// How full the gpulet would be, as the sum of rates over what each lane could serve alone;
    /// nil if that is too much, or the model sits there already.
    private func filled(
        _ gpulet: GpuletDraft,
        _ model: Int,
        _ milliRate: Int64,
        _ group: Int
    ) -> Double? {
        guard let offer = problem.offers[group][model], let size = offer.size(for: gpulet.units)
        else { return nil }
        var sum = Double(milliRate) / offer.caps[size]
        let most = problem.rule == .queue ? 1.0 : 2.0
        for seat in gpulet.seats {
            guard seat.model != model, seat.bears == nil,
                let other = problem.offers[group][seat.model]
            else { return nil }
            sum += Double(seat.milliRate) / other.caps[seat.size]
            guard sum <= most else { return nil }
        }
        return sum <= most ? sum : nil
    }

    private func seat(
        _ model: Int,
        _ milliRate: Int64,
        _ units: Int32,
        _ group: Int
    ) -> SeatDraft? {
        guard let offer = problem.offers[group][model], let size = offer.size(for: units) else {
            return nil
        }
        let choice = offer.sizes[size].choices[0]
        return SeatDraft(
            model: model,
            size: size,
            batch: choice.batch,
            instances: choice.instances,
            milliRate: milliRate,
            utilization: choice.utilization
        )
    }

    // MARK: A gpulet of its own

    private struct Opening {
        var device: Int
        var size: Int
        var units: Int32
        var choice: Int
        var milliRate: Int64
        var score: Double
    }

    private mutating func open(
        _ model: Int,
        _ milliRate: Int64,
        among places: [Int],
        of devices: inout [DeviceDraft]
    ) -> Int64? {
        var tries: [Opening] = []
        var seenEmpty = 0
        for device in places {
            let draft = devices[device]
            guard draft.free > 0,
                draft.gpulets.count < problem.classes[draft.group].maxGpulets
            else { continue }
            // One empty device of a class is like another.
            if draft.gpulets.isEmpty {
                guard seenEmpty & (1 << min(draft.group, 62)) == 0 else { continue }
                if draft.group < 62 { seenEmpty |= 1 << draft.group }
            }
            add(model, milliRate, device, draft, to: &tries)
        }
        tries.sort { ($1.score, $0.device, $0.size) < ($0.score, $1.device, $1.size) }
        for attempt in tries.prefix(10) {
            guard let offer = problem.offers[devices[attempt.device].group][model] else { continue }
            let choice = offer.sizes[attempt.size].choices[attempt.choice]
            let seat = SeatDraft(
                model: model,
                size: attempt.size,
                batch: choice.batch,
                instances: choice.instances,
                milliRate: attempt.milliRate,
                utilization: choice.utilization
            )
            steps += 1
            guard
                let opened = devices[attempt.device].adding(seat, units: attempt.units, in: problem)
            else { continue }
            let served = opened.gpulets.last?.seats[0].milliRate ?? 0
            // Crumbs are not worth a gpulet, and would go on for ever.
            guard served >= min(milliRate, Int64(offer.caps[attempt.size] / 20)) else { continue }
            let gain = Double(served) * problem.rateValues[model]
            guard lose(from: devices[attempt.device], to: opened, for: gain) else { continue }
            devices[attempt.device] = opened
            return served
        }
        return nil
    }

    /// Notes what lanes lost to a new co-runner, unless that is more than half of what it serves.
    private mutating func lose(
        from device: DeviceDraft,
        to changed: DeviceDraft,
        for gain: Double
    ) -> Bool {
        var losses: [(model: Int, milliRate: Int64)] = []
        var sum = 0.0
        for (before, after) in zip(device.gpulets, changed.gpulets) {
            for (seat, slowed) in zip(before.seats, after.seats)
            where slowed.milliRate < seat.milliRate {
                losses.append((seat.model, seat.milliRate - slowed.milliRate))
                sum += Double(seat.milliRate - slowed.milliRate) * problem.rateValues[seat.model]
            }
        }
        guard sum <= (maySlow ? gain / 2 : 0), gain > 0 else { return false }
        lost += losses
        return true
    }

    private func add(
        _ model: Int,
        _ milliRate: Int64,
        _ device: Int,
        _ draft: DeviceDraft,
        to tries: inout [Opening]
    ) {
        let group = problem.classes[draft.group]
        guard let offer = problem.offers[draft.group][model] else { return }
        let more = group.maxGpulets - draft.gpulets.count
        for (place, size) in offer.sizes.enumerated() where size.units <= draft.free {
            // Who has a device to itself has no co-runners.
            let isAlone = draft.gpulets.isEmpty && draft.free - size.units < group.sizes[0]
            let bearing = isAlone ? 1 : assumed[draft.group][model]
            guard
                let best = problem.rule.best(
                    of: size,
                    slowdown: bearing,
                    for: problem.wants[model]
                ) ?? problem.rule.best(of: size, slowdown: 1, for: problem.wants[model])
            else { continue }
            let served = min(milliRate, Int64(min(best.cap, 9e15)))
            var choice: Int? = offer.bests[place]
            if problem.rule == .paper || Double(served) > offer.caps[place] {
                choice = problem.rule.choice(
                    of: size,
                    for: served,
                    slowdown: 1,
                    want: problem.wants[model]
                )
            }
            guard served > 0, let choice else { continue }
            let cost = potentials[draft.group].cost(
                of: size.units,
                free: draft.free,
                gpulets: more
            )
            // A device that is in use already is to be filled first.
            let fresh = draft.gpulets.isEmpty ? 0.85 : 1.0
            let score = fresh * Double(served) * problem.rateValues[model] / cost
            tries.append(
                Opening(
                    device: device,
                    size: place,
                    units: size.units,
                    choice: choice,
                    milliRate: served,
                    score: score * bent(device &* 131 &+ place)
                )
            )
        }
    }

    // MARK: A larger gpulet

    /// Enlarges a gpulet so that the model fits on it, its own or one of others.
    private mutating func grow(
        _ model: Int,
        _ milliRate: Int64,
        among places: [Int],
        of devices: inout [DeviceDraft]
    ) -> Int64? {
        for device in places where devices[device].free > 0 {
            let group = devices[device].group
            guard let offer = problem.offers[group][model] else { continue }
            for number in devices[device].gpulets.indices {
                let gpulet = devices[device].gpulets[number]
                guard !gpulet.isPooled else { continue }
                let most = gpulet.units + devices[device].free
                let own = gpulet.seats.count == 1 && gpulet.seats[0].model == model
                guard own || mayShare && !gpulet.seats.contains(where: { $0.model == model })
                else { continue }
                var tries = 0
                for size in offer.sizes where size.units > gpulet.units && size.units <= most {
                    steps += 1
                    tries += 1
                    guard tries <= 4,
                        var larger = devices[device].resizing(number, to: size.units, in: problem)
                    else { continue }
                    if own {
                        let more = raise(number, by: milliRate, on: &larger)
                        guard more >= max(1, min(milliRate, milliRate / 50)) else { continue }
                        devices[device] = larger
                        return more
                    }
                    guard let seat = seat(model, milliRate, size.units, group),
                        let joined = larger.joining(seat, at: number, in: problem)
                    else { continue }
                    devices[device] = joined
                    return milliRate
                }
            }
        }
        return nil
    }

    /// 1, or with `bend` a number around it that follows from `salt` and `what`.
    private func bent(_ what: Int) -> Double {
        guard bend > 0 else { return 1 }
        return 1 + bend * (Self.spread(salt &+ UInt64(truncatingIfNeeded: what)) - 0.5)
    }

    /// A number in 0..<1 that looks like no pattern and is always the same (SplitMix64's mixer).
    static func spread(_ number: UInt64) -> Double {
        var mixed = number &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Double((mixed ^ (mixed >> 31)) >> 11) / 9_007_199_254_740_992
    }
}
