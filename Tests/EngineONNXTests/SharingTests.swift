import Glibc
import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

@Suite(.enabled(if: Bench.engine != nil, Bench.skip))
struct SharingTests {
    private func session(_ instance: any EngineInstance) throws -> ONNXSession {
        try #require(instance as? ONNXInstance).boundSession
    }

    /// Proves that instances with one core share a session, each with results of its own.
    @Test
    func oneCore() throws {
        let model = try Bench.load(.affine)
        let first = try model.makeInstance(Bench.place())
        let second = try model.makeInstance(Bench.place())
        #expect(try session(first) === session(second))
        let one = try Bench.run(first, items: 1, dims: [2], floats([1, 1]))
        let zero = try Bench.run(second, items: 1, dims: [2], floats([0, 0]))
        let lent = try first.output(0)
        #expect(Array(lent.bytes) == one.bytes)
        #expect(one.bytes == floats([15, 27, 39]))
        #expect(zero.bytes == floats([10, 20, 30]))
    }

    /// Proves that instances of one session may run at the same time.
    @Test
    func sideBySide() async throws {
        let model = try Bench.load(.chain(length: 50))
        let bytes = floats((0..<256).map { Float($0) })
        let expected = floats((0..<256).map { Float(($0 + 256 - 50) % 256) })
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    try Bench.onThread {
                        let instance = try model.makeInstance(Bench.place())
                        return try (0..<20).allSatisfy { _ in
                            try Bench.run(instance, items: 1, dims: [256], bytes).bytes == expected
                        }
                    }
                }
            }
            for try await right in group { #expect(right) }
        }
    }

    /// Proves that instances with several threads have pools of their own, that the model's
    /// first session is not wasted, and that a session given back is used again.
    @Test
    func severalThreads() throws {
        let model = try Bench.load(.chain(length: 3), options: ["intra_op_thread_count": "3"])
        var first: (any EngineInstance)? = try model.makeInstance(Bench.place())
        let second = try model.makeInstance(Bench.place())
        let kept = try session(#require(first))
        #expect(try kept !== session(second))
        #expect(kept.threads == 3)
        #expect(kept.crew.count == 2)
        let again = try session(second)
        first = nil
        let third = try model.makeInstance(Bench.place())
        #expect(try session(third) !== again)
        let bytes = [UInt8](repeating: 0, count: 512 * 1024)
        #expect(try Bench.run(third, items: 512, dims: [256], bytes).bytes == bytes)
    }

    /// Proves that a file which is loaded twice is read once, and that a changed one is not
    /// taken for the old.
    @Test
    func loadedTwice() throws {
        let engine = try #require(Bench.engine)
        let path = try Bench.file(ModelBytes.affine.bytes)
        defer { Bench.remove(path) }
        let artifact = ModelArtifact(name: "twice", version: 1, path: path)
        let first = try engine.load(artifact).makeInstance(Bench.place())
        let second = try engine.load(artifact).makeInstance(Bench.place())
        #expect(try session(first) === session(second))
        let other = try Bench.file(ModelBytes.identity(.fp32).bytes)
        #expect(rename(other, path) == 0)
        rmdir(String(other.dropLast("/model.onnx".count)))
        let third = try engine.load(artifact)
        #expect(third.declared.inputs.first?.shape == [-1, 3])
    }

    /// Proves that the lane thread and the pool's threads sit where they were pinned, and move.
    @Test
    func pinning() throws {
        let model = try Bench.load(.chain(length: 1), options: ["intra_op_thread_count": "2"])
        let allowed = Processors().allowed
        let (first, last) = (allowed[0], allowed[allowed.count - 1])
        let seen = try Bench.onThread { () -> [[Int32]] in
            let instance = try model.makeInstance(Bench.place(own: [first]))
            let pool = try #require(instance as? ONNXInstance).boundSession.crew.threads
            let threads = [pthread_self()] + pool
            let before = threads.map { Processors.of(thread: $0) }
            try instance.pin(Bench.place(own: [last]))
            return before + threads.map { Processors.of(thread: $0) }
        }
        #expect(seen == [[first], [first], [last], [last]])
    }

    /// Proves that cores which are not there are refused, and nothing is pinned.
    @Test
    func pinningElsewhere() throws {
        let model = try Bench.load(.affine)
        let far = (Processors().allowed.max() ?? 0) + 1
        let error = try Bench.error {
            _ = try Bench.onThread { _ = try model.makeInstance(Bench.place(own: [far])) }
        }
        #expect(error.kind == .failed)
        #expect(error.message.contains("core \(far)"))
    }
}

@Suite(.enabled(if: Bench.engine != nil, Bench.skip))
struct SharedWeightsTests {
    /// A chain of four products whose weights are worth sharing: 4 x 1.5 MiB, turned by one place.
    static var heavy: ModelBytes {
        let width = 628
        var model = ModelBytes()
        for layer in 0..<4 {
            var values = [Float](repeating: 0, count: width * width)
            for index in 0..<width { values[index * width + (index + 1) % width] = 1 }
            model.weights.append(.init("W\(layer)", [Int64(width), Int64(width)], values))
            let inputs = [layer == 0 ? "x" : "t\(layer)", "W\(layer)"]
            let output = layer == 3 ? "y" : "t\(layer + 1)"
            model.nodes.append(.init(operation: "MatMul", inputs: inputs, outputs: [output]))
        }
        model.inputs = [("x", .fp32, [.free("N"), .fixed(Int64(width))])]
        model.outputs = [("y", .fp32, [.free("N"), .fixed(Int64(width))])]
        return model
    }

    /// Proves that sibling instances with pools of their own share one set of weights, also when
    /// the file is gone by then, and compute the same as a session that has its own.
    @Test
    func siblings() throws {
        let model = try Bench.load(Self.heavy, options: ["intra_op_thread_count": "2"])
        #expect(model.weightsMiB == 7)
        let cores = [Int32](repeating: 0, count: 2)
        let alone = try model.makeInstance(Bench.place())
        var place = Bench.place()
        place.units = cores
        place.own = [0]
        let row = floats((0..<628).map { Float($0) })
        let expected = floats((0..<628).map { Float(($0 + 628 - 4) % 628) })
        let siblings = place
        let (one, other) = try Bench.onThread {
            (try model.makeInstance(siblings), try model.makeInstance(siblings))
        }
        let sessions = try [one, other].map { try #require($0 as? ONNXInstance).boundSession }
        #expect(sessions[0] !== sessions[1])
        #expect(sessions[0].weights != nil)
        #expect(sessions[0].weights === sessions[1].weights)
        for instance in [alone, one, other] {
            #expect(try Bench.run(instance, items: 1, dims: [628], row).bytes == expected)
        }
    }

    /// Proves that a model with little to share gets plain sessions.
    @Test
    func littleToShare() throws {
        let model = try Bench.load(.affine, options: ["intra_op_thread_count": "2"])
        var place = Bench.place()
        (place.units, place.own) = ([0, 0], [0])
        let siblings = place
        let instance = try Bench.onThread { try model.makeInstance(siblings) }
        #expect(try #require(instance as? ONNXInstance).boundSession.weights == nil)
    }

    /// Proves that initialisers are found where they lie, and that no truncated file is taken
    /// for a whole one.
    @Test
    func initialisers() throws {
        let bytes = ModelBytes.affine.bytes
        try bytes.withUnsafeBytes { whole in
            let found = try #require(InitializerReader(whole).initializers())
            #expect(found.map(\.name) == ["W", "b"])
            #expect(found.map(\.dims) == [[2, 3], [3]])
            #expect(
                found.map { Array(whole[$0.raw]) } == [
                    floats([1, 2, 3, 4, 5, 6]), floats([10, 20, 30]),
                ]
            )
            var ends = 0
            for count in 0..<whole.count {
                let part = UnsafeRawBufferPointer(rebasing: whole.prefix(count))
                // Cut between two of the model's own fields it is a message, but a smaller one.
                if InitializerReader(part).initializers() != nil { ends += 1 }
            }
            #expect(ends == 4)
        }
    }
}
