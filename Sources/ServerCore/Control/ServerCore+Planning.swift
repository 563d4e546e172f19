import ServingDomain

/// Step 5: plans are asked for and rolled out, one step at a time; removed models go.
extension ServerCore {
    /// Returns whether something changed that may let a batch start.
    mutating func advanceControl(_ actions: inout ActionBuffer) -> Bool {
        advanceRemovals(&actions)
        startStarved(&actions)
        if control.needsPlan, !control.isPlanning { askForPlan(&actions) }
        var changed = false
        if let (epoch, plan) = control.pending, control.awaited == nil {
            control.pending = nil
            beginRollout(epoch, plan, &actions)
            changed = true
        }
        if control.rollout != nil, control.awaited == nil { advanceRollout(&actions) }
        return changed
    }

    private mutating func askForPlan(_ actions: inout ActionBuffer) {
        control.needsPlan = false
        control.hasNewRows = false
        control.asked = now
        control.isPlanning = true
        control.epoch = control.epoch.next
        var models: [ModelSpec] = []
        var rates: [Int64] = []
        var least: [Int64] = []
        for place in state.models.indices where state.models[place].state == .serving {
            guard let spec = state.specs[place] else { continue }
            models.append(latest(spec))
            rates.append(rateToPlan(for: place))
            if let rules = control.rules {
                let mean = control.demand[place].milliRate ?? 0
                least.append(max(mean, rules.floorMilliRate))
            }
        }
        let devices = state.devices.filter { state.present[$0.id.position] }
        var inputs = PlanInputs(
            devices: devices,
            models: models,
            milliRates: rates,
            leastMilliRates: least,
            present: control.beginsAnew ? nil : presentPlan(of: devices)
        )
        control.beginsAnew = false
        tellLearned(&inputs)
        actions.append(.computePlan(control.epoch, inputs))
    }

    /// The layout as it stands, with what scalers settled on; nil before the first gpulet.
    private func presentPlan(of devices: [DeviceSpec]) -> Plan? {
        guard state.gpulets.contains(where: \.isLive) else { return nil }
        var layouts: [Plan.DeviceLayout] = []
        for device in devices {
            var layout = Plan.DeviceLayout(device: device.id, gpulets: [])
            for place in state.gpulets.indices {
                let gpulet = state.gpulets[place]
                guard gpulet.state == .open || gpulet.state == .draining,
                    gpulet.device == device.id
                else { continue }
                layout.gpulets.append(
                    Plan.GpuletLayout(
                        units: units(enoughFor: gpulet),
                        slots: gpulet.slots,
                        dutyCycle: gpulet.dutyCycle,
                        lanes: placements(on: gpulet)
                    )
                )
            }
            layouts.append(layout)
        }
        return Plan(planner: "present", devices: layouts)
    }

    private func placements(on gpulet: GpuletRecord) -> [Plan.LanePlacement] {
        var placements: [Plan.LanePlacement] = []
        var lane = gpulet.firstLane
        while lane >= 0 {
            let record = state.lanes[Int(lane)]
            if record.wanted > 0 {
                placements.append(
                    Plan.LanePlacement(
                        model: record.model,
                        batchLimit: record.batchLimit,
                        instances: max(1, min(record.wanted, record.active)),
                        width: record.width > 0 ? record.width : nil,
                        milliRate: record.milliRate
                    )
                )
            }
            lane = record.nextOfGpulet
        }
        return placements
    }

    // MARK: Answers

    /// Takes a plan, or the news that there is none; answers to earlier questions are ignored.
    mutating func planAnswered(_ epoch: Epoch, _ plan: Plan?) {
        guard control.isPlanning, epoch == control.epoch else { return }
        control.isPlanning = false
        guard let plan, isSound(plan) else { return noteRates(of: nil) }
        control.pending = (epoch, plan)
        noteRates(of: plan)
    }

    /// Whether the devices can hold `plan`; one that they can't counts as none.
    private func isSound(_ plan: Plan) -> Bool {
        var last: Int32 = -1
        for layout in plan.devices {
            guard layout.device.index > last, layout.device.position < state.devices.count else {
                return false
            }
            last = layout.device.index
            var free = Int64(state.devices[layout.device.position].units)
            for gpulet in layout.gpulets { free -= Int64(gpulet.units) }
            guard free >= 0 else { return false }
        }
        return true
    }

    mutating func stepDone(
        _ epoch: Epoch,
        _ step: RolloutStep,
        _ actions: inout ActionBuffer
    ) {
        guard let awaited = control.awaited, awaited.epoch == epoch, awaited.step == step else {
            return
        }
        control.awaited = nil
        switch (step, awaited.task) {
        case (.open(let gpulet, _, _), .open(_, let layout)):
            if state.present[state.gpulets[gpulet.position].device.position] {
                state.gpulets[gpulet.position].state = .open
                extend(gpulet, by: layout, &actions)
            } else {
                state.gpulets[gpulet.position].state = .lost
                control.needsPlan = true
            }
        case (.pin(let gpulet, _), .resize(_, let layout)):
            state.gpulets[gpulet.position].units = layout.units
            if state.gpulets[gpulet.position].state == .draining {
                state.gpulets[gpulet.position].state = .open
                moveRows(of: gpulet)
                extend(gpulet, by: layout, &actions)
                if hasMore(gpulet, than: layout) { addTask(.trim(gpulet, layout), epoch) }
            }
        case (.close(let gpulet), _): state.freeGpulet(gpulet)
        default: break
        }
    }

    /// A failed step keeps the old lanes and ends the rollout; nothing else of it is tried before
    /// the next plan, for which, where there are epochs, one of their ends asks.
    mutating func stepFailed(
        _ epoch: Epoch,
        _ step: RolloutStep,
        _ actions: inout ActionBuffer
    ) {
        guard let awaited = control.awaited, awaited.epoch == epoch, awaited.step == step else {
            return
        }
        control.awaited = nil
        switch step {
        case .open(let gpulet, _, _): state.freeGpulet(gpulet)
        case .close(let gpulet): state.freeGpulet(gpulet)
        case .pin: break
        }
        control.noteFailure(at: now)
        abandonRollout(&actions)
    }

    /// Opens again what was draining; what has gone stays gone.
    mutating func abandonRollout(_ actions: inout ActionBuffer) {
        control.rollout = nil
        for place in state.gpulets.indices where state.gpulets[place].state == .draining {
            let gpulet = GpuletID(Int32(place))
            state.gpulets[place].state = .open
            state.judge(gpulet)
        }
        for place in state.lanes.indices where state.lanes[place].isDormant {
            wake(LaneID(Int32(place)))
        }
    }

    // MARK: Devices

    mutating func deviceLost(_ device: DeviceID, _ actions: inout ActionBuffer) {
        guard device.index >= 0, device.position < state.present.count,
            state.present[device.position]
        else { return }
        state.present[device.position] = false
        for place in state.gpulets.indices
        where state.gpulets[place].isLive && state.gpulets[place].device == device {
            let gpulet = GpuletID(Int32(place))
            if state.gpulets[place].state != .opening { state.gpulets[place].state = .lost }
            state.judge(gpulet)
            loseBatches(of: gpulet, &actions)
            stopLanes(of: gpulet, &actions)
        }
        control.needsPlan = true
    }

    /// What ran on a lost gpulet goes back to its queue, to be run elsewhere.
    private mutating func loseBatches(of gpulet: GpuletID, _ actions: inout ActionBuffer) {
        for place in state.instances.indices {
            let instance = state.instances[place]
            guard instance.state != .free, instance.batch >= 0,
                state.lanes[instance.lane.position].gpulet == gpulet
            else { continue }
            let slot = instance.batch
            let id = state.batches[Int(slot)].id(at: slot)
            actions.append(.terminate(id, InstanceID(Int32(place))))
            state.releasePlace(of: slot, instanceTo: false)
            requeue(slot)
            watchLost(InstanceID(Int32(place)))
        }
    }

    mutating func deviceBack(_ device: DeviceID) {
        guard device.index >= 0, device.position < state.present.count,
            !state.present[device.position]
        else { return }
        state.present[device.position] = true
        control.needsPlan = true
    }
}
