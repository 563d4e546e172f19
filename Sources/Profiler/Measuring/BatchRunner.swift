import ServerRuntime
import ServingDomain

/// Runs batches of one instance as a lane thread does: gather, run, hand out the results.
///
/// Everything happens on the thread that calls.
struct BatchRunner {
    let instance: any EngineInstance
    let stopwatch: Stopwatch
    private let signature: ModelSignature
    private let shapes: InputShapes
    private let rows: [[UInt8]]

    /// Makes an instance on the calling thread, pinned to its units.
    init(_ subject: Subject, at placement: Placement, by stopwatch: Stopwatch) throws(EngineError) {
        instance = try subject.model.makeInstance(placement)
        self.stopwatch = stopwatch
        signature = subject.signature
        let dims = signature.inputs.map { input -> [Int64]? in
            input.optional ? nil : (input.engineDims ?? input.dims).map { max($0, 1) }
        }
        shapes = InputShapes(dims)
        rows = zip(signature.inputs, dims).map { input, dims in
            let elements = (dims ?? []).reduce(1) { $0 * Int($1) }
            return [UInt8](repeating: 0, count: elements * (input.type.size ?? 4))
        }
    }

    /// One batch; how long it took from the first byte gathered to the last result.
    func run(_ items: Int32) throws(EngineError) -> TimeSpan {
        let began = stopwatch.now()
        try instance.prepare(items: items, shapes: shapes)
        for (index, row) in rows.enumerated() where shapes.dims[index] != nil {
            try instance.fill(index, with: row, items: items)
        }
        _ = try instance.perform(.whole)
        for index in signature.outputs.indices { _ = try instance.output(index) }
        return stopwatch.now() - began
    }

    /// A round: one run that does not count, then samples until there are enough of them or the
    /// time is over, but at least one.
    func round(_ items: Int32, _ patience: Patience) throws(EngineError) -> [TimeSpan] {
        _ = try run(items)
        let end = stopwatch.now() + patience.roundTime
        var spans: [TimeSpan] = []
        repeat {
            spans.append(try run(items))
        } while spans.count < patience.mostSamples && stopwatch.now() < end
        return spans
    }
}
