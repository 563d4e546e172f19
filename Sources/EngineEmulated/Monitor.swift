import Glibc

/// A lock with a condition that can wait until a point of `CLOCK_MONOTONIC`.
///
/// `Mutex` has no condition, and Foundation's waits by the wall clock, which can be set back.
final class Monitor: @unchecked Sendable {
    // Safe: the pointers never change, and what they point at is made to be shared by threads.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

    init() {
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        let made = (pthread_mutex_init(mutex, nil), pthread_cond_init(condition, &attributes))
        precondition(made == (0, 0))
        pthread_condattr_destroy(&attributes)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    func lock() { pthread_mutex_lock(mutex) }

    func unlock() { pthread_mutex_unlock(mutex) }

    /// Wakes every thread that waits. Call with the lock held.
    func broadcast() { pthread_cond_broadcast(condition) }

    /// Gives up the lock until somebody broadcasts; may also return for no reason.
    func wait() { pthread_cond_wait(condition, mutex) }

    /// As `wait`, but at most until `nanoseconds` of the monotonic clock.
    func wait(until nanoseconds: Int64) {
        var point = Self.point(nanoseconds)
        pthread_cond_timedwait(condition, mutex, &point)
    }

    /// A further condition of a monitor, for one thread that waits.
    final class Bell: @unchecked Sendable {
        // Safe: the pointer never changes, and what it points at is made to be shared by threads.
        private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)

        init() {
            var attributes = pthread_condattr_t()
            pthread_condattr_init(&attributes)
            pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
            let made = pthread_cond_init(condition, &attributes)
            precondition(made == 0)
            pthread_condattr_destroy(&attributes)
        }

        deinit {
            pthread_cond_destroy(condition)
            condition.deallocate()
        }

        /// Wakes the thread that waits. Call with the monitor locked.
        func ring() { pthread_cond_signal(condition) }

        /// Gives up the monitor until somebody rings; may also return for no reason.
        func wait(on monitor: Monitor) { pthread_cond_wait(condition, monitor.mutex) }

        /// The same, but at most until `nanoseconds` of the monotonic clock.
        func wait(on monitor: Monitor, until nanoseconds: Int64) {
            var point = Monitor.point(nanoseconds)
            pthread_cond_timedwait(condition, monitor.mutex, &point)
        }
    }

    private static func point(_ nanoseconds: Int64) -> timespec {
        timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000),
            tv_nsec: Int(nanoseconds % 1_000_000_000)
        )
    }

    /// The monotonic clock, in nanoseconds.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
