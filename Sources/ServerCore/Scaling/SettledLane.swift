package import ServingDomain

/// What a scaler found out about a lane and hands to the planner as its next starting point.
package struct SettledLane: Hashable, Sendable {
    /// The setting that it rests at.
    package var setting: LaneSetting
    /// The fewest units that serve nearly as much within the objective: at most those it has.
    package var units: Int32
    /// What the setting, and smaller batches with it, take on the present units (as measured and
    /// fitted) and on `units` (as the profile scales it). They are later than the profile's.
    package var points: [LatencySurface.Point]

    /// Creates what is handed on.
    package init(setting: LaneSetting, units: Int32, points: [LatencySurface.Point]) {
        self.setting = setting
        self.units = units
        self.points = points
    }
}

/// The third knob, the share: the scaler may only wish for it, since units belong to the plan.
extension ConfluenceSearch {
    /// The part of the rate that a smaller share must keep, in thousandths.
    private static let keptMilli = 970.0

    /// What a lane that rests at `setting` hands to the planner; nil where its profile does not
    /// know the setting.
    ///
    /// The profile says by which factor fewer units slow the device, the fitted lines how much of
    /// a batch is the device's at all: what waits for the host loses nothing until the device is
    /// as slow. Where no setting showed the device, everything counts as the device's.
    /// Cost: O(points of the profile).
    func settled(_ setting: LaneSetting, _ goal: Goal, _ facts: LaneFacts) -> SettledLane? {
        guard let surface = facts.surface, let cell = model.cell(setting), cell.samples > 0,
            let whole = surface.latency(batch: setting.batch, units: facts.units),
            whole > .zero
        else { return nil }
        var units = facts.units
        var last: Int32 = 0
        for point in surface.points where point.instances == 1 && point.units < facts.units {
            guard point.units > last else { continue }
            last = point.units
            let now = time(setting.batch, setting.instances, slowdown: 1)
            guard let slowdown = slowdown(setting.batch, last, facts.units, surface) else {
                continue
            }
            let then = time(setting.batch, setting.instances, slowdown: slowdown)
            let isKept = now * 1_000 >= then * Self.keptMilli
            guard isKept, then <= goal.limit(setting.instances) else { continue }
            units = last
            break
        }
        var points = points(setting, on: facts.units, facts.units, surface)
        if units < facts.units {
            points += self.points(setting, on: units, facts.units, surface)
        }
        return SettledLane(setting: setting, units: units, points: points)
    }

    private func slowdown(
        _ batch: Int32,
        _ units: Int32,
        _ present: Int32,
        _ surface: LatencySurface
    ) -> Double? {
        guard let here = surface.latency(batch: batch, units: present), here > .zero,
            let there = surface.latency(batch: batch, units: units)
        else { return nil }
        return max(1, Double(there.nanoseconds) / Double(here.nanoseconds))
    }

    /// What a batch takes while the device is `slowdown` times slower, in nanoseconds.
    private func time(_ batch: Int32, _ instances: Int32, slowdown: Double) -> Double {
        let raw = model.raw(batch, instances)
        let measured = model.cell(LaneSetting(batch: batch, instances: instances)).map {
            model.smoothed($0).latency
        }
        let present = measured ?? raw
        guard model.showsDevice else { return present * slowdown }
        let device = Double(instances) * model.deviceTime(batch) * slowdown
        return max(present, device * present / raw)
    }

    /// The setting's batch and all smaller ones that the profile has, on `units`.
    private func points(
        _ setting: LaneSetting,
        on units: Int32,
        _ present: Int32,
        _ surface: LatencySurface
    ) -> [LatencySurface.Point] {
        var row: Int32 = 0
        for point in surface.points where point.instances == 1 && point.units <= units {
            row = max(row, point.units)
        }
        var found: [LatencySurface.Point] = []
        for point in surface.points
        where point.instances == 1 && point.units == row && point.batch <= setting.batch {
            guard let slowdown = slowdown(point.batch, units, present, surface) else { continue }
            add(point, setting.instances, units, slowdown, to: &found)
        }
        if found.last?.batch != setting.batch,
            let slowdown = slowdown(setting.batch, units, present, surface),
            let profiled = surface.latency(batch: setting.batch, units: units)
        {
            let point = LatencySurface.Point(
                batch: setting.batch,
                units: units,
                latency: profiled,
                p99: surface.p99(batch: setting.batch, units: units)
            )
            add(point, setting.instances, units, slowdown, to: &found)
        }
        return found
    }

    private func add(
        _ profiled: LatencySurface.Point,
        _ instances: Int32,
        _ units: Int32,
        _ slowdown: Double,
        to found: inout [LatencySurface.Point]
    ) {
        let time = time(profiled.batch, instances, slowdown: slowdown)
        let latency = TimeSpan(nanoseconds: Int64(min(max(1, time), 9e15)))
        let before = Double(max(1, profiled.latency.nanoseconds))
        let tail = profiled.p99.map { p99 in
            let longer = Double(p99.nanoseconds) / before * time
            return TimeSpan(nanoseconds: Int64(min(max(1, longer), 9e15)))
        }
        found.append(
            LatencySurface.Point(
                batch: profiled.batch,
                units: units,
                instances: instances,
                latency: latency,
                p99: tail
            )
        )
    }
}
