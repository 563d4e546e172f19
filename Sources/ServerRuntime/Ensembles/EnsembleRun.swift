import ServerCore
import ServingDomain
import Synchronization

/// One request to an ensemble on its way through the steps.
///
/// The deadline of a step is that of the whole less what the steps behind it should take. A step
/// that is lost ends the request, and its siblings are cancelled.
final class EnsembleRun: Sendable {
    private struct State {
        var tensors: [StageTensor?]
        var uses: [Int]
        var done: UInt64 = 0
        var started: UInt64 = 0
        /// Requests of steps that run.
        var running: [RequestID?]
        var ended = false
    }

    /// A step that can begin, with what it gets.
    private struct Ready {
        var place: Int
        var sources: [StageExchange.Source?]
    }

    let exchange: any InferenceExchange
    let servable: Servable
    private let wiring: EnsembleWiring
    private let ticket: Ticket
    private let deadline: Instant?
    private let rest: [TimeSpan]
    private let predicted: TimeSpan?
    private let runner: EnsembleRunner
    private let number: RequestID
    private let state: Mutex<State>

    init(
        _ exchange: any InferenceExchange,
        _ servable: Servable,
        _ wiring: EnsembleWiring,
        _ ticket: Ticket,
        number: RequestID,
        runner: EnsembleRunner
    ) {
        self.exchange = exchange
        self.servable = servable
        self.wiring = wiring
        self.ticket = ticket
        self.number = number
        self.runner = runner
        deadline = servable.arrival(of: ticket).deadline
        let expected = wiring.steps.map { runner.expected(of: $0, items: ticket.items) }
        let rest = wiring.graph.rest(expected: expected.map { $0 ?? .zero })
        self.rest = rest
        predicted =
            expected.contains(nil)
            ? nil : zip(rest, expected).map { $0 + ($1 ?? .zero) }.max()
        state = Mutex(
            State(
                tensors: Array(repeating: nil, count: wiring.uses.count),
                uses: wiring.uses,
                running: Array(repeating: nil, count: wiring.steps.count)
            )
        )
    }

    /// Starts the steps that wait for nothing.
    func begin() {
        start(state.withLock { takeReady(&$0) })
    }

    /// The client has gone.
    func cancel() {
        end(.cancelled)
    }

    /// A step has ended; called by its exchange, once.
    func stageEnded(_ place: Int, _ ending: Ending, _ outputs: [StageTensor?]) {
        guard case .completed = ending else { return end(ending) }
        let (ready, isLast) = state.withLock { state -> ([Ready], Bool) in
            state.done |= 1 << UInt64(place)
            state.running[place] = nil
            guard !state.ended else { return ([], false) }
            keep(outputs, of: place, &state)
            let isLast = state.done.nonzeroBitCount == wiring.steps.count
            return (isLast ? [] : takeReady(&state), isLast)
        }
        if isLast { complete() } else { start(ready) }
    }

    private func keep(_ outputs: [StageTensor?], of place: Int, _ state: inout State) {
        for (index, tensor) in wiring.steps[place].tensors.enumerated() {
            if let tensor, state.uses[tensor] > 0 { state.tensors[tensor] = outputs[index] }
        }
    }

    /// Steps that can begin now; their inputs are handed out.
    private func takeReady(_ state: inout State) -> [Ready] {
        guard !state.ended else { return [] }
        var ready: [Ready] = []
        for (place, step) in wiring.steps.enumerated()
        where state.started & (1 << UInt64(place)) == 0
            && wiring.graph.isReady(place, done: state.done)
        {
            state.started |= 1 << UInt64(place)
            let sources = step.feeds.map { feed -> StageExchange.Source? in
                switch feed {
                case .request(let input): .request(input)
                case .tensor(let number): take(number, &state).map { .tensor($0) }
                case nil: nil
                }
            }
            ready.append(Ready(place: place, sources: sources))
        }
        return ready
    }

    /// A tensor for one of its users; the last one takes it away.
    private func take(_ number: Int, _ state: inout State) -> StageTensor? {
        state.uses[number] -= 1
        defer { if state.uses[number] == 0 { state.tensors[number] = nil } }
        return state.tensors[number]
    }

    private func start(_ ready: [Ready]) {
        for stage in ready {
            do throws(StageFault) {
                try start(stage)
            } catch {
                end(error.ending)
            }
        }
    }

    private func start(_ ready: Ready) throws(StageFault) {
        let step = wiring.steps[ready.place]
        let model = try runner.model(of: step)
        let shapes = ready.sources.map { source -> [Int64]? in
            switch source {
            case .request(let input): requestShape(input)
            case .tensor(let tensor): tensor.shape
            case nil: nil
            }
        }
        let now = MonotonicTime.now()
        let (items, rows) = try StageShapes.rows(shapes, step: step, maxBatch: model.spec.maxBatch)
        let giveUp = ticket.timeout.map { ticket.arrival + $0 }
        if let giveUp, giveUp <= now { throw StageFault(.timedOut) }
        let stage = Ticket(
            items: items,
            shapes: InputShapes(rows),
            priority: UInt64(servable.spec.priorities.level(of: ticket.priority)),
            timeout: giveUp.map { $0 - now },
            arrival: now,
            deadline: deadline.map { $0 - rest[ready.place] }
        )
        let exchange = StageExchange(
            self,
            place: ready.place,
            step: step,
            sources: ready.sources
        )
        guard let request = runner.submit(exchange, to: model, stage) else { return }
        let isOver = state.withLock { state -> Bool in
            guard state.done & (1 << UInt64(ready.place)) == 0 else { return false }
            state.running[ready.place] = request
            return state.ended
        }
        if isOver { runner.cancel(request) }
    }

    private func requestShape(_ input: Int) -> [Int64]? {
        guard let row = ticket.shapes.dims[input] else { return nil }
        return servable.signature.batched ? [Int64(ticket.items)] + row : row
    }

    // MARK: The end

    private func complete() {
        let tensors = state.withLock { state -> [StageTensor?]? in
            guard !state.ended else { return nil }
            state.ended = true
            return state.tensors
        }
        guard let tensors else { return }
        for (index, feed) in wiring.results.enumerated() where exchange.wants(output: index) {
            switch feed {
            case .tensor(let number):
                guard let tensor = tensors[number] else { continue }
                tensor.bytes.withUnsafeBytes {
                    exchange.scatter(output: index, shape: tensor.shape, bytes: $0)
                }
            case .request(let input): echo(input, as: index)
            }
        }
        let late = deadline.map { MonotonicTime.now() > $0 } ?? false
        runner.ended(number, self, .completed(late: late, predicted: predicted), ticket, deadline)
    }

    /// An output that is one of the request's own inputs.
    private func echo(_ input: Int, as index: Int) {
        let count = exchange.byteCount(input: input)
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: count, alignment: 16)
        defer { bytes.deallocate() }
        exchange.gather(input: input, into: bytes)
        exchange.scatter(
            output: index,
            shape: requestShape(input) ?? [],
            bytes: UnsafeRawBufferPointer(bytes)
        )
    }

    private func end(_ ending: Ending) {
        let siblings = state.withLock { state -> [RequestID]? in
            guard !state.ended else { return nil }
            state.ended = true
            state.tensors = []
            state.uses = []
            return state.running.compactMap { $0 }
        }
        guard let siblings else { return }
        for request in siblings { runner.cancel(request) }
        runner.ended(number, self, ending, ticket, deadline)
    }
}
