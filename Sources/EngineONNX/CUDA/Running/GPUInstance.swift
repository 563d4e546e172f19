import CONNXRuntime
import Glibc
import ServerRuntime
import ServingDomain

/// Runs batches of one model on a gpulet of a GPU.
///
/// Fronts gather into pinned memory; copies go over the device's copy streams, in one piece for
/// what is high, in the chunks of `StagePlan` for what is low; the session's kernels go to the
/// gpulet's stream. A batch for which memory runs out is run in smaller ones from then on.
final class GPUInstance: EngineInstance, @unchecked Sendable {
    // Safe: the lane thread alone touches everything but `gate`, which is locked.

    /// Graphs are kept by thread, and so is the present context.
    var needsItsThread: Bool { true }
    /// Kernels are chosen for each size, and graphs captured.
    var preparesForEachSize: Bool { true }

    let model: ONNXModel
    let layout: TensorLayout
    let sessions: GPUSessions
    let gate: RunGate
    var lane: GPULane
    /// By input and by output: pinned memory and memory of the device.
    private(set) var inputs: [TransferBuffer], results: [TransferBuffer]
    /// Marks of the copies in and out.
    let arrival: CopyTicket, departure: CopyTicket
    let lent: LentOutputs
    /// How far the present batch has come.
    var progress = Progress()
    var current: BoundBatch?
    /// The most items that are run at once; smaller after memory ran out.
    var mostItems = Int32.max
    /// The parts of larger batches, by their number of items.
    var parts: [BoundBatch] = []
    /// The sizes and shapes that are kept bound.
    private(set) var batches: [BoundBatch] = []
    /// The thread that captured CUDA graphs, which alone can replay them.
    var graphThread: pthread_t?
    /// Counts how often memory moved.
    private(set) var generation = 0
    private var uses = 0

    /// How far a batch has come, in bytes of all inputs and of all outputs one after the other.
    struct Progress {
        var copiedIn = 0
        var copiedOut = 0
        var hasRun = false
    }

    /// The most sizes and shapes that are kept bound.
    private static let batchLimit = 64

    var device: GPUDevice { sessions.device }
    var library: ONNXLibrary { model.weights.library }
    var title: String { model.weights.file.title }

    /// Makes an instance. Blocks while a session is made, where none is idle on these units.
    ///
    /// - Throws: `badModel` for models with strings, and for operators without a kernel.
    init(
        model: ONNXModel,
        sessions: GPUSessions,
        placement: Placement
    ) throws(EngineError) {
        self.model = model
        self.sessions = sessions
        layout = model.layout
        let device = sessions.device.context
        let tensors = model.layout.inputs + model.layout.outputs
        if let strings = tensors.first(where: { $0.type == .bytes }) {
            throw EngineError(
                .badModel,
                "\(model.weights.file.title): '\(strings.name)' holds strings, which a GPU can't; "
                    + "allow the CPU for it with parameter gpu.cpu_fallback = 1"
            )
        }
        lane = try GPULane(sessions, units: placement.units, memoryMiB: placement.memoryMiB)
        let settings = model.weights.settings
        gate = RunGate(library: model.weights.library, shrinkage: settings.shrinkage)
        inputs = model.layout.inputs.map { _ in TransferBuffer(on: device) }
        results = model.layout.outputs.map { _ in TransferBuffer(on: device) }
        lent = LentOutputs(library: model.weights.library)
        arrival = try CopyTicket(on: sessions.device)
        departure = try CopyTicket(on: sessions.device)
    }

    deinit {
        // Memory that is given back would disturb a capture.
        try? CaptureGate.beside { (inputs, results) = ([], []) }
    }

    func terminate() { gate.terminate() }

    /// Goes to other units: takes the session that is idle there, else makes one, which blocks.
    func pin(_ placement: Placement) throws(EngineError) {
        guard placement.units != lane.units else { return }
        let planned = batches.map { ($0.items, $0.shapes) }
        try CaptureGate.beside { () throws(EngineError) in
            let (units, memory) = (placement.units, placement.memoryMiB)
            change(to: try GPULane(sessions, units: units, memoryMiB: memory))
        }
        recapture(planned)
    }

    /// Runs with another session from now on.
    func change(to next: GPULane) {
        // Bindings belong to a session.
        lent.giveBack()
        batches.removeAll()
        parts.removeAll()
        current = nil
        lane = next
    }

    func trim() throws(EngineError) {
        try CaptureGate.beside { () throws(EngineError) in try shrinkArena() }
    }

    private func shrinkArena() throws(EngineError) {
        guard let batch = current, progress.hasRun else { return }
        lent.giveBack()
        let name = sessions.provider.isHost ? "cpu:0" : "gpu:\(device.facts.ordinal)"
        let options = RunGate(library: library, shrinkage: name)
        let pointer = try options.begin(graph: lane.session.capturesGraphs ? Self.plainly : nil)
        let status = library.calls.run(lane.session.handle, pointer, batch.binding)
        _ = options.end()
        if let complaint = library.take(status) {
            throw EngineError(.failed, "memory could not be given back: \(complaint.text)")
        }
    }
}

// MARK: - A batch

extension GPUInstance {
    func prepare(items: Int32, shapes: InputShapes) throws(EngineError) {
        try CaptureGate.beside { () throws(EngineError) in try ready(items, shapes) }
    }

    private func ready(_ items: Int32, _ shapes: InputShapes) throws(EngineError) {
        lent.giveBack()
        progress = Progress()
        let batch: BoundBatch
        if let current, current.items == items, current.shapes == shapes {
            batch = current
        } else {
            current = nil
            batch = try find(items, shapes)
        }
        if batch.generation != generation { try bind(batch) }
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
        guard byteCount == size else {
            let tensor = layout.inputs[index]
            throw EngineError(
                .badInput,
                "input '\(tensor.name)' has \(byteCount) bytes, but shape "
                    + "\(batch.dims[index]) of \(tensor.type.name) takes \(size)"
            )
        }
        return UnsafeMutableRawBufferPointer(start: inputs[index].host, count: byteCount)
    }

    func output(_ index: Int) throws(EngineError) -> EngineOutput {
        guard let batch = current, progress.hasRun else {
            throw EngineError(.failed, "there is no result: the batch has not run")
        }
        try CaptureGate.beside { () throws(EngineError) in
            try device.context.enter()
            try copyRest(of: batch)
        }
        let output = batch.outputs[index]
        let bytes = UnsafeRawBufferPointer(start: results[index].host, count: output.byteCount)
        return EngineOutput(shape: output.shape, bytes: bytes)
    }

    /// The kept batch of that size and shape, or a new one.
    func find(_ items: Int32, _ shapes: InputShapes) throws(EngineError) -> BoundBatch {
        if let known = batches.first(where: { $0.items == items && $0.shapes == shapes }) {
            return known
        }
        let batch = try newBatch(items, shapes)
        if batches.count >= Self.batchLimit,
            let oldest = batches.indices.min(by: { batches[$0].lastUse < batches[$1].lastUse })
        {
            batches.remove(at: oldest)
        }
        batches.append(batch)
        return batch
    }

    /// A batch whose outputs are known as far as the file tells.
    func newBatch(_ items: Int32, _ shapes: InputShapes) throws(EngineError) -> BoundBatch {
        guard items >= 1 else {
            throw EngineError(.badInput, "a batch needs 1 item at least, not \(items)")
        }
        let batch = try BoundBatch(
            items: items,
            shapes: shapes,
            layout: layout,
            session: lane.session,
            memory: lane.memory
        )
        batch.presumeShapes(layout)
        return batch
    }

    /// Makes room for all tensors of a batch and binds it.
    func bind(_ batch: BoundBatch) throws(EngineError) {
        do throws(EngineError) {
            try reserve(batch)
        } catch {
            // Idle sessions may hold what is missing.
            guard error.kind == .outOfMemory, device.idle.drop() > 0 else { throw error }
            try reserve(batch)
        }
        try batch.bind(
            layout: layout,
            inputs: inputs.map(\.onDevice),
            results: results.map(\.onDevice),
            generation: generation
        )
    }

    /// Memory has moved: every batch is bound anew before its next use.
    func forgetBindings() { generation += 1 }

    private func reserve(_ batch: BoundBatch) throws(EngineError) {
        for (index, buffer) in inputs.enumerated() {
            if try buffer.reserve(max(1, batch.sizes[index] ?? 1)) { generation += 1 }
        }
        for (index, buffer) in results.enumerated() {
            if try buffer.reserve(max(1, batch.outputs[index].byteCount)) { generation += 1 }
        }
    }
}
