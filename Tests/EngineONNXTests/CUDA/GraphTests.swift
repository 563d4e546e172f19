import Logging
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

@testable import EngineONNX

extension OnStandIn {
    /// CUDA graphs, as far as a library without them tells: what is captured when, by whom, what
    /// runs meanwhile, and what becomes of a capture that fails.
    @Suite(.enabled(if: Bench.engine != nil, Bench.skip), .timeLimit(.minutes(2)))
    struct Graphs {
        private func model(
            _ standIn: StandIn,
            _ bytes: ModelBytes = .affine,
            options: [String: String] = [:],
            complaint: (@Sendable (Int32) -> String?)? = nil
        ) throws -> (any LoadedModel, DeviceSpec) {
            let provider = GPUProvider(isHost: true, capturesGraphs: true, complaint: complaint)
            let engine = try ONNXEngine(
                library: nil,
                gpus: standIn.request(),
                provider: provider,
                log: LogLines().logger
            )
            let path = try Bench.file(bytes.bytes)
            defer { Bench.remove(path) }
            let artifact = ModelArtifact(name: "test", version: 1, path: path, options: options)
            return (try engine.load(artifact), try #require(engine.gpuSpecs.first))
        }

        private func place(_ device: DeviceSpec, _ units: ClosedRange<Int32>) -> Placement {
            Placement(device: device, units: Array(units), own: Array(units))
        }

        private func instance(
            _ model: any LoadedModel,
            _ device: DeviceSpec,
            _ units: ClosedRange<Int32>
        ) throws -> GPUInstance {
            try #require(try model.makeInstance(place(device, units)) as? GPUInstance)
        }

        private static func isRight(_ gpu: GPUInstance, _ items: Int32) throws -> Bool {
            var (input, wanted): ([Float], [Float]) = ([], [])
            for row in 0..<items {
                let value = Float(row)
                input += [value, 1]
                wanted += [value + 14, 2 * value + 25, 3 * value + 36]
            }
            let result = try Bench.run(gpu, items: items, dims: [2], floats(input))
            return result.bytes == floats(wanted)
        }

        /// Proves that every size that warm-up ran is captured once, on the thread that serves,
        /// with a number of its own; that this thread replays and others run plainly; and that
        /// results stay right.
        @Test
        func capturing() throws {
            try StandIn.run { standIn in
                let runs = Counter()
                let (model, device) = try model(standIn) { _ in
                    runs.add()
                    return nil
                }
                let gpu = try instance(model, device, 0...3)
                #expect(gpu.lane.session.capturesGraphs)
                for items: Int32 in [1, 2, 4, 8] { #expect(try Self.isRight(gpu, items)) }
                #expect(gpu.batches.allSatisfy { $0.graph == nil })
                #expect(gpu.batches.allSatisfy { gpu.graph(of: $0) == GPUInstance.plainly })
                let warm = runs.count
                gpu.beginServing()
                #expect(runs.count == warm + 4)
                let graphs = gpu.batches.compactMap(\.graph)
                #expect(Set(graphs).count == 4)
                #expect(gpu.batches.map { gpu.graph(of: $0) } == graphs)
                for items: Int32 in [8, 1, 4, 2, 8] { #expect(try Self.isRight(gpu, items)) }
                #expect(gpu.batches.compactMap(\.graph) == graphs)
                let elsewhere = try Bench.onThread { gpu.batches.map { gpu.graph(of: $0) } }
                #expect(elsewhere.allSatisfy { $0 == GPUInstance.plainly })
                // Once more is nothing more.
                gpu.beginServing()
                #expect(runs.count == warm + 4 + 5)
            }
        }

        /// Proves that a thread which has not used the GPU yet captures, as a lane's does that
        /// takes a warm instance over.
        @Test
        func fromALoadingThread() throws {
            try StandIn.run { standIn in
                let (model, device) = try model(standIn)
                let gpu = try instance(model, device, 0...3)
                for items: Int32 in [1, 2] { #expect(try Self.isRight(gpu, items)) }
                let right = try Bench.onThread {
                    gpu.beginServing()
                    let captured = gpu.batches.allSatisfy { gpu.graph(of: $0) ?? -1 > 0 }
                    return try captured && Self.isRight(gpu, 2)
                }
                #expect(right)
                #expect(gpu.lane.session.capturesGraphs)
            }
        }

        /// Proves that a graph goes with the binding and the session that it was captured with: a
        /// size that was not warmed runs plainly, memory that moves voids graphs, other units mean
        /// other graphs, and an idle session's numbers are never used twice.
        @Test
        func voiding() throws {
            try StandIn.run { standIn in
                let (model, device) = try model(standIn)
                let gpu = try instance(model, device, 0...3)
                for items: Int32 in [1, 2] { #expect(try Self.isRight(gpu, items)) }
                gpu.beginServing()
                let first = gpu.lane.session
                let graphs = Set(gpu.batches.compactMap(\.graph))
                #expect(try Self.isRight(gpu, 3))
                #expect(gpu.batches.first { $0.items == 3 }?.graph == nil)
                // Too large for the buffers: they move.
                #expect(try Self.isRight(gpu, 2_000))
                #expect(try Self.isRight(gpu, 2))
                #expect(gpu.batches.first { $0.items == 2 }?.graph == nil)
                try gpu.pin(place(device, 4...5))
                #expect(gpu.lane.session !== first)
                #expect(gpu.batches.count == 4)
                #expect(gpu.batches.allSatisfy { $0.graph != nil })
                try gpu.pin(place(device, 0...3))
                #expect(gpu.lane.session === first)
                let again = Set(gpu.batches.compactMap(\.graph))
                #expect(again.count == 4)
                #expect(again.isDisjoint(with: graphs))
                for items: Int32 in [1, 2, 3, 2_000] { #expect(try Self.isRight(gpu, items)) }
            }
        }

        /// Proves that a capture which fails is given up in one go: the session goes, another one
        /// without graphs serves on, and no later instance tries again.
        @Test
        func failing() throws {
            try StandIn.run { standIn in
                let isCapturing = Counter()
                let (model, device) = try model(standIn) { _ in
                    CaptureGate.standing.isTaken && isCapturing.add() == 2
                        ? "operation not permitted when stream is capturing" : nil
                }
                let gpu = try instance(model, device, 0...3)
                for items: Int32 in [1, 2, 4] { #expect(try Self.isRight(gpu, items)) }
                let first = gpu.lane.session
                gpu.beginServing()
                #expect(isCapturing.count == 2)
                #expect(gpu.lane.session !== first)
                #expect(first.isSpoilt)
                #expect(!gpu.lane.session.capturesGraphs)
                #expect(gpu.device.idle.count == 0)
                #expect(gpu.batches.map(\.items).sorted() == [1, 2, 4])
                for items: Int32 in [4, 2, 1] { #expect(try Self.isRight(gpu, items)) }
                let later = try instance(model, device, 4...5)
                #expect(!later.lane.session.capturesGraphs)
                #expect(try Self.isRight(later, 2))
                later.beginServing()
                #expect(isCapturing.count == 2)
            }
        }

        /// Proves that models whose outputs depend on the data, and those that give memory back
        /// after each run, are never captured.
        @Test
        func unfixed() throws {
            try StandIn.run { standIn in
                let (places, device) = try model(standIn, .places)
                let gpu = try instance(places, device, 0...0)
                let row: [Float] = [1, 0, 1, 1]
                _ = try Bench.run(gpu, items: 1, dims: [4], floats(row))
                gpu.beginServing()
                #expect(gpu.batches.allSatisfy { $0.graph == nil })
                #expect(gpu.graphThread == nil)
                let key = "memory.enable_memory_arena_shrinkage"
                let (shrinking, same) = try model(standIn, options: [key: "cpu:0"])
                let other = try instance(shrinking, same, 0...0)
                #expect(try Self.isRight(other, 2))
                other.beginServing()
                #expect(other.graphThread == nil)
            }
        }

        /// Proves that nothing runs on a GPU while a graph is captured, under load from other
        /// lanes, and that the lanes go on after.
        @Test
        func alone() async throws {
            let standIn = try StandIn()
            do {
                let disturbed = Counter()
                let (model, device) = try model(standIn) { _ in
                    let standing = CaptureGate.standing
                    if standing.isTaken, standing.working > 0 { disturbed.add() }
                    return nil
                }
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for lane in Int32(0)..<3 {
                        let place = place(device, lane * 4...lane * 4 + 3)
                        group.addTask {
                            try Bench.onThread {
                                let made = try model.makeInstance(place)
                                let gpu = try #require(made as? GPUInstance)
                                var right = true
                                for items: Int32 in [1, 2, 4] {
                                    right = try Self.isRight(gpu, items) && right
                                }
                                gpu.beginServing()
                                right = gpu.batches.allSatisfy { $0.graph != nil } && right
                                for round in Int32(0)..<60 {
                                    right = try Self.isRight(gpu, 1 << (round % 3)) && right
                                }
                                return right
                            }
                        }
                    }
                    for try await right in group { #expect(right) }
                }
                #expect(disturbed.count == 0)
                #expect(CaptureGate.standing == (false, 0))
            }
            #expect(standIn["violations"] == 0, "\(standIn.log.suffix(2_000))")
        }

        /// Proves that a library which knows no numbers of graphs is refused in one line: it would
        /// replay the first batch's graph for every other.
        @Test
        func versions() throws {
            for version in ["1.18.0", "1.31.1", "2.0.0"] {
                try GPUSupport.checkGraphs(version: version)
            }
            for version in ["1.17.3", "0.9", "new"] {
                let error = try Bench.error { try GPUSupport.checkGraphs(version: version) }
                #expect(error.kind == .unavailable)
                #expect(error.message.contains("this is \(version); leave --cuda-graphs out"))
            }
        }

        /// Proves that the provider is told of graphs only where they are wanted.
        @Test
        func options() throws {
            let stream = try #require(OpaquePointer(bitPattern: 0x7F00_1234))
            for wanted in [false, true] {
                let settings = GPUProvider.settings(0, stream, 700, graphs: wanted)
                defer { for setting in settings { setting.release() } }
                let value = settings.first { $0.key.text == "enable_cuda_graph" }?.value.text
                #expect(value == (wanted ? "1" : nil))
            }
        }
    }
}

/// Counts from any thread.
private final class Counter: Sendable {
    private let value = Mutex(0)
    var count: Int { value.withLock { $0 } }

    /// Counts one more; how many there are then.
    @discardableResult
    func add() -> Int {
        value.withLock { value in
            value += 1
            return value
        }
    }
}
