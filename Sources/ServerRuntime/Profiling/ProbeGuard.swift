import Synchronization

/// Stands between probes and requests: the first request that comes ends the probe under way.
///
/// Cost for a request while nothing is probed: one relaxed addition and load.
final class ProbeGuard: Sendable {
    private let isArmed = Atomic<Bool>(false)
    private let count = Atomic<Int>(0)
    private let probe = Mutex<(any EngineInstance)?>(nil)

    /// How many requests have come so far.
    var requests: Int { count.load(ordering: .relaxed) }

    /// A request has come in. Any thread.
    func requestCame() {
        count.wrappingAdd(1, ordering: .relaxed)
        guard isArmed.load(ordering: .relaxed),
            isArmed.exchange(false, ordering: .acquiringAndReleasing)
        else { return }
        probe.withLock { $0?.terminate() }
    }

    /// Runs a probe on `instance` unless a request ends it.
    ///
    /// - Parameter isQuiet: Asked once requests would be noticed.
    /// - Returns: nil where a request came before the end.
    func run<Result>(
        on instance: any EngineInstance,
        isQuiet: () -> Bool,
        _ body: () throws(EngineError) -> Result
    ) throws(EngineError) -> Result? {
        probe.withLock { $0 = instance }
        isArmed.store(true, ordering: .sequentiallyConsistent)
        defer {
            isArmed.store(false, ordering: .releasing)
            probe.withLock { $0 = nil }
        }
        guard isQuiet() else { return nil }
        do throws(EngineError) {
            let result = try body()
            // Who was disturbed has measured the disturbance.
            return isArmed.load(ordering: .acquiring) ? result : nil
        } catch  where error.kind == .terminated {
            return nil
        }
    }
}
