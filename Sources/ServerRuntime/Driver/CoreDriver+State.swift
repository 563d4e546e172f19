import ServerCore
import ServingDomain

/// One event under the lock: what the core decides, with every name looked up.
extension CoreDriver.State {
    /// The present time; never earlier than at the call before.
    mutating func clock() -> Instant {
        lastNow = max(lastNow, MonotonicTime.now())
        return lastNow
    }

    /// One event: the core decides, the journal notes it, the orders are looked up.
    mutating func take(
        _ event: Event,
        at now: Instant,
        _ context: EventContext,
        _ deeds: inout Deeds
    ) {
        sequence += 1
        let wasShort = core.isShortOfMemory
        core.handle(event, at: now, into: &buffer)
        journal?.note(sequence: sequence, now: now, event: event, orders: buffer)
        for action in buffer.actions { look(up: action, context, &deeds) }
        if core.isShortOfMemory, !wasShort { deeds.control.append(.tellOfMemory) }
        deeds.wake = core.nextWake
        deeds.sequence = sequence
        buffer.removeAll()
    }

    private mutating func look(up action: Action, _ context: EventContext, _ deeds: inout Deeds) {
        switch action {
        case .launch(let order):
            fill(order, &deeds)
        case .terminate(let batch, let instance):
            if let lane = lanes[instance.position] { deeds.terminations.append((lane, batch)) }
        case .reply(let request, let outcome):
            end(request, outcome, context, &deeds)
        case .timeout(let request):
            release(request, .timedOut, .late, &deeds)
        case .drop(let request, let reason):
            release(request, .dropped(reason), .dropped, &deeds)
        case .refuse(let request, let refusal):
            let ending: Ending =
                refusal == .notReady && losses.isTotal
                ? .noDevice(losses.whyNothingRuns) : .refused(refusal)
            release(request, ending, .refused, &deeds)
        case .startInstance(let order): deeds.control.append(.start(order))
        case .stopInstance(let instance): deeds.control.append(.stop(instance))
        case .abandonInstance(let instance):
            // A call that hangs need not use its cores, and no other batch is to avoid them.
            if let lane = lanes[instance.position] { leave(lane) }
            deeds.control.append(.abandon(instance))
        case .computePlan(let epoch, let inputs): deeds.control.append(.plan(epoch, inputs))
        case .rollout(let epoch, let step): deeds.control.append(.step(epoch, step))
        }
    }

    private mutating func fill(_ order: LaunchOrder, _ deeds: inout Deeds) {
        guard let lane = lanes[order.instance.position] else {
            preconditionFailure("a launch on an instance that is not there")
        }
        precondition(lane.mailbox.order == nil, "a launch on an instance that is busy")
        lane.mailbox.order = order
        lane.mailbox.isHigh = false
        for place in order.requests {
            let request = buffer.requests[Int(place)]
            let slot = table[request]
            guard let exchange = slot.exchange else { continue }
            lane.mailbox.passengers.append(.init(exchange: exchange, items: slot.items))
            if lane.mailbox.shapes == nil {
                lane.mailbox.shapes = slot.shapes
            } else if lane.mailbox.shapes != slot.shapes {
                lane.mailbox.shapesDiffer = true
            }
            if slot.level == 1 { lane.mailbox.isHigh = true }
            table.launched(request, expected: order.expected)
            if !slot.launched { slot.servable?.statistics.waitsNoLonger() }
        }
        sit(lane, order, &deeds)
        deeds.launch(lane)
    }

    /// Gives the batch in a lane's mailbox its cores, and those that are due before one that
    /// overtakes the same precedence.
    private mutating func sit(_ lane: LaneThread, _ order: LaunchOrder, _ deeds: inout Deeds) {
        let isHigh = lane.mailbox.isHigh
        if urgency.givesWay(isHigh: isHigh), lane.computesHere {
            let cores = lane.placement.own
            if order.overtakes {
                for instance in lows.instances(dueBy: order.due, on: cores) {
                    guard let other = lanes[instance.position] else { continue }
                    seats.hasten(&other.seat)
                    deeds.hastened.append(other)
                }
            }
            lows.begins(lane.id, on: cores, due: order.due)
        }
        lane.seat = seats.seat(lane.seating, isHigh: isHigh, overtakes: order.overtakes)
    }

    /// A lane's batch has no cores any more.
    mutating func leave(_ lane: LaneThread) {
        seats.giveBack(&lane.seat)
        lows.ends(lane.id)
    }

    private mutating func end(
        _ request: RequestID,
        _ outcome: Outcome,
        _ context: EventContext,
        _ deeds: inout Deeds
    ) {
        let slot = table[request]
        let predicted = slot.expected.map { $0 - slot.arrival }
        let ending: Ending =
            switch outcome {
            case .served: .completed(late: false, predicted: predicted)
            case .late: .completed(late: true, predicted: predicted)
            case .cancelled: .cancelled
            case .failed, .dropped, .refused:
                .failed(context.failure ?? "the model failed; see the server's log")
            }
        release(request, ending, outcome, times: context.times, &deeds)
    }

    private mutating func release(
        _ request: RequestID,
        _ ending: Ending,
        _ outcome: Outcome,
        times: StageTimes? = nil,
        _ deeds: inout Deeds
    ) {
        let slot = table.release(request)
        guard let exchange = slot.exchange, let servable = slot.servable else { return }
        if !slot.launched { servable.statistics.waitsNoLonger() }
        deeds.ends.append(
            Deeds.End(
                exchange: exchange,
                ending: ending,
                outcome: outcome,
                servable: servable,
                arrival: slot.arrival,
                level: slot.level,
                items: slot.items,
                hasDeadline: slot.deadline != nil,
                times: times
            )
        )
    }
}
