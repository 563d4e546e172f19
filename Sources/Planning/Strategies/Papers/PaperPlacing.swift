import ServingDomain

/// Seats models on devices: what the papers' planners have in common.
///
/// Nothing that was placed moves again, but a neighbour's batch may shrink, and with
/// interference a neighbour may lose rate, which its own model is then owed again.
struct PaperPlacing {
    let tables: PaperTables
    /// Whether devices may be split further; not where a layout is given.
    var maySplit = true
    var devices: [PaperDevice]
    /// What is still to be placed, by model.
    var owed: [Int64]
    /// Models that found no further place.
    var isStuck: [Bool]

    init(_ tables: PaperTables) {
        self.tables = tables
        let inputs = tables.inputs
        devices = inputs.devices.indices.map {
            PaperDevice(number: $0, gpulets: [PaperGpulet(units: inputs.devices[$0].units)])
        }
        owed = inputs.milliRates.map { tables.options.margins.demand(max(0, $0)) }
        isStuck = inputs.models.map { _ in false }
    }

    /// Models by what is wanted of them, largest rate first; of equals the first.
    var byRate: [Int] {
        owed.indices.sorted { (owed[$1], $0) < (owed[$0], $1) }
    }

    /// Whether `model` still wants something that counts.
    func wants(_ model: Int) -> Bool {
        owed[model] > tables.options.margins.slackMilliRate && !isStuck[model]
    }

    /// All that found no place and counts.
    var unserved: Int64 {
        owed.reduce(0) { $0 &+ ($1 > tables.options.margins.slackMilliRate ? $1 : 0) }
    }

    // MARK: Free parts

    /// A gpulet by device and number.
    struct Spot {
        var device: Int
        var gpulet: Int
        var units: Int32
        var part: Double
    }

    /// The free gpulets, ascending by their part of the device; of equals the first.
    var free: [Spot] {
        var spots: [Spot] = []
        for (number, device) in devices.enumerated() {
            let spec = tables.inputs.devices[number]
            for (gpulet, layout) in device.gpulets.enumerated() where layout.lanes.isEmpty {
                spots.append(
                    Spot(
                        device: number,
                        gpulet: gpulet,
                        units: layout.units,
                        part: spec.fraction(of: layout.units)
                    )
                )
            }
        }
        return spots.sorted {
            ($0.part, $0.device, $0.gpulet) < ($1.part, $1.device, $1.gpulet)
        }
    }

    /// What would be left of `spot` after cutting off `units`, as a size that the device can
    /// give; nil where it can't be cut.
    func rest(of spot: Spot, after units: Int32) -> Int32? {
        guard maySplit, units < spot.units,
            devices[spot.device].gpulets.count < tables.limitOfDevice[spot.device]
        else { return nil }
        let allowed = tables.inputs.devices[spot.device].allowedUnits
        return allowed.last { $0 <= spot.units - units }
    }

    // MARK: Placing

    /// Gives `model` a free gpulet, cut to `units` where it can be cut; false if that gains
    /// nothing.
    ///
    /// At most `milliRate` is placed. Neighbours that get too slow lose rate first and are owed
    /// it again; it counts as gained only what goes beyond that.
    mutating func take(
        _ spot: Spot,
        units: Int32,
        for model: Int,
        milliRate: Int64,
        reason: PaperLane.Reason
    ) -> Bool {
        var device = devices[spot.device]
        var size = spot.units
        if let rest = rest(of: spot, after: units) {
            size = units
            device.gpulets[spot.gpulet].units = units
            device.gpulets.append(PaperGpulet(units: rest))
        }
        guard let row = tables.row(model, on: spot.device, units: size),
            row.saturated.milliRate > 0
        else { return false }
        device.gpulets[spot.gpulet].lanes = [
            PaperLane(
                model: model,
                milliRate: min(milliRate, row.saturated.milliRate),
                reason: reason
            )
        ]
        let before = rates(device)
        guard fitsMemory(device), settle(&device, mayLose: true) else { return false }
        let after = rates(device)
        var gained: Int64 = 0
        for (place, rate) in after.enumerated() { gained += rate - before[place] }
        // `before` has the new lane at its full rate: what counts is what the board gains.
        gained += before[lanePlace(of: spot, in: device)]
        guard gained > 0 else { return false }
        for (place, lane) in lanes(device).enumerated() {
            if place == lanePlace(of: spot, in: device) {
                owed[lane.model] -= after[place]
            } else {
                owed[lane.model] += before[place] - after[place]
            }
        }
        devices[spot.device] = device
        return true
    }

    /// Seats all of `milliRate` on a gpulet that already serves others; fullest first.
    mutating func share(_ model: Int, milliRate: Int64) -> Bool {
        var candidates: [(occupancy: Double, device: Int, gpulet: Int)] = []
        for (number, device) in devices.enumerated() {
            for (gpulet, layout) in device.gpulets.enumerated() where !layout.lanes.isEmpty {
                let occupancy = layout.occupancy
                guard occupancy < 1, !layout.lanes.contains(where: { $0.model == model }) else {
                    continue
                }
                candidates.append((occupancy, number, gpulet))
            }
        }
        candidates.sort {
            ($1.occupancy, $0.device, $0.gpulet) < ($0.occupancy, $1.device, $1.gpulet)
        }
        for candidate in candidates {
            var device = devices[candidate.device]
            let units = device.gpulets[candidate.gpulet].units
            guard tables.row(model, on: candidate.device, units: units) != nil else { continue }
            device.gpulets[candidate.gpulet].lanes.append(
                PaperLane(model: model, milliRate: milliRate, reason: .shared)
            )
            guard fitsMemory(device), settle(&device, mayLose: false) else { continue }
            devices[candidate.device] = device
            owed[model] -= milliRate
            return true
        }
        return false
    }

    private func lanes(_ device: PaperDevice) -> [PaperLane] { device.gpulets.flatMap(\.lanes) }

    private func rates(_ device: PaperDevice) -> [Int64] { lanes(device).map(\.milliRate) }

    /// The place of a lone new lane among the lanes of its device.
    private func lanePlace(of spot: Spot, in device: PaperDevice) -> Int {
        device.gpulets[..<spot.gpulet].reduce(0) { $0 + $1.lanes.count }
    }

    // MARK: Memory (design, section 4, rule 3)

    private func fitsMemory(_ device: PaperDevice) -> Bool {
        let spec = tables.inputs.devices[device.number]
        guard spec.memoryMiB > 0 else { return true }
        var seen: [Int] = []
        var kib: Int64 = 0
        for lane in device.gpulets.flatMap(\.lanes) {
            guard let memory = tables.inputs.models[lane.model].profile(on: spec.kind)?.memory
            else { continue }
            if !seen.contains(lane.model) {
                seen.append(lane.model)
                kib &+= memory.weightsKiB
            }
            // The batch is not settled yet; the largest is what it may become.
            kib &+= memory.workspaceKiB(batch: tables.inputs.models[lane.model].maxBatch)
        }
        return kib <= spec.memoryMiB &* 1_024
    }
}
