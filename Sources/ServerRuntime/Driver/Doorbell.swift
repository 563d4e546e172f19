import CHost
import Glibc
import ServingDomain

/// Wakes one waiting thread; rings are counted, so none is lost.
///
/// A ring nobody waits for costs one atomic addition, a wake-up one system call on each side.
final class Doorbell: @unchecked Sendable {
    // Safe: POSIX semaphores may be used by any thread; the pointer never changes.
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        let status = sem_init(semaphore, 0, 0)
        precondition(status == 0, "a semaphore could not be made")
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    /// Wakes the waiting thread, or the next that waits.
    func ring() {
        sem_post(semaphore)
    }

    /// Waits for a ring.
    func wait() {
        while sem_wait(semaphore) != 0 {}
    }

    /// Waits for a ring until `instant` at most; false when the time passed first.
    func wait(until instant: Instant) -> Bool {
        host_wait_until(semaphore, instant.nanoseconds)
    }
}
