import EngineEmulated
import Foundation
import ServerRuntime
import ServingDomain
import Testing
import VirtualDevices

@Suite("The emulated engine")
struct EmulatedEngineTests {
    private let placement = Placement(
        device: DeviceSpec(id: DeviceID(0), name: "cpu0", kind: "cpu", units: 2),
        units: [0, 1],
        own: [0, 1]
    )

    private func make(_ model: EmulatedModel) throws -> any EngineInstance {
        let engine = EmulatedEngine(models: ["m": model])
        let loaded = try engine.load(ModelArtifact(name: "m", version: 1, path: ""))
        return try loaded.makeInstance(placement)
    }

    private func fill(_ instance: any EngineInstance, with bytes: [UInt8]) throws {
        try instance.input(0, byteCount: bytes.count).copyBytes(from: bytes)
    }

    @Test("An output repeats the input of its type and shape, and is zero where none fits")
    func identityOrZero() throws {
        let model = EmulatedModel(
            signature: ModelSignature(
                inputs: [TensorSpec(name: "x", type: .fp32, dims: [2])],
                outputs: [
                    TensorSpec(name: "zeros", type: .int64, dims: [-1, 3]),
                    TensorSpec(name: "copy", type: .fp32, dims: [-1]),
                ],
                batched: true
            )
        )
        let instance = try make(model)
        let bytes = (0..<16).map { UInt8($0 + 1) }
        try instance.prepare(items: 2, shapes: InputShapes([[2]]))
        try fill(instance, with: bytes)
        try instance.perform(.whole)
        let copy = try instance.output(1)
        #expect(copy.shape == [2, 2] && Array(copy.bytes) == bytes)
        let zeros = try instance.output(0)
        #expect(zeros.shape == [2, 1, 3] && Array(zeros.bytes) == Array(repeating: 0, count: 48))
    }

    @Test("Bytes that no output can repeat are not wanted, yet checked")
    func unwanted() throws {
        let model = EmulatedModel(
            signature: ModelSignature(
                inputs: [
                    TensorSpec(name: "image", type: .fp32, dims: [3, 4]),
                    TensorSpec(name: "x", type: .fp32, dims: [2]),
                ],
                outputs: [TensorSpec(name: "y", type: .fp32, dims: [2])],
                batched: true
            )
        )
        let instance = try make(model)
        try instance.prepare(items: 2, shapes: InputShapes([[3, 4], [2]]))
        #expect(try instance.input(0, byteCount: 96).isEmpty)
        #expect(throws: EngineError.self) { try instance.input(0, byteCount: 95) }
        // Warm-ups and profilers write through this.
        try instance.fill(0, with: Array(repeating: 1, count: 48), items: 2)
        let wanted = try instance.input(1, byteCount: 16)
        #expect(wanted.count == 16)
        wanted.copyBytes(from: (0..<16).map { UInt8($0) })
        try instance.perform(.whole)
        #expect(Array(try instance.output(0).bytes) == (0..<16).map { UInt8($0) })
    }

    @Test(
        "Every data type goes through unchanged, BYTES with its lengths",
        arguments: DataType.allCases
    )
    func everyType(type: DataType) throws {
        let instance = try make(EmulatedModel(type: type, dims: [2], batched: false))
        let bytes: [UInt8] =
            type == .bytes
            ? [3, 0, 0, 0, 97, 98, 99, 0, 0, 0, 0]
            : (0..<(2 * (type.size ?? 0))).map { UInt8($0 + 1) }
        for _ in 0..<2 {
            try instance.prepare(items: 1, shapes: InputShapes([[2]]))
            try fill(instance, with: bytes)
            try instance.perform(.whole)
            let output = try instance.output(0)
            #expect(output.shape == [2] && Array(output.bytes) == bytes)
        }
    }

    @Test("Wrong byte counts, unprofiled batches and missing prepare are errors that say why")
    func refusals() throws {
        let surface = LatencySurface([.init(batch: 1, units: 1, latency: .zero)])
        let instance = try make(EmulatedModel(timing: VirtualModel(surface: surface)))
        #expect(throws: EngineError.self) { try instance.perform(.whole) }
        #expect(throws: EngineError.self) {
            try instance.prepare(items: 1, shapes: InputShapes([]))
        }
        try instance.prepare(items: 2, shapes: InputShapes([[16]]))
        let short = #expect(throws: EngineError.self) { try instance.input(0, byteCount: 64) }
        #expect(short?.kind == .badInput && short?.message.contains("takes 128") == true)
        try fill(instance, with: Array(repeating: 1, count: 128))
        let beyond = #expect(throws: EngineError.self) { try instance.perform(.whole) }
        #expect(beyond?.kind == .badInput && beyond?.message.contains("largest batch 1") == true)
        #expect(throws: EngineError.self) { try instance.perform(.copyIn(chunk: 0)) }
    }

    @Test("A run lasts at least what the surface says")
    func latency() throws {
        let surface = LatencySurface([.init(batch: 1, units: 1, latency: .milliseconds(3))])
        let instance = try make(EmulatedModel(timing: VirtualModel(surface: surface)))
        try instance.prepare(items: 1, shapes: InputShapes([[16]]))
        try fill(instance, with: Array(repeating: 0, count: 64))
        let took = try ContinuousClock().measure { try instance.perform(.whole) }
        #expect(took >= .milliseconds(3))
    }

    @Test("Terminate ends a run that waits long, at the gate or in its latency, and no later one")
    func terminate() async throws {
        let control = EmulatedControl()
        let surface = LatencySurface([.init(batch: 1, units: 1, latency: .seconds(3_600))])
        let model = EmulatedModel(timing: VirtualModel(surface: surface), control: control)
        let instance = try make(model)
        instance.terminate()
        try instance.prepare(items: 1, shapes: InputShapes([[16]]))
        for _ in 0..<2 {
            control.close()
            async let error = Self.run(instance)
            await control.blocked(atLeast: 1)
            control.pass(1)
            // Whether the run has left the gate by now does not matter: it may not end by itself.
            instance.terminate()
            #expect(await error?.kind == .terminated)
        }
        #expect(control.runs == Array(repeating: .init(items: 1, succeeded: false), count: 2))
    }

    @Test("A closed gate holds runs until they are let through, one permit each")
    func gate() async throws {
        let control = EmulatedControl()
        let model = EmulatedModel(control: control)
        control.close()
        let instances = try (0..<3).map { _ in try make(model) }
        for instance in instances {
            try instance.prepare(items: 1, shapes: InputShapes([[16]]))
            Thread.detachNewThread { _ = try? instance.perform(.whole) }
        }
        await control.blocked(atLeast: 3)
        #expect(control.endedCount == 0)
        control.pass(1)
        await control.ended(atLeast: 1)
        #expect(control.blockedCount == 2)
        control.open()
        await control.ended(atLeast: 3)
        #expect(control.blockedCount == 0)
    }

    @Test("Faults hit what they name: load, instance, the first run, every n-th run, the next")
    func faults() throws {
        let control = EmulatedControl()
        let model = EmulatedModel(control: control)
        control.set(EmulatedFaults(load: true))
        #expect(throws: EngineError.self) { try make(model) }
        control.set(EmulatedFaults(instance: true))
        #expect(throws: EngineError.self) { try make(model) }
        control.set(EmulatedFaults(warm: true))
        let instance = try make(model)
        try instance.prepare(items: 1, shapes: InputShapes([[16]]))
        #expect(throws: EngineError.self) { try instance.perform(.whole) }
        try instance.perform(.whole)
        control.set(EmulatedFaults(every: 3))
        #expect(throws: EngineError.self) { try instance.perform(.whole) }
        try instance.perform(.whole)
        control.failNext(1)
        #expect(throws: EngineError.self) { try instance.perform(.whole) }
        #expect(control.runs.map(\.succeeded) == [false, true, false, true, false])
    }

    private static func run(_ instance: any EngineInstance) async -> EngineError? {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                do throws(EngineError) {
                    try instance.perform(.whole)
                    continuation.resume(returning: nil)
                } catch {
                    continuation.resume(returning: error)
                }
            }
        }
    }
}
