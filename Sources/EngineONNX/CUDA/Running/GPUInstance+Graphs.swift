import CCUDADriver
import CONNXRuntime
import Glibc
import Logging
import ServerRuntime
import ServingDomain

/// CUDA graphs: what a batch of one size launches is captured once, and replayed from then on.
///
/// The provider captures in the first run that brings a new number (`gpu_graph_id`), after one
/// plain run for the memory it takes; it keeps graphs by thread and wants the same addresses and
/// shapes for ever. So the lane's own thread captures, before its first batch, every size that
/// warm-up ran; a batch that is bound anew, or run by another thread, runs without its graph.
extension GPUInstance {
    /// The number that tells the library to run plainly.
    static let plainly: Int32 = -1

    func beginServing() { captureGraphs() }

    /// The graph that a batch replays now; nil where the session knows nothing of graphs.
    func graph(of batch: BoundBatch) -> Int32? {
        guard lane.session.capturesGraphs else { return nil }
        guard let graph = batch.graph, let owner = graphThread,
            pthread_equal(owner, pthread_self()) != 0
        else { return Self.plainly }
        return graph
    }

    /// Captures all sizes that are kept and have no graph yet. Blocks until nothing else runs on
    /// any GPU, and for two runs of each. A failure is logged, and ends captures for the model.
    func captureGraphs() {
        guard lane.session.capturesGraphs, sessions.graphs.isOn,
            model.weights.settings.shrinkage.isEmpty
        else { return }
        let wanted = batches.filter { $0.graph == nil && Self.isFixed($0) }
            .sorted { $0.items > $1.items }
        guard !wanted.isEmpty else { return }
        current = nil
        graphThread = pthread_self()
        do throws(EngineError) {
            try CaptureGate.beside { () throws(EngineError) in try makeReady(wanted) }
            try CaptureGate.alone { () throws(EngineError) in
                try device.context.enter()
                for batch in wanted { try capture(batch) }
            }
            engineLog.info(
                "\(title): \(wanted.count) batch sizes run as CUDA graphs on \(device.spec.name)"
            )
        } catch {
            doWithoutGraphs(error.message)
        }
    }

    /// Whether a batch's tensors keep their shapes and places.
    private static func isFixed(_ batch: BoundBatch) -> Bool {
        batch.outputs.allSatisfy { $0.room == .own }
    }

    /// Binds batches for good, the largest first so that no buffer moves after, and clears the
    /// inputs: what a new buffer holds may be no input that a model can bear.
    private func makeReady(_ wanted: [BoundBatch]) throws(EngineError) {
        try device.context.enter()
        for _ in 0..<2 {
            for batch in wanted where batch.generation != generation { try bind(batch) }
        }
        let stream = device.copies.lowIn
        for input in inputs {
            memset(input.host, 0, input.capacity)
            try input.copyIn(0..<input.capacity, on: stream)
        }
        try stream.synchronize()
    }

    private func capture(_ batch: BoundBatch) throws(EngineError) {
        let graph = lane.session.nextGraph()
        let options = try gate.begin(graph: graph)
        let text: String?
        if let complaint = sessions.provider.complaint?(batch.items) {
            text = complaint
        } else {
            let handle = lane.session.handle
            text = library.take(library.calls.run(handle, options, batch.binding))?.text
        }
        _ = gate.end()
        try lane.stream.synchronize()
        if let text {
            throw EngineError(.failed, "capturing a batch of \(batch.items) failed: \(text)")
        }
        batch.graph = graph
    }

    /// Takes a session that captures nothing, since a failed capture may leave anything behind, and
    /// warms it.
    private func doWithoutGraphs(_ reason: String) {
        sessions.graphs.refuse(title, reason)
        lane.session.spoil()
        let planned = batches.map { ($0.items, $0.shapes) }
        do throws(EngineError) {
            try CaptureGate.beside { () throws(EngineError) in
                let (units, memory) = (lane.units, lane.memoryMiB)
                change(to: try GPULane(sessions, units: units, memoryMiB: memory))
                for (items, shapes) in planned { try warm(items, shapes) }
            }
        } catch {
            engineLog.error("\(title): the session without CUDA graphs: \(error.message)")
        }
    }

    /// Makes batches of the sizes that there were before a change of sessions, so that they are
    /// captured for the new one.
    func recapture(_ planned: [(Int32, InputShapes)]) {
        guard graphThread != nil, lane.session.capturesGraphs else { return }
        for (items, shapes) in planned { _ = try? find(items, shapes) }
        captureGraphs()
    }

    private func warm(_ items: Int32, _ shapes: InputShapes) throws(EngineError) {
        let batch = try find(items, shapes)
        try bind(batch)
        try run(batch, retries: true)
    }
}
