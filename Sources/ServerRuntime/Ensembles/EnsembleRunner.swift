import ServerCore
import ServingDomain
import Synchronization

/// The ensembles' requests that are on their way, and what they need of the runtime.
final class EnsembleRunner: Sendable {
    private struct Table {
        var runs: [EnsembleRun?]
        var generations: [UInt32]
        var free: [Int32]
    }

    private let driver: CoreDriver
    private let registry: ModelRegistry
    private let table: Mutex<Table>

    init(driver: CoreDriver, registry: ModelRegistry) {
        let capacity = driver.limits.requests
        self.driver = driver
        self.registry = registry
        table = Mutex(
            Table(
                runs: Array(repeating: nil, count: Int(capacity)),
                generations: Array(repeating: 0, count: Int(capacity)),
                free: (0..<capacity).reversed()
            )
        )
    }

    /// Hands a request to the core or, for an ensemble, starts its walk through the steps.
    ///
    /// An ensemble's request has a negative slot, so that `cancel` finds it here. One for a version
    /// that has gone since it was looked up goes to the version that has its place: a new one
    /// answers for the name before the old one goes.
    ///
    /// - Returns: nil when the request has ended already.
    func submit(
        _ exchange: any InferenceExchange,
        to servable: Servable,
        _ ticket: Ticket
    ) -> RequestID? {
        guard let wiring = servable.wiring else {
            do throws(TenureOver) {
                let request = try driver.submit(exchange, to: servable, ticket)
                if request == nil { refuse(exchange, servable, ticket, .noRoom) }
                return request
            } catch {
                guard let next = registry.successor(of: servable) else {
                    refuse(exchange, servable, ticket, .unloading)
                    return nil
                }
                return submit(exchange, to: next, ticket)
            }
        }
        let number = table.withLock { table -> RequestID? in
            guard let place = table.free.popLast() else { return nil }
            table.generations[Int(place)] &+= 1
            return RequestID(slot: -1 - place, generation: table.generations[Int(place)])
        }
        guard let number else {
            refuse(exchange, servable, ticket, .noRoom)
            return nil
        }
        let run = EnsembleRun(exchange, servable, wiring, ticket, number: number, runner: self)
        table.withLock { $0.runs[Int(-1 - number.slot)] = run }
        run.begin()
        return number
    }

    private func refuse(
        _ exchange: any InferenceExchange,
        _ servable: Servable,
        _ ticket: Ticket,
        _ reason: Refusal
    ) {
        let arrival = servable.arrival(of: ticket)
        servable.statistics.countRefusal(
            level: arrival.level,
            hasDeadline: arrival.deadline != nil
        )
        exchange.finish(.refused(reason))
        exchange.bell?.ring()
    }

    /// Says that the client of a request has gone.
    func cancel(_ request: RequestID) {
        guard request.slot < 0 else { return driver.cancel(request) }
        let place = Int(-1 - request.slot)
        let run = table.withLock { table -> EnsembleRun? in
            guard place < table.runs.count, table.generations[place] == request.generation else {
                return nil
            }
            return table.runs[place]
        }
        run?.cancel()
    }

    /// The model that answers for a step now.
    func model(of step: EnsembleWiring.Step) throws(StageFault) -> Servable {
        guard let model = try? registry.servable(named: step.model, version: step.version) else {
            throw StageFault(.refused(.notReady))
        }
        guard model.signature == step.signature else {
            throw StageFault(
                .failed("the tensors of step '\(step.model)' have changed; load the ensemble anew")
            )
        }
        return model
    }

    /// What a step should take by itself, by the forecast; nil where not known.
    func expected(of step: EnsembleWiring.Step, items: Int32) -> TimeSpan? {
        guard let model = try? registry.servable(named: step.model, version: step.version),
            model.wiring == nil
        else { return nil }
        return driver.predictedLatency(of: model.id, items: items)
    }

    /// A run has come to its end, for the first and only time.
    func ended(
        _ number: RequestID,
        _ run: EnsembleRun,
        _ ending: Ending,
        _ ticket: Ticket,
        _ deadline: Instant?
    ) {
        table.withLock { table in
            let place = -1 - number.slot
            table.runs[Int(place)] = nil
            table.free.append(place)
        }
        let now = MonotonicTime.now()
        let hasResult = ending.outcome == .served || ending.outcome == .late
        let times = StageTimes(
            copyInBegan: ticket.arrival,
            copyInEnded: ticket.arrival,
            runBegan: ticket.arrival,
            runEnded: now,
            copyOutBegan: now,
            copyOutEnded: now
        )
        let servable = run.servable
        if hasResult { servable.statistics.countBatch(items: ticket.items, times: times) }
        servable.statistics.count(
            Deeds.End(
                exchange: run.exchange,
                ending: ending,
                outcome: ending.outcome,
                servable: servable,
                arrival: ticket.arrival,
                level: servable.spec.priorities.level(of: ticket.priority),
                items: ticket.items,
                hasDeadline: deadline != nil,
                times: hasResult ? times : nil
            ),
            at: now
        )
        run.exchange.finish(ending)
        run.exchange.bell?.ring()
    }
}

extension Ending {
    /// The outcome that an ending counts as.
    var outcome: Outcome {
        switch self {
        case .completed(let late, _): late ? .late : .served
        case .timedOut: .late
        case .dropped: .dropped
        case .refused, .noDevice: .refused
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}
