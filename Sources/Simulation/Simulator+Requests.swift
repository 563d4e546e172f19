import ServerCore
import ServingDomain
import VirtualDevices
import Workloads

/// Requests come and end.
extension Simulator {
    /// The next arrival of load or application number `place`.
    mutating func arrive(_ place: Int) {
        scheduleArrival(place)
        if place < setup.loads.count { arrive(ofLoad: place) } else { beginRun(place) }
    }

    mutating func arrive(ofLoad place: Int) {
        let facts = facts[place]
        var ticket = Ticket()
        ticket.load = Int32(place)
        // Sums end at `distantFuture` instead of overflowing.
        ticket.deadline = now + facts.objective
        var arrival = Arrival(
            request: RequestID(slot: 0, generation: 0),
            model: facts.model,
            items: facts.items,
            level: facts.level,
            arrival: now,
            deadline: facts.objective == LoadFacts.endless ? nil : ticket.deadline,
            timeout: facts.timeout == LoadFacts.endless ? nil : now + facts.timeout
        )
        ticket.row = facts.row
        _ = hand(&arrival, ticket)
    }

    /// Gives a request a slot and tells the core; nil, and it is refused, when none is free.
    mutating func hand(_ arrival: inout Arrival, _ unfinished: Ticket) -> RequestID? {
        var ticket = unfinished
        while now >= windowEnd {
            windowEnd = windowEnd + setup.window
            window += 1
        }
        ticket.arrival = now
        ticket.window = window
        ticket.counts = now >= countsFrom
        ledger.requests += 1
        ledger.arrived(row: Int(ticket.row), window: Int(window), counts: ticket.counts)
        guard let slot = freeSlots.popLast() else {
            ledger.ended(ticket, .refused, at: now)
            requestEnded(ticket, .refused)
            return nil
        }
        ticket.generation = tickets[Int(slot)].generation
        tickets[Int(slot)] = ticket
        live += 1
        arrival.request = RequestID(slot: slot, generation: ticket.generation)
        let request = arrival.request
        if ticket.run >= 0 {
            runRequests[Int(ticket.run) * stagesPerRun + Int(ticket.stage)] = request
        }
        send(.arrived(arrival))
        return request
    }

    /// The core has answered a request.
    mutating func ended(_ request: RequestID, _ outcome: Outcome) {
        let slot = Int(request.slot)
        let ticket = tickets[slot]
        // The auditor says so; a second answer must not free the slot twice.
        guard ticket.generation == request.generation else { return }
        tickets[slot].generation &+= 1
        freeSlots.append(request.slot)
        live -= 1
        // Steps of an application call each other within the server.
        let seen = ticket.run >= 0 ? now : now + setup.durations.transport
        let isLate = outcome == .served && seen > ticket.deadline
        ledger.ended(ticket, isLate ? .late : outcome, at: seen)
        requestEnded(ticket, outcome)
    }

    private mutating func requestEnded(_ ticket: Ticket, _ outcome: Outcome) {
        if ticket.run >= 0 {
            stageEnded(of: ticket.run, ticket.stage, outcome)
        } else if facts[Int(ticket.load)].isClosed, !isLoadOver {
            // Who was turned away comes again after a millisecond, not at the same instant.
            let pause: TimeSpan =
                outcome == .served || outcome == .late ? .zero : .milliseconds(1)
            heap.note(.again(ticket.load), at: now + pause)
        }
    }

    // MARK: Applications

    private mutating func beginRun(_ place: Int) {
        let graph = Int32(place - setup.loads.count)
        let load = setup.graphs[Int(graph)]
        var run = GraphRun()
        run.graph = graph
        run.arrival = now
        if let slo = load.graph.slo { run.deadline = now + slo }
        while now >= windowEnd {
            windowEnd = windowEnd + setup.window
            window += 1
        }
        run.window = window
        run.counts = now >= countsFrom
        ledger.graphArrived(Int(graph), window: Int(window), counts: run.counts)
        let number: Int32
        if let free = freeRuns.popLast() {
            number = free
            runs[Int(free)] = run
        } else {
            number = Int32(runs.count)
            runs.append(run)
            let none = RequestID(slot: -1, generation: 0)
            for _ in 0..<stagesPerRun { runRequests.append(none) }
        }
        sendReadyStages(of: number)
    }

    /// Hands every stage in that has all it needs and was not handed in.
    private mutating func sendReadyStages(of run: Int32) {
        let graph = setup.graphs[Int(runs[Int(run)].graph)].graph
        for stage in graph.stages.indices {
            let bit: UInt64 = 1 << UInt64(stage)
            guard runs[Int(run)].sent & bit == 0,
                graph.isReady(stage, done: runs[Int(run)].done)
            else { continue }
            runs[Int(run)].sent |= bit
            runs[Int(run)].live += 1
            followUps.append(.stage(run: run, stage: Int32(stage)))
        }
    }

    private mutating func handStage(_ run: Int32, _ stage: Int32) {
        let record = runs[Int(run)]
        let graph = Int(record.graph)
        guard record.loss == nil else { return stageEnded(of: run, stage, .cancelled) }
        var deadline = record.deadline
        if deadline != .distantFuture { deadline = deadline - rests[graph][Int(stage)] }
        var ticket = Ticket()
        ticket.run = run
        ticket.stage = stage
        ticket.deadline = deadline
        let priority = setup.graphs[graph].graph.priority
        let model = setup.graphs[graph].graph.stages[Int(stage)].model
        ticket.row = Int32(Ledger.place(model, priority))
        var arrival = Arrival(
            request: RequestID(slot: 0, generation: 0),
            model: model,
            level: priority == .high ? 1 : 2,
            arrival: now,
            deadline: deadline == .distantFuture ? nil : deadline
        )
        _ = hand(&arrival, ticket)
    }

    /// A stage has ended: those behind it follow, or all others are given up.
    private mutating func stageEnded(of run: Int32, _ stage: Int32, _ outcome: Outcome) {
        let place = Int(run)
        runs[place].live -= 1
        runRequests[place * stagesPerRun + Int(stage)] = RequestID(slot: -1, generation: 0)
        if outcome == .served || outcome == .late {
            runs[place].done |= 1 << UInt64(stage)
            if runs[place].loss == nil { sendReadyStages(of: run) }
        } else if runs[place].loss == nil {
            runs[place].loss = outcome
            for other in 0..<stagesPerRun {
                let request = runRequests[place * stagesPerRun + other]
                if request.slot >= 0 { followUps.append(.cancel(request)) }
            }
        }
        guard runs[place].live == 0 else { return }
        let isLate = now > runs[place].deadline
        let end = runs[place].loss ?? (isLate ? .late : .served)
        ledger.graphEnded(runs[place], end, at: now)
        freeRuns.append(run)
        let load = setup.graphs[Int(runs[place].graph)]
        if case .closed = load.process, !isLoadOver {
            let source = Int32(setup.loads.count) + runs[place].graph
            let pause: TimeSpan = runs[place].loss == nil ? .zero : .milliseconds(1)
            heap.note(.again(source), at: now + pause)
        }
    }

    mutating func follow(_ next: FollowUp) {
        switch next {
        case .cancel(let request):
            guard tickets[Int(request.slot)].generation == request.generation else { return }
            send(.cancelled(request))
        case .stage(let run, let stage): handStage(run, stage)
        }
    }

    /// A client of a closed loop sends again.
    mutating func sendAgain(_ place: Int) {
        guard !isLoadOver else { return }
        if place < setup.loads.count { arrive(ofLoad: place) } else { beginRun(place) }
    }

    /// Shares each application's objective among its stages, by what they should take.
    mutating func shareObjectives(_ plan: Plan) {
        for (place, load) in setup.graphs.enumerated() {
            let stages = load.graph.stages
            if let budgets = load.budgets {
                rests[place] = load.graph.rest(expected: budgets)
                continue
            }
            guard let slo = load.graph.slo else { continue }
            let expected = stages.map { expectedTime(of: $0.model, in: plan) }
            let rest = load.graph.rest(expected: expected)
            let whole = stages.indices.map { rest[$0] + expected[$0] }.max() ?? .zero
            guard whole > .zero else { continue }
            let factor = Double(slo.nanoseconds) / Double(whole.nanoseconds)
            rests[place] = rest.map {
                TimeSpan(nanoseconds: Int64((Double($0.nanoseconds) * factor).rounded(.down)))
            }
        }
    }

    /// What one request of `model` should take at most: gathering a batch and running it.
    private func expectedTime(of model: ModelID, in plan: Plan) -> TimeSpan {
        var longest = TimeSpan.zero
        for layout in plan.devices {
            let kind = setup.devices[layout.device.position].kind
            let surface = setup.models[model.position].spec.surface(on: kind)
            for gpulet in layout.gpulets {
                for lane in gpulet.lanes where lane.model == model {
                    let run =
                        lane.expected
                        ?? surface?.latency(
                            batch: lane.batchLimit,
                            units: gpulet.units(of: lane)
                        ) ?? .zero
                    longest = max(longest, lane.worst ?? run * 2)
                }
            }
        }
        return longest
    }
}
