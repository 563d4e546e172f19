import ServingDomain

/// A plan to which seats and units are added.
struct Seating {
    private(set) var plan: Plan
    private let inputs: PlanInputs
    private let floorMilliRate: Int64

    init(_ plan: Plan, _ inputs: PlanInputs, floorMilliRate: Int64) {
        self.plan = plan
        self.inputs = inputs
        self.floorMilliRate = floorMilliRate
        for device in inputs.devices where !plan.devices.contains(where: { $0.device == device.id })
        {
            self.plan.devices.append(Plan.DeviceLayout(device: device.id, gpulets: []))
        }
        self.plan.devices.sort { $0.device < $1.device }
    }

    private func device(_ layout: Int) -> DeviceSpec? {
        inputs.devices.first { $0.id == plan.devices[layout].device }
    }

    // MARK: Seats

    /// Gives each model without a seat one, and the batches of quiet models room.
    mutating func seatAll() {
        for (place, model) in inputs.models.enumerated() {
            let isSeated = plan.devices.contains { layout in
                layout.gpulets.contains { $0.lanes.contains { $0.model == model.id } }
            }
            if !isSeated { seat(place) }
        }
        guard floorMilliRate > 0 else { return }
        for layout in plan.devices.indices {
            for number in plan.devices[layout].gpulets.indices {
                widen(layout, number)
            }
        }
    }

    private mutating func seat(_ place: Int) {
        if let (layout, units) = roomiest(for: place) {
            plan.devices[layout].gpulets.append(
                Plan.GpuletLayout(
                    units: units,
                    slots: 1,
                    dutyCycle: nil,
                    lanes: [lane(place, layout, units, "on units that nobody else needs")]
                )
            )
        } else if let (layout, number) = quietest(for: place) {
            let units = plan.devices[layout].gpulets[number].units
            // Low batches that give way within their runs never take the slot of high ones.
            if needsSlot(place, layout, number) { plan.devices[layout].gpulets[number].slots += 1 }
            plan.devices[layout].gpulets[number].lanes.append(
                lane(place, layout, units, "beside others, as far as they leave it time")
            )
        }
    }

    /// Whether a model on the gpulet would be the first there of a class that the other class's
    /// lanes give way to, or one more that gives way.
    private func needsSlot(_ place: Int, _ layout: Int, _ number: Int) -> Bool {
        guard let device = device(layout), device.preemptsLow else { return false }
        let classes = plan.devices[layout].gpulets[number].lanes.compactMap { lane in
            inputs.models.first { $0.id == lane.model }?.priority
        }
        return inputs.models[place].priority == .low
            ? classes.contains(.high) : !classes.contains(.high) && !classes.isEmpty
    }

    private func lane(
        _ place: Int,
        _ layout: Int,
        _ units: Int32,
        _ how: String
    ) -> Plan.LanePlacement {
        let model = inputs.models[place]
        let latencies = device(layout).flatMap {
            ModelLatencies(of: place, on: $0.kind, in: inputs)
        }
        let batch = largestBatch(place, layout, units)
        let reason =
            latencies == nil ? "nothing is known of its latency yet" : "its demand found no place"
        return Plan.LanePlacement(
            model: model.id,
            batchLimit: batch,
            instances: 1,
            expected: latencies?.latency(batch: batch, units: units),
            why: "\(reason); it sits \(how)"
        )
    }

    /// The largest batch of which two fit into the objective; all of them where nothing is known.
    private func largestBatch(_ place: Int, _ layout: Int, _ units: Int32) -> Int32 {
        let model = inputs.models[place]
        guard let device = device(layout),
            let latencies = ModelLatencies(of: place, on: device.kind, in: inputs)
        else { return model.maxBatch }
        let objective = SeatedPlanner.promise(
            model.slo ?? SeatedPlanner.objective(of: place, inputs)
        )
        let curve = latencies.curve(units: units)
        let fitting = curve.lastIndex { $0 <= objective.nanoseconds / 2 }
        return Int32((fitting ?? 0) + 1)
    }

    /// The device with the most free units that may be one more gpulet, and how many they are.
    private func roomiest(for place: Int) -> (layout: Int, units: Int32)? {
        var best: (layout: Int, units: Int32)?
        for layout in plan.devices.indices {
            guard let device = device(layout) else { continue }
            let gpulets = plan.devices[layout].gpulets
            guard device.maxGpulets == 0 || gpulets.count < Int(device.maxGpulets) else { continue }
            let free = device.units - gpulets.reduce(0) { $0 + $1.units }
            let sizes = device.allowedUnits.filter { $0 <= free && allows($0, place, device) }
            guard let units = sizes.last, units > best?.units ?? 0 else { continue }
            best = (layout, units)
        }
        return best
    }

    private func allows(_ units: Int32, _ place: Int, _ device: DeviceSpec) -> Bool {
        let share = device.fraction(of: units) * 100
        return share >= inputs.models[place].minShare - 0.01
            && share <= inputs.models[place].maxShare + 0.01
    }

    /// The gpulet that is occupied least, of those where one item of the model does not cost others
    /// their objective if there are some; of equals the larger, then the first.
    private func quietest(for place: Int) -> (layout: Int, number: Int)? {
        var best: (layout: Int, number: Int, occupancy: Double, units: Int32)?
        var bestHarms = true
        for layout in plan.devices.indices {
            for (number, gpulet) in plan.devices[layout].gpulets.enumerated() {
                let occupancy = occupancy(layout, number)
                let harms = harms(place, layout, number)
                if let found = best, harms == bestHarms {
                    let isBetter =
                        occupancy < found.occupancy - 1e-9
                        || (occupancy < found.occupancy + 1e-9 && gpulet.units > found.units)
                    guard isBetter else { continue }
                } else if best != nil, harms {
                    continue
                }
                bestHarms = harms
                best = (layout, number, occupancy, gpulet.units)
            }
        }
        return best.map { ($0.layout, $0.number) }
    }

    /// Whether somebody on the gpulet could not wait for one item of the model.
    private func harms(_ place: Int, _ layout: Int, _ number: Int) -> Bool {
        guard let device = device(layout) else { return true }
        let gpulet = plan.devices[layout].gpulets[number]
        func one(_ place: Int) -> TimeSpan? {
            ModelLatencies(of: place, on: device.kind, in: inputs)?
                .latency(batch: 1, units: gpulet.units)
        }
        guard let own = one(place) else { return false }
        let newcomer = inputs.models[place].priority
        return gpulet.lanes.contains { lane in
            guard let other = inputs.models.firstIndex(where: { $0.id == lane.model }),
                device.holdsUp(inputs.models[other].priority, behind: newcomer),
                let slo = inputs.models[other].slo, let theirs = one(other)
            else { return false }
            return own + theirs > SeatedPlanner.promise(slo)
        }
    }

    /// The part of its time that a gpulet's planned rates keep it busy; lanes without one count a
    /// hundredth each.
    private func occupancy(_ layout: Int, _ number: Int) -> Double {
        guard let device = device(layout) else { return .infinity }
        let gpulet = plan.devices[layout].gpulets[number]
        var sum = 0.0
        for lane in gpulet.lanes {
            sum += 0.01
            guard let place = inputs.models.firstIndex(where: { $0.id == lane.model }),
                let latencies = ModelLatencies(of: place, on: device.kind, in: inputs),
                let span = latencies.latency(batch: lane.batchLimit, units: gpulet.units)
            else { continue }
            let batches = Double(lane.milliRate) / 1_000 / Double(lane.batchLimit)
            sum += batches * Double(span.nanoseconds) / 1e9
        }
        return sum / Double(gpulet.slots)
    }

    /// Lets models that are planned for the least rate gather larger batches.
    private mutating func widen(_ layout: Int, _ number: Int) {
        let gpulet = plan.devices[layout].gpulets[number]
        for (position, lane) in gpulet.lanes.enumerated() where lane.milliRate <= floorMilliRate {
            guard let place = inputs.models.firstIndex(where: { $0.id == lane.model }) else {
                continue
            }
            let batch = largestBatch(place, layout, gpulet.units)
            plan.devices[layout].gpulets[number].lanes[position].batchLimit =
                max(lane.batchLimit, min(batch, inputs.models[place].maxBatch))
            note(layout, number, position, "larger batches only in a surge")
        }
    }

    // MARK: Units

    /// Gives units that are left on devices in use to the gpulets that need them most.
    mutating func fillUnits() {
        for layout in plan.devices.indices {
            while grow(layout) {}
        }
    }

    /// Grows the most occupied gpulet that can grow by one size; false where none can.
    private mutating func grow(_ layout: Int) -> Bool {
        guard let device = device(layout) else { return false }
        let gpulets = plan.devices[layout].gpulets
        let free = device.units - gpulets.reduce(0) { $0 + $1.units }
        guard free > 0 else { return false }
        let order = gpulets.indices.sorted {
            let (one, other) = (occupancy(layout, $0), occupancy(layout, $1))
            return one == other ? $0 < $1 : one > other
        }
        for number in order {
            let gpulet = gpulets[number]
            let places = gpulet.lanes.compactMap { lane in
                inputs.models.firstIndex { $0.id == lane.model }
            }
            let next = device.allowedUnits.first { $0 > gpulet.units }
            guard let next, next - gpulet.units <= free,
                places.allSatisfy({ allows(next, $0, device) })
            else { continue }
            resize(layout, number, to: next, device)
            return true
        }
        return false
    }

    private mutating func resize(
        _ layout: Int,
        _ number: Int,
        to units: Int32,
        _ device: DeviceSpec
    ) {
        let gpulet = plan.devices[layout].gpulets[number]
        plan.devices[layout].gpulets[number].units = units
        for (position, lane) in gpulet.lanes.enumerated() {
            note(layout, number, position, "grown to \(units) units, since nobody needs the rest")
            guard let expected = lane.expected,
                let place = inputs.models.firstIndex(where: { $0.id == lane.model }),
                let latencies = ModelLatencies(of: place, on: device.kind, in: inputs),
                let old = latencies.latency(batch: lane.batchLimit, units: gpulet.units),
                let new = latencies.latency(batch: lane.batchLimit, units: units), old > .zero
            else { continue }
            // Predicted slowdowns stay what they were.
            let ratio = Double(new.nanoseconds) / Double(old.nanoseconds)
            plan.devices[layout].gpulets[number].lanes[position].expected = TimeSpan(
                nanoseconds: Int64(Double(expected.nanoseconds) * ratio)
            )
        }
    }

    private mutating func note(_ layout: Int, _ number: Int, _ position: Int, _ text: String) {
        let why = plan.devices[layout].gpulets[number].lanes[position].why
        plan.devices[layout].gpulets[number].lanes[position].why = why.map { "\($0); \(text)" }
    }
}
