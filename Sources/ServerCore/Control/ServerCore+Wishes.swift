import ServingDomain

/// What scalers found out goes to the planner by value: as the latest surfaces of the models and
/// as the present plan, from which the search starts. Units stay as they are until a plan says so.
extension ServerCore {
    /// The specification of a model with what its settled lanes were measured to take.
    func latest(_ spec: ModelSpec) -> ModelSpec {
        var spec = spec
        var lane = state.models[spec.id.position].firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if record.wanted > 0, let settled = scaler.settled(LaneID(lane)) {
                let device = state.gpulets[record.gpulet.position].device
                spec.learn(settled.points, on: state.devices[device.position].kind)
            }
            lane = record.nextOfModel
        }
        return spec
    }

    /// The units that are enough for a gpulet, of those that its device can give; as many as it
    /// has where a lane of it says nothing, or runs on a part of them as it is.
    func units(enoughFor gpulet: GpuletRecord) -> Int32 {
        var wished: Int32 = 0
        var lane = gpulet.firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if record.wanted > 0 {
                guard record.width == 0, let settled = scaler.settled(LaneID(lane)) else {
                    return gpulet.units
                }
                wished = max(wished, settled.units)
            }
            lane = record.nextOfGpulet
        }
        guard wished > 0, wished < gpulet.units else { return gpulet.units }
        let allowed = state.devices[gpulet.device.position].allowedUnits
        return allowed.filter { $0 >= wished }.min().map { min($0, gpulet.units) } ?? gpulet.units
    }

    /// Whether a gpulet could do with fewer units than at the last time that this was asked.
    /// Cost: O(gpulets + lanes), once an epoch.
    mutating func hasNewWish() -> Bool {
        guard scaler.ownsLanes else { return false }
        var isNew = false
        for place in state.gpulets.indices {
            let gpulet = state.gpulets[place]
            let enough = gpulet.state == .open ? units(enoughFor: gpulet) : gpulet.units
            let wish = enough < gpulet.units ? enough : 0
            while control.wishes.count <= place { control.wishes.append(0) }
            if wish != 0, wish != control.wishes[place] { isNew = true }
            control.wishes[place] = wish
        }
        return isNew
    }
}

extension ModelSpec {
    /// Takes measured points over into the surface for a kind of device.
    fileprivate mutating func learn(_ points: [LatencySurface.Point], on kind: String) {
        if var profile = profile(on: kind) {
            for point in points { profile.surface.set(point) }
            set(profile)
        } else if var surface {
            for point in points { surface.set(point) }
            self.surface = surface
        }
    }
}
