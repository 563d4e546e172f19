import ServingDomain

/// Gpulets, lanes and instances: places are claimed and freed here. Control only.
extension DispatchState {
    /// A new gpulet on `device`, not yet open; nil when the limit is reached.
    mutating func claimGpulet(_ device: DeviceID, units: Int32) -> GpuletID? {
        var place = gpulets.firstIndex { $0.state == .free }
        if place == nil, gpulets.count < Int(limits.gpulets) {
            gpulets.grow(to: gpulets.count + 1, with: GpuletRecord())
            while candidates.count * 64 < gpulets.count { candidates.append(0) }
            place = gpulets.count - 1
        }
        guard let place else { return nil }
        gpulets[place] = GpuletRecord()
        gpulets[place].state = .opening
        gpulets[place].device = device
        gpulets[place].units = units
        gpulets[place].countsApart =
            devices[device.position].preemptsLow && order == .deadline
        return GpuletID(Int32(place))
    }

    /// Frees the place of a gpulet without lanes.
    mutating func freeGpulet(_ id: GpuletID) {
        precondition(gpulets[id.position].firstLane < 0)
        gpulets[id.position].state = .free
        judge(id)
    }

    /// The units of `device` that no gpulet holds.
    func freeUnits(of device: DeviceID) -> Int32 {
        gpulets.reduce(devices[device.position].units) {
            $1.isLive && $1.device == device ? $0 - $1.units : $0
        }
    }

    /// A new lane of `model` on `gpulet`; nil when the limit is reached.
    mutating func claimLane(
        _ model: ModelID,
        _ gpulet: GpuletID,
        row: Int32,
        width: Int32
    ) -> LaneID? {
        var place = lanes.firstIndex { !$0.exists }
        if place == nil, lanes.count < Int(limits.lanes) {
            lanes.grow(to: lanes.count + 1, with: LaneRecord())
            for _ in 0..<Self.seatsPerLane { seats.append(InstanceID(-1)) }
            ready.grow(to: lanes.count * 2)
            dues.reserveCapacity(lanes.count * Self.seatsPerLane)
            place = lanes.count - 1
        }
        guard let place else { return nil }
        let id = LaneID(Int32(place))
        lanes[place] = LaneRecord()
        lanes[place].exists = true
        lanes[place].model = model
        lanes[place].gpulet = gpulet
        lanes[place].row = row
        lanes[place].width = width
        link(id)
        return id
    }

    /// Keeps the lists of a model's and a gpulet's lanes ascending.
    private mutating func link(_ id: LaneID) {
        let (model, gpulet) = (lanes[id.position].model, lanes[id.position].gpulet)
        var next = models[model.position].firstLane
        var before: Int32 = -1
        while next >= 0, next < id.index {
            before = next
            next = lanes[Int(next)].nextOfModel
        }
        lanes[id.position].nextOfModel = next
        if before >= 0 {
            lanes[Int(before)].nextOfModel = id.index
        } else {
            models[model.position].firstLane = id.index
        }
        next = gpulets[gpulet.position].firstLane
        before = -1
        while next >= 0, next < id.index {
            before = next
            next = lanes[Int(next)].nextOfGpulet
        }
        lanes[id.position].nextOfGpulet = next
        if before >= 0 {
            lanes[Int(before)].nextOfGpulet = id.index
        } else {
            gpulets[gpulet.position].firstLane = id.index
        }
    }

    /// Frees the place of a lane without instances.
    mutating func freeLane(_ id: LaneID) {
        let record = lanes[id.position]
        precondition(record.instances == 0 && !record.listedHigh && !record.listedLow)
        if models[record.model.position].firstLane == id.index {
            models[record.model.position].firstLane = record.nextOfModel
        } else {
            var lane = models[record.model.position].firstLane
            while lanes[Int(lane)].nextOfModel != id.index { lane = lanes[Int(lane)].nextOfModel }
            lanes[Int(lane)].nextOfModel = record.nextOfModel
        }
        if gpulets[record.gpulet.position].firstLane == id.index {
            gpulets[record.gpulet.position].firstLane = record.nextOfGpulet
        } else {
            var lane = gpulets[record.gpulet.position].firstLane
            while lanes[Int(lane)].nextOfGpulet != id.index { lane = lanes[Int(lane)].nextOfGpulet }
            lanes[Int(lane)].nextOfGpulet = record.nextOfGpulet
        }
        lanes[id.position].exists = false
    }

    /// A new instance at `seat` of `lane`; nil when the limit is reached.
    mutating func claimInstance(_ lane: LaneID, seat: Int) -> InstanceID? {
        var place = instances.firstIndex { $0.state == .free }
        if place == nil, instances.count < Int(limits.instances) {
            instances.grow(to: instances.count + 1, with: InstanceRecord())
            place = instances.count - 1
        }
        guard let place else { return nil }
        let id = InstanceID(Int32(place))
        instances[place] = InstanceRecord()
        instances[place].state = .starting
        instances[place].lane = lane
        instances[place].seat = Int32(seat)
        lanes[lane.position].seated |= 1 << UInt64(seat)
        seats[lane.position * Self.seatsPerLane + seat] = id
        return id
    }

    /// Takes an instance out of its lane; its record stays.
    ///
    /// - Precondition: it is in a lane.
    mutating func unseat(_ id: InstanceID) {
        let record = instances[id.position]
        let lane = record.lane.position
        let model = lanes[lane].model.position
        switch record.state {
        case .starting:
            lanes[lane].starting -= 1
            models[model].starting -= 1
        case .ready:
            lanes[lane].ready -= 1
            models[model].ready -= 1
        case .stopping:
            lanes[lane].stopping -= 1
            models[model].stopping -= 1
        case .free, .abandoned: preconditionFailure("an instance without a lane leaves one")
        }
        let seat: UInt64 = 1 << UInt64(record.seat)
        lanes[lane].seated &= ~seat
        lanes[lane].idle &= ~seat
        list(record.lane)
    }

    /// Whether no batch has an instance of `gpulet`.
    func isDrained(_ gpulet: GpuletID) -> Bool {
        !instances.contains {
            $0.state != .free && $0.batch >= 0 && lanes[$0.lane.position].gpulet == gpulet
        }
    }

    /// Whether any instance anywhere is being loaded.
    var isAnyStarting: Bool { instances.contains { $0.state == .starting } }
}

extension DispatchState {
    /// Whether `model` has a lane on `gpulet`. Cost: O(lanes of the model).
    func hasLane(of model: ModelID, on gpulet: GpuletID) -> Bool {
        var lane = models[model.position].firstLane
        while lane >= 0 {
            if lanes[Int(lane)].gpulet == gpulet { return true }
            lane = lanes[Int(lane)].nextOfModel
        }
        return false
    }
}
