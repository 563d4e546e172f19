import Foundation
import Profiler
import ServerRuntime
import ServingDomain
import Synchronization

/// A model whose runs take as long as a test says, in a time that only the test's threads have:
/// every thread has a clock of its own, which runs only while it runs batches.
final class ScriptedModel: LoadedModel {
    private struct State {
        var live = 0
        var placements: [Placement] = []
        var runs: [Int32] = []
    }

    let declared = DeclaredSignature(inputs: [], outputs: [])
    let weightsMiB: Int64 = 3
    private let state = Mutex(State())
    /// The time of a run by batch, cores, how many instances there are, and the run's number.
    private let time: @Sendable (Int32, Int, Int, Int) throws -> TimeSpan

    init(_ time: @escaping @Sendable (Int32, Int, Int, Int) throws -> TimeSpan) {
        self.time = time
    }

    var placements: [Placement] { state.withLock { $0.placements } }
    var runs: [Int32] { state.withLock { $0.runs } }

    func makeInstance(_ placement: Placement) throws(EngineError) -> any EngineInstance {
        state.withLock {
            $0.live += 1
            $0.placements.append(placement)
        }
        return ScriptedInstance(model: self, cores: placement.own.count)
    }

    fileprivate func leave() { state.withLock { $0.live -= 1 } }

    fileprivate func run(_ batch: Int32, _ cores: Int) throws(EngineError) {
        let (live, number) = state.withLock {
            $0.runs.append(batch)
            return ($0.live, $0.runs.count)
        }
        do {
            ThreadClock.advance(by: try time(batch, cores, live, number))
        } catch {
            throw EngineError(.failed, "scripted failure")
        }
    }
}

/// The time that the calling thread has spent.
enum ThreadClock {
    private static let key = "profiler-tests-clock"

    static let stopwatch = Stopwatch {
        Instant(nanoseconds: Thread.current.threadDictionary[key] as? Int64 ?? 0)
    }

    static func advance(by span: TimeSpan) {
        let now = Thread.current.threadDictionary[key] as? Int64 ?? 0
        Thread.current.threadDictionary[key] = now + span.nanoseconds
    }
}

private final class ScriptedInstance: EngineInstance {
    private let model: ScriptedModel
    private let cores: Int
    private let batch = Mutex<Int32>(0)

    init(model: ScriptedModel, cores: Int) {
        self.model = model
        self.cores = cores
    }

    deinit { model.leave() }

    func prepare(items: Int32, shapes: InputShapes) { batch.withLock { $0 = items } }

    func input(_ index: Int, byteCount: Int) throws(EngineError) -> UnsafeMutableRawBufferPointer {
        throw EngineError(.badInput, "there are no inputs")
    }

    func perform(_ stage: Stage) throws(EngineError) -> StageTimes? {
        try model.run(batch.withLock { $0 }, cores)
        return nil
    }

    func output(_ index: Int) throws(EngineError) -> EngineOutput {
        throw EngineError(.badInput, "there are no outputs")
    }

    func pin(_ placement: Placement) {}

    func terminate() {}
}
