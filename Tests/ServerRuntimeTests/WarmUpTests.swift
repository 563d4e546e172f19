import EngineEmulated
import ServerCore
import ServingDomain
import Synchronization
import Testing

@testable import ServerRuntime

/// Which batches a fresh instance runs before it serves, and what is learned from them.
@Suite struct WarmUpTests {
    @Test("One item and the largest batch run where another instance is measured")
    func accompanies() throws {
        let instance = NotingInstance()
        let points = try warmUp(12, .accompany).run(instance)
        #expect(points.isEmpty)
        // One small batch in the end, so that memory can be given back.
        #expect(instance.runs == [1, 12, 1])
        #expect(instance.trims == 1)
    }

    @Test("Every size is run where the engine prepares for each, doublings from 16 on")
    func everySize() throws {
        let instance = NotingInstance(preparesForEachSize: true)
        _ = try warmUp(40, .accompany).run(instance)
        #expect(instance.runs == Array(1...16) + [32, 40, 1])
    }

    @Test("What is measured are the sizes that are run, on the units that were named")
    func measured() throws {
        let points = try warmUp(6, .measure).run(NotingInstance())
        #expect(points.map(\.batch) == [1, 2, 4, 6])
        #expect(points.allSatisfy { $0.units == 3 })
    }

    @Test("What is known is measured anew if one item takes less")
    func faster() throws {
        // No run takes a day.
        let aim = WarmUp.Aim.check(oneItem: .seconds(86_400), largest: 4)
        #expect(try warmUp(4, aim).run(NotingInstance()).map(\.batch) == [1, 2, 4])
    }

    @Test("Of what is known one item is run; larger batches than anybody has seen are measured")
    func known() throws {
        for (largest, sizes) in [(16, []), (4, [8, 12])] as [(Int32, [Int32])] {
            let instance = NotingInstance()
            // No run takes less than nothing.
            let aim = WarmUp.Aim.check(oneItem: .zero, largest: largest)
            #expect(try warmUp(12, aim).run(instance).map(\.batch) == sizes)
            #expect(Set(instance.runs) == Set(sizes + [1]))
            #expect(instance.trims == (largest == 4 ? 1 : 0))
        }
    }

    @Test("Of siblings one is measured at a time, for each number of units and each limit")
    func siblings() throws {
        let seat = try RuntimeFixture.seat()
        let one = ModelSeat.Row(kind: "cpu", units: 1, batchLimit: 4)
        let two = ModelSeat.Row(kind: "cpu", units: 2, batchLimit: 4)
        let larger = ModelSeat.Row(kind: "cpu", units: 1, batchLimit: 8)
        #expect(seat.beginsMeasuring(one))
        #expect(!seat.beginsMeasuring(one))
        #expect(seat.beginsMeasuring(two))
        #expect(seat.beginsMeasuring(larger))
        seat.endsMeasuring(one)
        #expect(seat.beginsMeasuring(one))
        #expect(!seat.beginsMeasuring(two))
    }

    private func warmUp(_ limit: Int32, _ aim: WarmUp.Aim) -> WarmUp {
        WarmUp(
            signature: RuntimeFixture.echo().signature,
            batchLimit: limit,
            extra: [],
            units: 3,
            aim: aim
        )
    }
}

/// Writes down what it is asked to run.
private final class NotingInstance: EngineInstance {
    let preparesForEachSize: Bool
    private let noted = Mutex<(items: Int32, runs: [Int32], trims: Int)>((0, [], 0))

    init(preparesForEachSize: Bool = false) { self.preparesForEachSize = preparesForEachSize }

    /// The batch sizes, in order.
    var runs: [Int32] { noted.withLock { $0.runs } }
    var trims: Int { noted.withLock { $0.trims } }

    func prepare(items: Int32, shapes: InputShapes) throws(EngineError) {
        noted.withLock { $0.items = items }
    }

    func input(
        _ index: Int,
        byteCount: Int
    ) throws(EngineError) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    func perform(_ stage: Stage) throws(EngineError) -> StageTimes? {
        noted.withLock { $0.runs.append($0.items) }
        return nil
    }

    func output(_ index: Int) throws(EngineError) -> EngineOutput {
        EngineOutput(shape: [], bytes: UnsafeRawBufferPointer(start: nil, count: 0))
    }

    func pin(_ placement: Placement) throws(EngineError) {}
    func trim() throws(EngineError) { noted.withLock { $0.trims += 1 } }
    func terminate() {}
}

extension RuntimeFixture {
    /// A seat of `echo` that nobody sits on yet.
    static func seat() throws -> ModelSeat {
        let definition = echo()
        let engine = EmulatedEngine(models: ["echo": EmulatedModel()])
        return ModelSeat(
            servable: Servable(
                spec: definition.rules,
                definition: definition,
                platform: "test",
                statistics: ModelStatistics()
            ),
            loaded: try engine.load(definition.versions[0]),
            artifact: definition.versions[0],
            definition: definition
        )
    }
}
