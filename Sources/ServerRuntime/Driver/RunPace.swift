import CHost
import Synchronization

/// How eagerly the system runs a lane's batch that is under way, which others may raise.
final class RunPace: Sendable {
    private struct Run {
        /// The system's number of the thread that runs it.
        var thread: Int32
        var pace: WorkPace
        var raised: WorkPace?
    }

    private let run = Mutex<Run?>(nil)

    /// Lets the calling thread, which runs as usual, go on at `pace` for one run.
    func begin(_ pace: WorkPace) {
        let thread = host_thread_number()
        run.withLock { $0 = Run(thread: thread, pace: pace) }
        pace.begin()
        // Who raised it before it had even begun is not to be forgotten.
        if let raised = run.withLock({ $0?.raised }) { _ = host_hasten(thread, raised.niceness) }
    }

    /// Lets the calling thread run as usual again.
    ///
    /// - Returns: What the run was raised to meanwhile.
    @discardableResult
    func end() -> WorkPace? {
        let ended = run.withLock { run in
            defer { run = nil }
            return run
        }
        ended?.pace.end()
        return ended?.raised
    }

    /// Raises a run that has only what others leave to `pace`; any thread may, and never waits:
    /// where the lane's own thread has the lock, which it may hold without having a core, nothing
    /// is done.
    ///
    /// - Parameter raiseCrew: Does the same for other threads of the run; while it lasts the run
    ///   does not end.
    /// - Returns: Whether there was such a run.
    @discardableResult
    func raise(to pace: WorkPace, _ raiseCrew: () -> Void = {}) -> Bool {
        run.withLockIfAvailable { run in
            guard let now = run, now.raised == nil, pace != .leftovers,
                now.pace == .leftovers || now.pace.niceness > pace.niceness,
                host_hasten(now.thread, pace.niceness)
            else { return false }
            run?.raised = pace
            raiseCrew()
            return true
        } ?? false
    }
}
