import Glibc
import ServerRuntime
import Synchronization

/// Keeps all work on GPUs away while a CUDA graph is captured.
///
/// The provider captures in the mode that no other thread of the process may disturb: memory that
/// another one takes or gives back meanwhile fails, there or here (ONNX Runtime, issue 18806). So
/// work goes through `beside`, a capture through `alone`; a capture that waits goes before work
/// that comes later. Neither may be called within the other. Cost: two short locks, none where no
/// engine captures.
enum CaptureGate {
    private final class Monitor: @unchecked Sendable {
        // Safe: the counts are touched only while `mutex` is held; both live for ever.
        private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
        private var working = 0
        private var waiting = 0
        private var isTaken = false

        init() {
            pthread_mutex_init(mutex, nil)
            pthread_cond_init(changed, nil)
        }

        func begin(alone: Bool) {
            pthread_mutex_lock(mutex)
            if alone {
                waiting += 1
                while isTaken || working > 0 { pthread_cond_wait(changed, mutex) }
                waiting -= 1
                isTaken = true
            } else {
                while isTaken || waiting > 0 { pthread_cond_wait(changed, mutex) }
                working += 1
            }
            pthread_mutex_unlock(mutex)
        }

        func end(alone: Bool) {
            pthread_mutex_lock(mutex)
            if alone { isTaken = false } else { working -= 1 }
            if isTaken || working == 0 { pthread_cond_broadcast(changed) }
            pthread_mutex_unlock(mutex)
        }

        /// Whether a capture is under way, and how much work is; for tests.
        var standing: (isTaken: Bool, working: Int) {
            pthread_mutex_lock(mutex)
            defer { pthread_mutex_unlock(mutex) }
            return (isTaken, working)
        }
    }

    private static let monitor = Monitor()
    private static let used = Atomic<Bool>(false)

    /// Says that an engine captures graphs from now on; before it has instances.
    static func use() { used.store(true, ordering: .releasing) }

    /// Does work that must not meet a capture.
    static func beside<Result>(
        _ body: () throws(EngineError) -> Result
    ) throws(EngineError) -> Result {
        guard used.load(ordering: .acquiring) else { return try body() }
        monitor.begin(alone: false)
        defer { monitor.end(alone: false) }
        return try body()
    }

    /// Captures while nobody works.
    static func alone<Result>(
        _ body: () throws(EngineError) -> Result
    ) throws(EngineError) -> Result {
        monitor.begin(alone: true)
        defer { monitor.end(alone: true) }
        return try body()
    }

    /// Whether a capture is under way, and how much work is; for tests.
    static var standing: (isTaken: Bool, working: Int) { monitor.standing }
}
