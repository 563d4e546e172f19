import ServerCore
import ServingDomain
import Synchronization

/// What one version of one model has done.
///
/// One short lock per batch and one per request's end; the core's lock is never held meanwhile.
public final class ModelStatistics: Sendable {
    private let counters = Mutex(StatisticsSnapshot())
    private let waiting = Atomic<Int>(0)
    private let invalid = Atomic<UInt64>(0)

    init() {}

    /// The counters as they stand, all of one moment.
    public func snapshot() -> StatisticsSnapshot {
        var snapshot = counters.withLock { $0 }
        snapshot.pending = max(0, waiting.load(ordering: .relaxed))
        snapshot.invalid = invalid.load(ordering: .relaxed)
        return snapshot
    }

    /// Counts a request that a front turned away because it was malformed.
    public func countInvalid() {
        invalid.wrappingAdd(1, ordering: .relaxed)
    }

    /// A request waits.
    func waits() {
        waiting.wrappingAdd(1, ordering: .relaxed)
    }

    /// A request waits no longer: it runs, or has ended.
    func waitsNoLonger() {
        waiting.wrappingSubtract(1, ordering: .relaxed)
    }

    /// Counts a batch that has run.
    func countBatch(items: Int32, times: StageTimes) {
        let wall = MonotonicTime.wallMilliseconds()
        counters.withLock { counters in
            counters.executions += 1
            counters.lastInference = wall
            let size = UInt64(items)
            let place = counters.batches.firstIndex { $0.size >= size } ?? counters.batches.count
            if place == counters.batches.count || counters.batches[place].size != size {
                counters.batches.insert(.init(size: size), at: place)
            }
            counters.batches[place].input.add(times.copyInEnded - times.copyInBegan)
            counters.batches[place].infer.add(times.runEnded - times.runBegan)
            counters.batches[place].output.add(times.copyOutEnded - times.copyOutBegan)
        }
    }

    /// Counts a request that the table had no room for.
    func countRefusal(level: Int32, hasDeadline: Bool) {
        let priority = PriorityClass(level: level)
        counters.withLock { counters in
            counters.fail.add(.zero)
            counters.classes[Int(priority.rawValue)].count(.refused, hasDeadline: hasDeadline)
        }
    }

    /// Counts a request's end.
    func count(_ end: Deeds.End, at now: Instant) {
        let taken = now - end.arrival
        let place = Int(PriorityClass(level: end.level).rawValue)
        counters.withLock { counters in
            counters.classes[place].count(end.outcome, hasDeadline: end.hasDeadline)
            guard let times = end.times, end.outcome == .served || end.outcome == .late else {
                counters.fail.add(taken)
                return
            }
            counters.classes[place].latency.add(taken)
            counters.inferences += UInt64(end.items)
            counters.success.add(taken)
            counters.queue.add(times.copyInBegan - end.arrival)
            counters.computeInput.add(times.copyInEnded - times.copyInBegan)
            counters.computeInfer.add(times.runEnded - times.runBegan)
            counters.computeOutput.add(times.copyOutEnded - times.copyOutBegan)
        }
    }
}
