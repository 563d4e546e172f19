import Planning
import ServerCore
import ServingDomain
import VirtualDevices
import Workloads

/// Plans, rollouts, instances and faults.
extension Simulator {
    mutating func perform(_ task: DriverNote) {
        switch task {
        case .begin(let batch): begin(batch)
        case .fail(let batch): fail(batch)
        case .refuse(let batch): refuse(batch)
        case .again(let place): sendAgain(Int(place))
        case .plan(let place): deliverPlan(Int(place))
        case .step(let place): deliverStep(Int(place))
        case .ready(let place): deliverReady(Int(place))
        case .gone(let place): deliverGone(Int(place))
        case .look(let place): lookAgain(Int(place))
        case .fault(let place, let begins): apply(setup.faults[Int(place)], begins: begins)
        case .warm:
            usageAtBegin = setup.devices.map { cluster.usage(of: $0.id, at: now) }
        case .loadOver:
            isLoadOver = true
            takeUsage()
        }
    }

    // MARK: Plans

    mutating func computePlan(_ epoch: Epoch, _ given: PlanInputs) {
        // Half of the models are no reason to plan: the core asks again when all are there.
        let isComplete = !isPreparing || given.models.count == setup.models.count
        guard isComplete else { return answer(epoch, given, nil, after: .zero) }
        var inputs = given
        inputs.contention = setup.beliefs
        inputs.corrections += setup.corrections
        if countsFrom == .distantFuture { declare(&inputs) }
        var plan: Plan?
        switch setup.plans {
        case .fixed(let fixed):
            plan = fixed
            plan?.devices.removeAll { absent[$0.device.position] }
        case .planner, .custom: plan = planner.flatMap { try? $0.plan(inputs) }
        }
        answer(epoch, inputs, plan, after: setup.durations.planning)
    }

    /// Before the load began nothing was measured: rates are as declared.
    private func declare(_ inputs: inout PlanInputs) {
        for (place, model) in inputs.models.enumerated() {
            inputs.milliRates[place] =
                setup.declared?[model.id.position] ?? offered(model.id)
        }
    }

    private func offered(_ model: ModelID) -> Int64 {
        var rate = 0.0
        for load in setup.loads where load.model == model { rate += load.process.meanRate ?? 0 }
        for load in setup.graphs {
            let calls = load.graph.stages.count { $0.model == model }
            rate += Double(calls) * (load.process.meanRate ?? 0)
        }
        return Int64((rate * 1_000).rounded())
    }

    private mutating func answer(
        _ epoch: Epoch,
        _ inputs: PlanInputs,
        _ plan: Plan?,
        after span: TimeSpan
    ) {
        var rates = setup.models.map { _ in Int64(0) }
        for (place, model) in inputs.models.enumerated() {
            rates[model.id.position] = inputs.milliRates[place]
        }
        answers.append(PlanAnswer(epoch: epoch, milliRates: rates, plan: plan))
        heap.note(.plan(Int32(answers.count - 1)), at: now + span)
    }

    private mutating func deliverPlan(_ place: Int) {
        let answer = answers[place]
        ledger.answers.append(
            Ledger.Answer(
                at: now.since(origin),
                epoch: answer.epoch,
                milliRates: answer.milliRates,
                plan: answer.plan
            )
        )
        guard let plan = answer.plan else { return send(.planFailed(answer.epoch)) }
        shareObjectives(plan)
        send(.planReady(answer.epoch, plan))
    }

    // MARK: Steps

    mutating func rollOut(_ epoch: Epoch, _ step: RolloutStep) {
        steps.append((epoch, step))
        let span: TimeSpan =
            switch step {
            case .open: setup.durations.open
            case .pin: setup.durations.pin
            case .close: setup.durations.close
            }
        heap.note(.step(Int32(steps.count - 1)), at: now + span)
    }

    private mutating func deliverStep(_ place: Int) {
        let (epoch, step) = steps[place]
        switch step {
        case .open(let gpulet, let device, let units):
            guard !absent[device.position] else { return send(.stepFailed(epoch, step)) }
            while gpulets.count <= gpulet.position { gpulets.append(GpuletSeat()) }
            gpulets[gpulet.position] = GpuletSeat(device: device, units: units, isOpen: true)
        case .pin(let gpulet, let units):
            let device = gpulets[gpulet.position].device
            guard !absent[device.position] else { return send(.stepFailed(epoch, step)) }
            gpulets[gpulet.position].units = units
            for place in instances.indices
            where instances[place].state != .free && instances[place].gpulet == gpulet {
                let model = instances[place].model
                instances[place].row = cluster.row(of: model, on: device, units: units) ?? -1
            }
        case .close(let gpulet): gpulets[gpulet.position].isOpen = false
        }
        auditor?.stepped(step, now)
        send(.stepDone(epoch, step))
        noteLayout()
    }

    // MARK: Instances

    mutating func startInstance(_ order: InstanceOrder) {
        while instances.count <= order.instance.position { instances.append(InstanceSeat()) }
        let gpulet = gpulets[order.gpulet.position]
        var seat = InstanceSeat()
        seat.state = .starting
        seat.model = order.model
        seat.gpulet = order.gpulet
        seat.device = gpulet.device
        seat.lane = order.lane.index
        seat.batchLimit = order.batchLimit
        let units = order.width > 0 ? min(order.width, gpulet.units) : gpulet.units
        seat.row = cluster.row(of: order.model, on: gpulet.device, units: units) ?? -1
        let isWarm = cluster.memories[gpulet.device.position].holds(order.model)
        seat.hasMemory =
            seat.row >= 0
            && cluster.reserve(order.model, on: gpulet.device, batch: order.batchLimit)
        instances[order.instance.position] = seat
        var span = cluster.startTime(of: order.model, on: gpulet.device, warm: isWarm)
        if span == .zero { span = setup.durations.start }
        heap.note(.ready(order.instance.index), at: now + span)
    }

    private mutating func deliverReady(_ place: Int) {
        let id = InstanceID(Int32(place))
        let seat = instances[place]
        if seat.isStopped { return leave(place) }
        let fails = failingLoads[seat.model.position] > 0 || absent[seat.device.position]
        guard seat.hasMemory, !fails else {
            free(place)
            return send(.instanceGone(id, .failed))
        }
        instances[place].state = .ready
        gpulets[seat.gpulet.position].instances += 1
        send(.instanceReady(id, []))
        noteLayout()
    }

    mutating func stopInstance(_ id: InstanceID) {
        let place = id.position
        switch instances[place].state {
        case .starting: instances[place].isStopped = true
        case .ready:
            instances[place].state = .leaving
            gpulets[instances[place].gpulet.position].instances -= 1
            leaveIfStopped(id)
            if instances[place].isBusy { heap.note(.look(id.index), at: now + Self.patience) }
        case .free, .leaving: break
        }
    }

    mutating func leaveIfStopped(_ id: InstanceID) {
        let seat = instances[id.position]
        if seat.state == .leaving, !seat.isBusy { leave(id.position) }
    }

    /// Until an instance that is to end is looked at again.
    private static let patience = TimeSpan.milliseconds(20)

    /// The core may have ended a batch between two of its stages, which no engine is told.
    private mutating func lookAgain(_ place: Int) {
        guard instances[place].state == .leaving, !instances[place].hasLeft else { return }
        let record = core.state.instances[place]
        // One that was given up leaves when its engine comes back.
        guard record.state != .abandoned else { return }
        if record.batch < 0 { return leave(place) }
        heap.note(.look(Int32(place)), at: now + Self.patience)
    }

    private mutating func leave(_ place: Int) {
        guard !instances[place].hasLeft else { return }
        instances[place].hasLeft = true
        heap.note(.gone(Int32(place)), at: now + setup.durations.stop)
    }

    private mutating func deliverGone(_ place: Int) {
        free(place)
        send(.instanceGone(InstanceID(Int32(place)), .stopped))
        noteLayout()
    }

    private mutating func free(_ place: Int) {
        let seat = instances[place]
        if seat.hasMemory {
            cluster.release(seat.model, on: seat.device, batch: seat.batchLimit)
        }
        instances[place] = InstanceSeat()
    }

    // MARK: Faults

    private mutating func apply(_ fault: Fault, begins: Bool) {
        switch fault.kind {
        case .deviceLost(let device):
            guard absent[device.position] != begins else { return }
            absent[device.position] = begins
            guard begins else { return send(.deviceBack(device)) }
            loseFlights(on: device)
            send(.deviceLost(device))
            // Those that were told to stop while they ran have nothing more to run.
            for place in instances.indices where instances[place].device == device {
                leaveIfStopped(InstanceID(Int32(place)))
            }
        case .slowDevice(let device, let milli):
            cluster.slow(device, milli: begins ? milli : 1_000, at: now)
        case .failedLoad(let model): failingLoads[model.position] += begins ? 1 : -1
        case .hangingEngine(let model): hangingModels[model.position] += begins ? 1 : -1
        case .deafEngine(let model):
            deafModels[model.position] += begins ? 1 : -1
            if deafModels[model.position] == 0 { hear(model) }
        }
    }

    // MARK: What is in use

    private mutating func noteLayout() {
        var inUse: Int32 = 0
        var units: Int32 = 0
        var devices = 0
        var lastDevice = -1
        for device in setup.devices.indices {
            for gpulet in gpulets
            where gpulet.isOpen && gpulet.instances > 0 && gpulet.device.position == device {
                inUse += 1
                units += gpulet.units
                if lastDevice != device { devices += 1 }
                lastDevice = device
            }
        }
        let layout = Ledger.Layout(
            at: now.since(origin),
            devices: Int32(devices),
            gpulets: inUse,
            units: units
        )
        if let last = ledger.layouts.last, last.devices == layout.devices,
            last.gpulets == layout.gpulets, last.units == layout.units
        {
            return
        }
        if ledger.layouts.count < 1 << 20 { ledger.layouts.append(layout) }
    }
}
