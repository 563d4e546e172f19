import ServingDomain

/// From the layout that stands to the one that is planned.
///
/// New lanes stand before old ones go, as far as units and memory allow: gpulets that keep their
/// units get their new lanes at once; those that change get theirs before they drain, asleep
/// until the units are there; what fits into free units opens. Only when nothing is being loaded
/// any more do gpulets drain, and only when everything new stands do old lanes go. Units hold at
/// every step. Where memory can't hold both, the old lane goes first.
extension ServerCore {
    mutating func beginRollout(_ epoch: Epoch, _ plan: Plan, _ actions: inout ActionBuffer) {
        abandonRollout(&actions)
        if control.isRetryDue(at: now) { dropDeadLanes() }
        control.isGivenUp = hasDeadLanes
        var tasks: [RolloutTask] = []
        for device in state.devices {
            let layouts = plan.devices.first { $0.device == device.id }?.gpulets ?? []
            let wanted = state.present[device.id.position] ? layouts : []
            tasks += match(wanted, on: device.id, &actions)
        }
        control.rollout = tasks.isEmpty ? nil : Rollout(epoch: epoch, tasks: tasks)
    }

    /// Applies the layouts whose units are there already; the rest becomes tasks.
    private mutating func match(
        _ layouts: [Plan.GpuletLayout],
        on device: DeviceID,
        _ actions: inout ActionBuffer
    ) -> [RolloutTask] {
        var old = state.gpulets.indices.filter {
            state.gpulets[$0].isLive && state.gpulets[$0].device == device
                && state.gpulets[$0].state != .opening
        }.map { GpuletID(Int32($0)) }
        var tasks: [RolloutTask] = []
        var new: [Plan.GpuletLayout] = []
        var kept: [(GpuletID, Plan.GpuletLayout)] = []
        for layout in layouts {
            if let place = bestMatch(for: layout, among: old) {
                kept.append((old.remove(at: place), layout))
            } else {
                new.append(layout)
            }
        }
        for (gpulet, layout) in kept {
            extend(gpulet, by: layout, &actions)
            if hasMore(gpulet, than: layout) { tasks.append(.trim(gpulet, layout)) }
        }
        // A model that stays where it is need not be loaded anew while nobody serves it.
        while let (place, number) = closestPair(old, new) {
            let (gpulet, layout) = (old.remove(at: place), new.remove(at: number))
            prepare(gpulet, for: layout, &actions)
            tasks.append(.resize(gpulet, layout))
        }
        return tasks + old.map { .retire($0) } + new.map { .open(device, $0) }
    }

    /// The gpulet and the layout that share the most models; among equals those whose units differ
    /// the least, then the first. nil where one of both has run out.
    private func closestPair(
        _ gpulets: [GpuletID],
        _ layouts: [Plan.GpuletLayout]
    ) -> (gpulet: Int, layout: Int)? {
        var best: (gpulet: Int, layout: Int, shared: Int, distance: Int32)?
        for (place, gpulet) in gpulets.enumerated()
        where state.gpulets[gpulet.position].state != .lost {
            for (number, layout) in layouts.enumerated() {
                let shared = layout.lanes.count { state.hasLane(of: $0.model, on: gpulet) }
                let distance = abs(state.gpulets[gpulet.position].units - layout.units)
                if let best, (best.shared, -best.distance) >= (shared, -distance) { continue }
                best = (place, number, shared, distance)
            }
        }
        return best.map { ($0.gpulet, $0.layout) }
    }

    /// The gpulet of equal units that shares the most models with `layout`; the first of equals.
    private func bestMatch(
        for layout: Plan.GpuletLayout,
        among candidates: [GpuletID]
    ) -> Int? {
        var best: (place: Int, shared: Int)?
        for (place, gpulet) in candidates.enumerated() {
            let record = state.gpulets[gpulet.position]
            guard record.state == .open, record.units == layout.units else { continue }
            let shared = layout.lanes.count { state.hasLane(of: $0.model, on: gpulet) }
            if best.map({ shared > $0.shared }) ?? true { best = (place, shared) }
        }
        return best?.place
    }

    /// The lane that is `placement`'s. One of another width is another lane: it takes over when
    /// it is warm, as on another gpulet.
    func lane(of placement: Plan.LanePlacement, on gpulet: GpuletID) -> LaneID? {
        guard isKnown(placement.model) else { return nil }
        var lane = state.models[placement.model.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if record.gpulet == gpulet, record.isSeat(of: placement) { return LaneID(lane) }
            lane = state.lanes[Int(lane)].nextOfModel
        }
        return nil
    }

    mutating func newLane(
        _ placement: Plan.LanePlacement,
        _ spec: ModelSpec,
        on gpulet: GpuletID,
        units: Int32
    ) -> LaneID? {
        let record = state.gpulets[gpulet.position]
        let kind = state.devices[record.device.position].kind
        let width = placement.width ?? 0
        let row = forecast.claimRow(
            model: spec.id,
            kind: kind,
            // Until a gpulet is resized its lanes are looked up by the units that it has.
            units: width > 0 ? min(width, units) : record.units,
            spec: spec
        )
        guard let lane = state.claimLane(spec.id, gpulet, row: row, width: width) else {
            forecast.releaseRow(row)
            return nil
        }
        return lane
    }

    /// Lets the lanes of a gpulet look their latencies up by its new units.
    mutating func moveRows(of gpulet: GpuletID) {
        let units = state.gpulets[gpulet.position].units
        let kind = state.devices[state.gpulets[gpulet.position].device.position].kind
        var lane = state.gpulets[gpulet.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if let spec = state.specs[record.model.position] {
                forecast.releaseRow(record.row)
                let row = forecast.claimRow(
                    model: record.model,
                    kind: kind,
                    units: record.units(of: units),
                    spec: spec
                )
                state.lanes[Int(lane)].row = row
                chooseFastest(record.model)
            }
            lane = record.nextOfGpulet
        }
    }
}
