import Glibc

/// A lock with a condition that can wait until a point of `CLOCK_MONOTONIC`.
///
/// `Mutex` has no condition, and Foundation's waits by the wall clock, which can be set back.
final class Monitor: Sendable {
    // Safe: the pointers never change, and what they point at is made to be shared by threads.
    private nonisolated(unsafe) let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(
        capacity: 1
    )
    // Safe: as above.
    private nonisolated(unsafe) let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(
        capacity: 1
    )

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
        var point = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000),
            tv_nsec: Int(nanoseconds % 1_000_000_000)
        )
        pthread_cond_timedwait(condition, mutex, &point)
    }

    /// The monotonic clock, in nanoseconds.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
