import Foundation
import Synchronization

/// Lets several threads begin together and run until the last of them has measured enough.
final class StartGate: Sendable {
    private struct State {
        var arrived = 0
        var finished = 0
        var broken = false
    }

    private let count: Int
    private let state = Mutex(State())
    private let changed = NSCondition()

    init(_ count: Int) { self.count = count }

    /// Waits until all are here; false when one of them gave up.
    func pass() -> Bool {
        state.withLock { $0.arrived += 1 }
        changed.lock()
        defer { changed.unlock() }
        changed.broadcast()
        while true {
            let (arrived, broken) = state.withLock { ($0.arrived, $0.broken) }
            if broken { return false }
            if arrived >= count { return true }
            // Whoever changes the state takes the condition's lock afterwards, so no call is lost.
            changed.wait()
        }
    }

    /// One thread has measured enough; it goes on until all have.
    func finish() { state.withLock { $0.finished += 1 } }

    /// Whether all have measured enough, or one gave up.
    var isOver: Bool { state.withLock { $0.finished >= count || $0.broken } }

    /// One thread failed: nobody waits for it.
    func giveUp() {
        state.withLock { $0.broken = true }
        changed.lock()
        changed.broadcast()
        changed.unlock()
    }
}
