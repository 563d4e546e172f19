import ServingDomain

/// A tensor between two steps of an ensemble.
final class StageTensor: Sendable {
    /// The whole shape, the batch dimension included.
    let shape: [Int64]
    /// The bytes in the wire's layout.
    let bytes: [UInt8]

    init(shape: [Int64], bytes: UnsafeRawBufferPointer) {
        self.shape = shape
        self.bytes = Array(bytes)
    }
}

/// One step's request: its inputs come from the ensemble's request and from earlier steps, its
/// outputs are kept until the steps behind it have taken them.
final class StageExchange: InferenceExchange, @unchecked Sendable {
    // Safe: `outputs` is written by the lane thread that scatters, and read by `finish`, which
    // comes after the last `scatter`.

    /// Where an input's bytes are.
    enum Source: Sendable {
        case request(Int)
        case tensor(StageTensor)
    }

    private let run: EnsembleRun
    private let place: Int
    private let step: EnsembleWiring.Step
    private let sources: [Source?]
    private var outputs: [StageTensor?]

    init(_ run: EnsembleRun, place: Int, step: EnsembleWiring.Step, sources: [Source?]) {
        self.run = run
        self.place = place
        self.step = step
        self.sources = sources
        outputs = Array(repeating: nil, count: step.signature.outputs.count)
    }

    func byteCount(input index: Int) -> Int {
        switch sources[index] {
        case .request(let input): run.exchange.byteCount(input: input)
        case .tensor(let tensor): tensor.bytes.count
        case nil: 0
        }
    }

    func gather(input index: Int, into target: UnsafeMutableRawBufferPointer) {
        switch sources[index] {
        case .request(let input): run.exchange.gather(input: input, into: target)
        case .tensor(let tensor): target.copyBytes(from: tensor.bytes)
        case nil: break
        }
    }

    func wants(output index: Int) -> Bool { step.tensors[index] != nil }

    func scatter(output index: Int, shape: [Int64], bytes: UnsafeRawBufferPointer) {
        outputs[index] = StageTensor(shape: shape, bytes: bytes)
    }

    func finish(_ ending: Ending) {
        run.stageEnded(place, ending, outputs)
    }
}
