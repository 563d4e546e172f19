import Glibc
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

@testable import EngineONNX

@Suite(.enabled(if: Bench.engine != nil, Bench.skip))
struct RunTests {
    /// Proves that every type of fixed size comes back bit by bit, for batches that grow, shrink
    /// and repeat.
    @Test(arguments: DataType.allCases.filter { $0 != .bytes })
    func roundTrip(type: DataType) throws {
        let instance = try Bench.load(.identity(type)).makeInstance(Bench.place())
        let size = try #require(type.size)
        for items in [1, 4, 2, 4, 9, 1] {
            // 0 and 1 are the only bytes that a BOOL may have.
            let bytes = (0..<items * 3 * size).map { UInt8($0 * 37 % (type == .bool ? 2 : 251)) }
            for _ in 0..<2 {
                let result = try Bench.run(instance, items: Int32(items), dims: [3], bytes)
                #expect(result.shape == [Int64(items), 3])
                #expect(result.bytes == bytes)
            }
        }
    }

    /// Proves that strings come back whole: empty ones, long ones, zero bytes, no valid UTF-8.
    @Test
    func strings() throws {
        let instance = try Bench.load(.identity(.bytes)).makeInstance(Bench.place())
        let words: [[UInt8]] = [
            [], Array("sluice".utf8), [0, 1, 0], [0xff, 0xfe], .init(repeating: 7, count: 70_000),
            [9],
        ]
        for rows in [2, 1, 2] {
            let wire = words.prefix(rows * 3).flatMap { littleEndian(UInt32($0.count)) + $0 }
            let result = try Bench.run(instance, items: Int32(rows), dims: [3], wire)
            #expect(result.shape == [Int64(rows), 3])
            #expect(result.bytes == wire)
        }
    }

    /// Proves that strings whose lengths lie are refused, and that the instance lives on.
    @Test
    func stringsThatLie() throws {
        let instance = try Bench.load(.identity(.bytes)).makeInstance(Bench.place())
        let good = [UInt8](repeating: 0, count: 12)
        var tooLong = good
        tooLong[4] = 200
        let wrong: [[UInt8]] = [tooLong, good + [1], [UInt8](good.prefix(11))]
        for bytes in wrong {
            let error = try Bench.error {
                _ = try Bench.run(instance, items: 1, dims: [3], bytes)
            }
            #expect(error.kind == .badInput)
            #expect(error.message.contains("'x'"))
        }
        #expect(try Bench.run(instance, items: 1, dims: [3], good).bytes == good)
    }

    /// Proves that rows are computed and kept apart as they should.
    @Test
    func products() throws {
        let instance = try Bench.load(.affine).makeInstance(Bench.place())
        for items in [3, 1, 7] {
            var rows: [Float] = []
            var expected: [Float] = []
            for row in (0..<items).map({ Float($0) }) {
                rows += [row, 1]
                expected += [row + 14, 2 * row + 25, 3 * row + 36]
            }
            let result = try Bench.run(instance, items: Int32(items), dims: [2], floats(rows))
            #expect(result.shape == [Int64(items), 3])
            #expect(result.bytes == floats(expected))
        }
    }

    /// Proves that an output whose shape depends on the data is right however it changes.
    @Test
    func shapesFromData() throws {
        let signature = ModelSignature(
            inputs: [TensorSpec(name: "x", type: .fp32, dims: [-1])],
            outputs: [TensorSpec(name: "y", type: .int64, dims: [1, -1])],
            batched: false
        )
        let model = try Bench.load(.places, signature: signature)
        let instance = try model.makeInstance(Bench.place())
        let rows: [[Float]] = [
            [1, 0, 1, 1], [1, 0, 1, 1], [0, 0, 0, 5], [0, 0, 0, 0], [1, 2, 3, 4],
        ]
        for row in rows {
            let bytes = floats(row)
            let result = try Bench.run(instance, items: 1, dims: [4], bytes)
            let places = row.indices.filter { row[$0] != 0 }.map { Int64($0) }
            #expect(result.shape == [1, Int64(places.count)])
            #expect(result.bytes == places.flatMap { littleEndian($0) })
        }
    }

    /// Proves that inputs which don't fit are refused by name, and that good ones still run.
    @Test
    func inputsThatDoNotFit() throws {
        let instance = try Bench.load(.affine).makeInstance(Bench.place())
        let wrong: [(Int32, [Int64], Int)] = [
            (0, [2], 0), (-1, [2], 8), (1, [3], 12), (1, [2, 1], 8), (1, [], 4), (1, [-2], 8),
            (2, [2], 8), (2, [2], 24),
        ]
        for (items, dims, count) in wrong {
            let error = try Bench.error {
                let bytes = [UInt8](repeating: 0, count: count)
                _ = try Bench.run(instance, items: items, dims: dims, bytes)
            }
            #expect(error.kind == .badInput, "\(error.message)")
        }
        let missing = try Bench.error {
            try instance.prepare(items: 1, shapes: InputShapes([nil]))
        }
        #expect(missing == EngineError(.badInput, "input 'x' is missing; send it"))
        let zeros = [UInt8](repeating: 0, count: 8)
        #expect(try Bench.run(instance, items: 1, dims: [2], zeros).shape == [1, 3])
    }

    /// Proves that stages which a CPU does not have are refused.
    @Test
    func stages() throws {
        let instance = try Bench.load(.affine).makeInstance(Bench.place())
        try instance.prepare(items: 1, shapes: InputShapes([[2]]))
        for stage in [Stage.copyIn(chunk: 0), .run(segments: 0..<1), .copyOut(chunk: 0)] {
            #expect(try Bench.error { try instance.perform(stage) }.kind == .failed)
        }
    }

    /// Proves that a long run ends when asked to, that asking idle instances does nothing, and
    /// that the instance is good for the next batch.
    @Test
    func termination() throws {
        let model = try Bench.load(
            .chain(length: 3000),
            options: ["optimization.graph.level": "-1"]
        )
        let instance = try model.makeInstance(Bench.place())
        instance.terminate()
        let ended = Flag()
        var killer = pthread_t()
        let context = Unmanaged.passRetained(Killer(instance, ended)).toOpaque()
        pthread_create(&killer, nil, Killer.start, context)
        let error = try Bench.error {
            let bytes = [UInt8](repeating: 0, count: 512 * 256 * 4)
            _ = try Bench.run(instance, items: 512, dims: [256], bytes)
        }
        ended.raise()
        pthread_join(killer, nil)
        #expect(error.kind == .terminated)
        instance.terminate()
        let bytes = floats((0..<256).map { Float($0) })
        let result = try Bench.run(instance, items: 1, dims: [256], bytes)
        // Each product turns the row by one place; 3000 = 11 * 256 + 184.
        let expected = floats((0..<256).map { Float(($0 + 256 - 184) % 256) })
        #expect(result.bytes == expected)
    }
}

/// A mark that one thread sets and another sees.
final class Flag: Sendable {
    private let raised = Atomic<Bool>(false)
    var isRaised: Bool { raised.load(ordering: .acquiring) }
    func raise() { raised.store(true, ordering: .releasing) }
}

/// Ends whatever an instance runs, again and again.
private final class Killer: Sendable {
    private let instance: any EngineInstance
    private let ended: Flag

    init(_ instance: any EngineInstance, _ ended: Flag) {
        (self.instance, self.ended) = (instance, ended)
    }

    static let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
        guard let context = $0 else { return nil }
        let killer = Unmanaged<Killer>.fromOpaque(context).takeRetainedValue()
        while !killer.ended.isRaised {
            killer.instance.terminate()
            sched_yield()
        }
        return nil
    }
}
