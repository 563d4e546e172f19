import CONNXRuntime
import ServerRuntime
import ServingDomain

/// Runs batches of one model on one lane thread.
///
/// In the steady state a batch costs no allocation of ours: the buffers, the binding of that
/// size and the run options are those of earlier batches.
final class ONNXInstance: EngineInstance, @unchecked Sendable {
    // Safe: the lane thread alone touches everything but `gate`, which is locked.

    private let model: ONNXModel
    private let layout: TensorLayout
    private let session: ONNXSession
    private let library: ONNXLibrary
    private let processors: Processors
    private let gate: RunGate
    private let strings: StringTensor

    /// By input: the bytes that come from the wire.
    private let inputs: [AlignedBuffer]
    /// By input: how many bytes of strings were announced.
    private var announced: [Int]
    /// By output: the bytes that go to the wire.
    private let results: [AlignedBuffer]
    private let offsets = AlignedBuffer()
    /// Counts the moves of buffers.
    private var generation = 0

    private var batches: [BoundBatch] = []
    private var current: BoundBatch?
    private var uses = 0
    private var hasRun = false
    /// The values of the outputs that the library made room for, until the next batch.
    private let lent: LentOutputs

    /// The most sizes and shapes that are kept bound.
    private static let batchLimit = 64

    /// Whether it serves a GPU's lane in place of the GPU: copies are nothing, cores are not given.
    private let standsInForGPU: Bool

    init(
        model: ONNXModel,
        session: ONNXSession,
        processors: Processors,
        standsInForGPU: Bool = false
    ) {
        self.standsInForGPU = standsInForGPU
        self.model = model
        self.session = session
        self.processors = processors
        layout = model.layout
        library = session.library
        strings = StringTensor(library: session.library)
        lent = LentOutputs(library: session.library)
        gate = RunGate(library: library, shrinkage: model.weights.settings.shrinkage)
        inputs = layout.inputs.map { _ in AlignedBuffer() }
        results = layout.outputs.map { _ in AlignedBuffer() }
        announced = layout.inputs.map { _ in 0 }
        connx_flush_denormals()
    }

    deinit {
        session.unclaim()
    }

    /// The session, for tests.
    var boundSession: ONNXSession { session }

    func terminate() {
        gate.terminate()
    }

    /// The caller is one of the session's workers, and the only one where it has no pool.
    var computesOnCaller: Bool { true }

    func beginServing() { session.crew.set(.usual) }

    func setPace(_ pace: WorkPace) { session.crew.set(pace) }

    func pinCrew(to cores: [Int32]) { _ = session.crew.pin(to: cores) }

    /// From now on until it serves, the session's own pool has only what others leave.
    func prepare() { session.crew.set(.leftovers) }

    /// Pins the calling thread and the session's own pool to the placement's own cores.
    ///
    /// The number of threads stays what it was; without cores nothing is pinned.
    func pin(_ placement: Placement) throws(EngineError) {
        guard !standsInForGPU else { return }
        let cores = try processors.numbers(of: placement.own)
        guard !cores.isEmpty else { return }
        try Processors.pinCallingThread(to: cores)
        guard session.crew.pin(to: cores) == 0 else {
            throw EngineError(
                .failed,
                "the threads of \(model.weights.file.title) can't be pinned to cores "
                    + "\(cores); check the process's cpuset"
            )
        }
    }
}

// MARK: - A batch

extension ONNXInstance {
    func prepare(items: Int32, shapes: InputShapes) throws(EngineError) {
        lent.giveBack()
        hasRun = false
        let batch: BoundBatch
        if let current, current.items == items, current.shapes == shapes {
            batch = current
        } else {
            current = nil
            batch = try find(items, shapes)
        }
        if batch.generation != generation { try bind(batch) }
        for index in announced.indices { announced[index] = 0 }
        uses += 1
        batch.lastUse = uses
        current = batch
    }

    func input(
        _ index: Int,
        byteCount: Int
    ) throws(EngineError) -> UnsafeMutableRawBufferPointer {
        guard let batch = current, let size = batch.sizes[index] else {
            throw EngineError(.failed, "input \(index) was not announced for this batch")
        }
        let tensor = layout.inputs[index]
        if tensor.type == .bytes {
            // Lengths are checked when they are read; the buffer is not bound, so it may move.
            guard byteCount >= 4 * size else {
                throw EngineError(
                    .badInput,
                    "input '\(tensor.name)' has \(byteCount) bytes, too few for \(size) "
                        + "strings with a 4-byte length each"
                )
            }
            _ = inputs[index].reserve(byteCount)
            announced[index] = byteCount
        } else if byteCount != size {
            throw EngineError(
                .badInput,
                "input '\(tensor.name)' has \(byteCount) bytes, but shape "
                    + "\(batch.dims[index]) of \(tensor.type.name) takes \(size)"
            )
        }
        return UnsafeMutableRawBufferPointer(start: inputs[index].base, count: byteCount)
    }

    func perform(_ stage: Stage) throws(EngineError) -> StageTimes? {
        switch stage {
        case .whole: break
        case .run(segments: 0..<1) where standsInForGPU: break
        case .copyIn where standsInForGPU, .copyOut where standsInForGPU: return nil
        default:
            throw EngineError(.failed, "ONNX Runtime on a CPU runs whole batches, not \(stage)")
        }
        guard let batch = current else {
            throw EngineError(.failed, "no batch was prepared")
        }
        lent.giveBack()
        for index in layout.inputs.indices {
            guard let value = batch.strings[index], let count = batch.sizes[index] else {
                continue
            }
            let wire = UnsafeRawBufferPointer(start: inputs[index].base, count: announced[index])
            let name = layout.inputs[index].name
            try strings.fill(value, count: count, from: wire, name: name)
        }
        try batch.renewOutputs(layout)
        try run(batch, retries: true)
        hasRun = true
        try learnShapes(of: batch)
        return nil
    }

    func output(_ index: Int) throws(EngineError) -> EngineOutput {
        guard let batch = current, hasRun else {
            throw EngineError(.failed, "there is no result: the batch has not run")
        }
        let output = batch.outputs[index]
        if output.room == .own, batch.generation == generation {
            let bytes = UnsafeRawBufferPointer(start: results[index].base, count: output.byteCount)
            return EngineOutput(shape: output.shape, bytes: bytes)
        }
        let tensor = layout.outputs[index]
        let value = try lent.value(index, of: batch, named: tensor.name)
        let shape = try lent.shape(of: value)
        guard let size = tensor.size(of: shape) else {
            throw EngineError(.failed, "output '\(tensor.name)' is larger than 8 GiB")
        }
        if tensor.type == .bytes {
            let count = try strings.read(value, count: size, into: results[index], offsets: offsets)
            let bytes = UnsafeRawBufferPointer(start: results[index].base, count: count)
            return EngineOutput(shape: shape, bytes: bytes)
        }
        var base: UnsafeMutableRawPointer?
        try library.check(library.calls.tensor_bytes(value, &base), "a tensor's bytes")
        return EngineOutput(shape: shape, bytes: UnsafeRawBufferPointer(start: base, count: size))
    }
}

// MARK: - Binding

extension ONNXInstance {
    /// The kept batch of that size and shape, or a new one.
    private func find(_ items: Int32, _ shapes: InputShapes) throws(EngineError) -> BoundBatch {
        if let known = batches.first(where: { $0.items == items && $0.shapes == shapes }) {
            return known
        }
        guard items >= 1 else {
            throw EngineError(.badInput, "a batch needs 1 item at least, not \(items)")
        }
        let batch = try BoundBatch(
            items: items,
            shapes: shapes,
            layout: layout,
            session: session
        )
        if batches.count >= Self.batchLimit,
            let oldest = batches.indices.min(by: { batches[$0].lastUse < batches[$1].lastUse })
        {
            batches.remove(at: oldest)
        }
        batches.append(batch)
        return batch
    }

    /// Makes room for all tensors of a batch and binds it.
    private func bind(_ batch: BoundBatch) throws(EngineError) {
        for (index, size) in batch.sizes.enumerated() where layout.inputs[index].type != .bytes {
            if let size, inputs[index].reserve(size) { generation += 1 }
        }
        for (index, output) in batch.outputs.enumerated() {
            if output.room == .own, results[index].reserve(output.byteCount) {
                generation += 1
            }
        }
        try batch.bind(
            layout: layout,
            inputs: inputs.map(\.base),
            results: results.map(\.base),
            generation: generation
        )
    }

    /// After the first run of a batch: outputs whose shape is known now get our own buffers.
    private func learnShapes(of batch: BoundBatch) throws(EngineError) {
        for (index, output) in batch.outputs.enumerated() {
            guard output.room == .unknown else { continue }
            let tensor = layout.outputs[index]
            let shape = try lent.shape(of: lent.value(index, of: batch, named: tensor.name))
            guard tensor.type != .bytes, let size = tensor.size(of: shape) else {
                batch.outputs[index].room = .library
                continue
            }
            batch.outputs[index].shape = shape
            batch.outputs[index].byteCount = size
            batch.outputs[index].room = .own
            batch.generation = -1
        }
    }
}

// MARK: - Running

extension ONNXInstance {
    /// Runs the prepared batch once more and lets the arena shrink to what is in use.
    func trim() throws(EngineError) {
        guard let batch = current, hasRun else { return }
        lent.giveBack()
        let options = RunGate(library: library, shrinkage: "cpu:0")
        let pointer = try options.begin()
        let complaint = library.take(library.calls.run(session.handle, pointer, batch.binding))
        _ = options.end()
        if let complaint {
            throw EngineError(.failed, "memory could not be given back: \(complaint.text)")
        }
    }

    private func run(_ batch: BoundBatch, retries: Bool) throws(EngineError) {
        let options = try gate.begin()
        let status = library.calls.run(session.handle, options, batch.binding)
        let asked = gate.end()
        guard let complaint = library.take(status) else { return }
        let title = model.weights.file.title
        if asked {
            throw EngineError(.terminated, "\(title): the batch was ended before it was done")
        }
        // Perhaps a shape that depends on the data was taken for a fixed one; never again.
        if retries, batch.loosen(layout) {
            try bind(batch)
            return try run(batch, retries: false)
        }
        if ONNXLibrary.isOutOfMemory(complaint.text) {
            throw EngineError(
                .outOfMemory,
                "\(title): memory ran out in a batch of \(batch.items): \(complaint.text); "
                    + "lower the batch limit"
            )
        }
        let kind: EngineError.Kind =
            complaint.code == connx_code_invalid_argument ? .badInput : .failed
        throw EngineError(kind, "\(title): the run failed: \(complaint.text)")
    }
}
