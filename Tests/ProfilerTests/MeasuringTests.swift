import ServerRuntime
import ServingDomain
import Testing

@testable import Profiler

/// The measuring loops, in a time that only the test's threads have.
@Suite struct MeasuringTests {
    static func subject(
        _ name: String = "m",
        limit: Int32 = 4,
        _ time: @escaping @Sendable (Int32, Int, Int, Int) throws -> TimeSpan
    ) throws -> (Subject, ScriptedModel) {
        let model = ScriptedModel(time)
        let signature = ModelSignature(inputs: [], outputs: [], batched: true)
        let subject = try Subject(
            name: name,
            model: model,
            signature: signature,
            batchLimit: limit
        )
        return (subject, model)
    }

    /// One core, measured in rounds of that length, so many at most.
    static func profiler(roundMs: Int64, mostRounds: Int) -> SoloProfiler {
        var patience = Patience()
        patience.roundTime = .milliseconds(roundMs)
        patience.mostRounds = mostRounds
        return SoloProfiler(cores: [0], patience: patience, stopwatch: ThreadClock.stopwatch)
    }

    @Test("Batches and cores go by doublings up to the limit")
    func grid() throws {
        #expect(Subject.batches(limit: 1) == [1])
        #expect(Subject.batches(limit: 6) == [1, 2, 4, 6])
        #expect(Subject.batches(limit: 8) == [1, 2, 4, 8])
        #expect(SoloProfiler(cores: [3]).sizes == [1])
        #expect(SoloProfiler(cores: Array(0..<6)).sizes == [1, 2, 4, 6])
    }

    @Test("Steady runs end after the least rounds; each round's first run does not count")
    func steady() throws {
        let (subject, model) = try Self.subject { batch, cores, _, _ in
            .milliseconds(Int64(12 * batch) / Int64(cores))
        }
        var patience = Patience()
        patience.roundTime = .milliseconds(480)
        let profiler = SoloProfiler(
            cores: [4, 7],
            patience: patience,
            stopwatch: ThreadClock.stopwatch
        )
        let points = try profiler.measure(subject)
        #expect(points.map(\.batch) == [1, 2, 4, 1, 2, 4])
        #expect(points.map(\.units) == [1, 1, 1, 2, 2, 2])
        #expect(
            points.map { $0.samples.median?.nanoseconds }
                == [12, 24, 48, 6, 12, 24].map { $0 * 1_000_000 }
        )
        // 480 ms hold 40 runs of 12 ms; two rounds.
        #expect(points[0].samples.count == 80 && points[0].samples.uncertainty == 0)
        #expect(model.runs.count { $0 == 4 } == 2 * (10 + 1) + 2 * (20 + 1))
        #expect(Set(model.placements.map(\.own)) == [[4], [4, 7]])
        #expect(model.placements.allSatisfy { $0.device.units == 2 })
    }

    @Test("Unsteady points get more rounds than steady ones, up to the most")
    func unsteady() throws {
        let (subject, _) = try Self.subject(limit: 2) { batch, _, _, number in
            .milliseconds(batch == 1 ? 10 : (number % 2 == 0 ? 5 : 50))
        }
        let points = try Self.profiler(roundMs: 200, mostRounds: 4).measure(subject)
        #expect(points[0].samples.count == 2 * 20)
        #expect(points[1].samples.count > 20)
        #expect(points[1].samples.uncertainty > 0.02)
    }

    @Test("A batch that takes more than twice a larger one's time is measured anew")
    func doubt() throws {
        let (subject, _) = try Self.subject(limit: 4) { batch, _, _, number in
            // The first half of the measurement falls on a slow moment.
            .milliseconds(batch == 4 ? 4 : batch == 1 && number < 200 ? 90 : 2)
        }
        let points = try Self.profiler(roundMs: 100, mostRounds: 2).measure(subject)
        #expect(points.map { $0.samples.median } == [2, 2, 4].map { .milliseconds($0) })
    }

    @Test("A batch that stays slower than larger ones can be padded to the fastest of them")
    func padding() throws {
        let (subject, _) = try Self.subject(limit: 4) { batch, _, _, _ in
            .milliseconds([1: 90, 2: 20, 4: 4][batch] ?? 0)
        }
        let profiler = SoloProfiler(cores: [0], stopwatch: ThreadClock.stopwatch)
        let points = try profiler.measure(subject)
        #expect(points.map { $0.samples.median } == [4, 4, 4].map { .milliseconds($0) })
    }

    @Test("A run longer than a round still gives a sample each round")
    func slow() throws {
        let (subject, _) = try Self.subject(limit: 1) { _, _, _, _ in .seconds(9) }
        let profiler = SoloProfiler(cores: [0], stopwatch: ThreadClock.stopwatch)
        let points = try profiler.measure(subject)
        #expect(points[0].samples.count == 5 && points[0].samples.median == .seconds(9))
        #expect(points[0].samples.p99 == .seconds(9))
    }

    @Test("An engine's failure ends the measurement with its message")
    func failure() throws {
        struct Broken: Error {}
        let (subject, _) = try Self.subject { _, _, _, number in
            if number > 3 { throw Broken() }
            return .milliseconds(1)
        }
        let profiler = SoloProfiler(cores: [0], stopwatch: ThreadClock.stopwatch)
        let error = #expect(throws: EngineError.self) { try profiler.measure(subject) }
        #expect(error?.message == "scripted failure")
    }

    @Test("A pair's slowdown is that of the time that both ran, on the seats that were asked for")
    func pairs() throws {
        // Both sides are one model, so it knows how many instances there are.
        let (subject, model) = try Self.subject { batch, _, live, _ in
            .microseconds(Int64(batch) * (live > 1 ? 1_500 : 1_000))
        }
        let profiler = PairProfiler(
            cores: [2, 3, 4, 5],
            roundTime: .milliseconds(60),
            rounds: 2,
            stopwatch: ThreadClock.stopwatch
        )
        let apart = try profiler.measure((subject, 1), (subject, 4), on: .disjoint)
        #expect(apart.map(\.slowdown) == [1.5, 1.5])
        #expect(apart.map(\.victim.batch) == [1, 4] && apart.map(\.beside.batch) == [4, 1])
        #expect(apart.allSatisfy { $0.victim.share == 50 && $0.samples > 0 })
        #expect(Set(model.placements.map(\.own)) == [[2, 3], [4, 5]])
        let shared = try profiler.measure((subject, 1), (subject, 1), on: .shared)
        #expect(shared.allSatisfy { $0.victim.share == 100 && $0.slowdown == 1.5 })
        let one = PairProfiler(cores: [0], stopwatch: ThreadClock.stopwatch)
        #expect(try one.measure((subject, 1), (subject, 1), on: .disjoint).isEmpty)
    }

    @Test("A crowd shares the cores in turn; its rate is the sum, its latencies are everybody's")
    func crowds() throws {
        let (subject, model) = try Self.subject { batch, cores, live, _ in
            .microseconds(Int64(batch) * (cores == 2 ? 500 : 1_000) * (live > 2 ? 2 : 1))
        }
        let profiler = CrowdProfiler(
            cores: [4, 5],
            time: .milliseconds(100),
            stopwatch: ThreadClock.stopwatch
        )
        let alone = try profiler.measure(subject, batch: 4, instances: 1)
        #expect(alone.itemsPerSecond == 2_000 && alone.samples.median == .milliseconds(2))
        #expect(model.placements.map(\.own) == [[4, 5]])
        let two = try profiler.measure(subject, batch: 4, instances: 2)
        #expect(two.itemsPerSecond == 2_000 && two.samples.median == .milliseconds(4))
        #expect(two.samples.count == 50)
        let three = try profiler.measure(subject, batch: 1, instances: 3)
        #expect(three.itemsPerSecond == 1_500 && three.samples.percentile(95) == .milliseconds(2))
        #expect(Set(model.placements.suffix(3).map(\.own)) == [[4], [5]])
        #expect(model.placements.suffix(3).filter { $0.own == [4] }.count == 2)
    }

    @Test("When one side of a pair fails, the other does not wait for ever")
    func brokenPair() throws {
        struct Broken: Error {}
        let (good, _) = try Self.subject { _, _, _, _ in .milliseconds(1) }
        // The first round alone, then its first run beside the other.
        let (bad, _) = try Self.subject("bad") { _, _, _, number in
            if number > 62 { throw Broken() }
            return .milliseconds(1)
        }
        let profiler = PairProfiler(
            cores: [0, 1],
            roundTime: .milliseconds(60),
            stopwatch: ThreadClock.stopwatch
        )
        #expect(throws: EngineError.self) {
            try profiler.measure((good, 1), (bad, 1), on: .disjoint)
        }
    }

    @Test("Free dimensions are refused with the input's name")
    func freeDimensions() {
        let input = TensorSpec(name: "words", type: .int64, dims: [-1])
        let error = #expect(throws: ProfilerError.self) {
            try Subject(
                name: "m",
                model: ScriptedModel { _, _, _, _ in .zero },
                signature: ModelSignature(inputs: [input], outputs: [], batched: true),
                batchLimit: 1
            )
        }
        #expect(error?.description.contains("words") == true)
    }
}
