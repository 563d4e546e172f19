import ServingDomain
import Synchronization

/// The one timer of the driver: calls `onWake` at the instant that the core asked for.
///
/// The thread is woken only when the core wants an earlier time than it already waits for; a
/// time that has become later is found out when the old one comes, which is harmless. With
/// objectives of 100 ms that is some ten wake-ups a second, whatever the load.
final class WakeTimer: Sendable {
    private struct State {
        var armed = Instant.distantFuture
        var wanted = Instant.distantFuture
        var stopped = false
        /// The event that `wanted` was known after.
        var sequence: UInt64 = 0
    }

    private let state = Mutex(State())
    private let bell = Doorbell()

    /// Starts the thread.
    func start(_ onWake: @escaping @Sendable () -> Void) {
        SystemThread.start("sluice-timer", urgency: .brief) { [self] in run(onWake) }
    }

    /// Asks for a wake at `instant`; nil asks for none.
    ///
    /// Threads come here after they left the core's lock, so a wish may be overtaken by that of a
    /// later event; an older wish is then ignored, or it would cancel the newer one.
    func want(_ instant: Instant?, after sequence: UInt64) {
        let ring = state.withLock { state in
            guard sequence > state.sequence else { return false }
            state.sequence = sequence
            state.wanted = instant ?? .distantFuture
            guard state.wanted < state.armed else { return false }
            state.armed = state.wanted
            return true
        }
        if ring { bell.ring() }
    }

    /// Ends the thread.
    func stop() {
        state.withLock { $0.stopped = true }
        bell.ring()
    }

    private func run(_ onWake: @Sendable () -> Void) {
        while true {
            let (armed, stopped) = state.withLock { ($0.armed, $0.stopped) }
            if stopped { return }
            if armed == .distantFuture {
                bell.wait()
            } else if MonotonicTime.now() < armed, bell.wait(until: armed) {
                continue
            } else {
                fire(onWake)
            }
        }
    }

    private func fire(_ onWake: @Sendable () -> Void) {
        let now = MonotonicTime.now()
        let due = state.withLock { state in
            let due = state.wanted <= now
            // While the wake is handled nothing is armed, so that an earlier wish rings again.
            state.armed = due ? .distantFuture : state.wanted
            if due { state.wanted = .distantFuture }
            return due
        }
        if due { onWake() }
    }
}
