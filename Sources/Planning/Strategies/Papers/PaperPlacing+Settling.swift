import ServingDomain

/// Batches and duty cycles of all gpulets of a device at once, each beside the others.
extension PaperPlacing {
    /// How often batches are chosen anew because a neighbour's changed.
    private static let rounds = 6

    /// Finds batches that serve every lane within its objective beside its neighbours.
    ///
    /// A gpulet's batch decides what it costs its neighbours, so gpulets are settled in turn until
    /// nothing changes. With `mayLose`, lone lanes that can't keep their rate keep what they can.
    func settle(_ device: inout PaperDevice, mayLose: Bool) -> Bool {
        let busy = device.gpulets.indices.filter { !device.gpulets[$0].lanes.isEmpty }
        if case .none = tables.contention[tables.kindOfDevice[device.number]] {
            return busy.allSatisfy { settleAlone(&device, $0, mayLose) }
        }
        if busy.count == 1 { return settleAlone(&device, busy[0], mayLose) }
        for gpulet in busy where device.gpulets[gpulet].lanes.contains(where: { $0.latency == 0 }) {
            // A new lane needs some batch before its neighbours can be asked.
            guard settleAlone(&device, gpulet, mayLose) else { return false }
        }
        for _ in 0..<Self.rounds {
            var hasChanged = false
            for gpulet in busy {
                guard
                    let changed = settle(gpulet, of: &device, beside(device), mayLose)
                else { return false }
                hasChanged = hasChanged || changed
            }
            if !hasChanged { return true }
        }
        return holds(device, busy)
    }

    /// The loads of all lanes of a device.
    private func beside(_ device: PaperDevice) -> CoRunners {
        let spec = tables.inputs.devices[device.number]
        var coRunners = CoRunners(model: tables.contention[tables.kindOfDevice[device.number]])
        for gpulet in device.gpulets {
            coRunners.loads.append(
                gpulet.lanes.map { lane in
                    CoRunners.load(
                        of: tables.inputs.models[lane.model],
                        batch: lane.batch,
                        units: gpulet.units,
                        on: spec
                    )
                }
            )
            coRunners.slots.append(1)
            coRunners.besides.append(nil)
        }
        return coRunners
    }

    private func settleAlone(
        _ device: inout PaperDevice,
        _ gpulet: Int,
        _ mayLose: Bool
    ) -> Bool {
        settle(gpulet, of: &device, CoRunners(model: .none), mayLose) != nil
    }

    /// Chooses one gpulet's batches anew; whether they changed, nil if none serve it.
    private func settle(
        _ number: Int,
        of device: inout PaperDevice,
        _ coRunners: CoRunners,
        _ mayLose: Bool
    ) -> Bool? {
        var gpulet = device.gpulets[number]
        var members: [Turns.Member] = []
        for lane in gpulet.lanes {
            guard let row = tables.row(lane.model, on: device.number, units: gpulet.units) else {
                return nil
            }
            members.append(
                Turns.Member(
                    milliRate: lane.milliRate,
                    slo: tables.slos[lane.model],
                    curve: slowed(row.curve, of: lane.model, number, device, coRunners)
                )
            )
        }
        var turns = Turns.solve(members)
        if turns == nil, mayLose, members.count == 1 {
            let most = PaperTables.saturated(members[0].curve, members[0].slo)
            guard most.milliRate > 0, most.milliRate < members[0].milliRate else { return nil }
            members[0].milliRate = most.milliRate
            gpulet.lanes[0].milliRate = most.milliRate
            turns = Turns.solve(members)
        }
        guard let turns else { return nil }
        var hasChanged = device.gpulets[number].duty != turns.duty
        for place in gpulet.lanes.indices {
            let latency = members[place].curve[Int(turns.batches[place]) - 1]
            hasChanged =
                hasChanged || gpulet.lanes[place].batch != turns.batches[place]
                || gpulet.lanes[place].latency != latency
            gpulet.lanes[place].batch = turns.batches[place]
            gpulet.lanes[place].latency = latency
        }
        gpulet.duty = turns.duty
        device.gpulets[number] = gpulet
        return hasChanged
    }

    private func slowed(
        _ curve: [Int64],
        of model: Int,
        _ gpulet: Int,
        _ device: PaperDevice,
        _ coRunners: CoRunners
    ) -> [Int64] {
        if case .none = coRunners.model { return curve }
        let spec = tables.inputs.devices[device.number]
        return curve.indices.map { place in
            let load = CoRunners.load(
                of: tables.inputs.models[model],
                batch: Int32(place) + 1,
                units: device.gpulets[gpulet].units,
                on: spec
            )
            return CoRunners.slowed(
                curve[place],
                by: coRunners.slowdown(of: load, gpulet: gpulet)
            )
        }
    }

    /// Whether what stands holds after all, where batches never came to rest.
    private func holds(_ device: PaperDevice, _ busy: [Int]) -> Bool {
        let coRunners = beside(device)
        for number in busy {
            let gpulet = device.gpulets[number]
            var round: Int64 = 0
            for lane in gpulet.lanes {
                guard let row = tables.row(lane.model, on: device.number, units: gpulet.units)
                else { return false }
                let curve = slowed(row.curve, of: lane.model, number, device, coRunners)
                // Latency and cycle were written down with it, so it must not have grown.
                let latency = curve[Int(lane.batch) - 1]
                guard latency == lane.latency else { return false }
                round += latency
            }
        }
        return true
    }
}
