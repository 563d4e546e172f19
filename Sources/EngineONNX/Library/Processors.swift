import CONNXRuntime
import Glibc
import ServerRuntime

/// The processors that this process may use; the units of a CPU device are their numbers.
struct Processors: Sendable {
    /// Their numbers in the system, ascending.
    let allowed: [Int32]

    /// Asks the system what the calling thread may use; called before anything is pinned.
    init() {
        allowed = Self.of(thread: pthread_self())
    }

    /// The processors that a thread may use, ascending.
    static func of(thread: pthread_t) -> [Int32] {
        var found = [Int32](repeating: 0, count: 8192)
        let count = connx_thread_processors(thread, &found, found.count)
        return Array(found.prefix(max(0, Int(count))))
    }

    /// The given units, once it is certain that this process may use them.
    func numbers(of units: [Int32]) throws(EngineError) -> [Int32] {
        if let far = units.first(where: { !allowed.contains($0) }) {
            throw EngineError(
                .failed,
                "core \(far) can't be used: this process may run on cores \(allowed); give the "
                    + "server more, or the device fewer"
            )
        }
        return units
    }

    /// Lets the calling thread run on the given processors only.
    static func pinCallingThread(to processors: [Int32]) throws(EngineError) {
        let failure = connx_pin_thread(pthread_self(), processors, processors.count)
        guard failure == 0 else {
            throw EngineError(
                .failed,
                "a lane thread can't be pinned to cores \(processors): "
                    + "\(String(cString: strerror(failure))); check the process's cpuset"
            )
        }
    }
}
