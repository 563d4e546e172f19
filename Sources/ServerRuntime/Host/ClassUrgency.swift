import CHost
import Synchronization

/// Lets threads that run low-priority batches give way to those that run high-priority ones, by
/// the kernel's own scheduler: on a CPU a low batch is then preempted within its run, which no
/// engine could do.
///
/// Only once there is high work at all; a server with one class runs all threads alike. Where the
/// process may not take niceness back, only lanes of models whose own class is low give way, for
/// good; a high request to such a model waits like its low ones.
final class ClassUrgency: Sendable {
    /// The nice value of threads that run low work; 0 = both classes run alike.
    let lowNice: Int32
    /// Whether a thread's niceness can be taken back.
    private let mayRaise: Bool
    private let seesHigh = Atomic<Bool>(false)

    /// - Parameter lowNice: 0 to 19.
    init(lowNice: Int32) {
        self.lowNice = lowNice
        mayRaise = lowNice > 0 && host_may_raise()
    }

    /// There is high work from now on.
    func sawHigh() {
        guard !seesHigh.load(ordering: .relaxed) else { return }
        seesHigh.store(true, ordering: .relaxed)
    }

    /// How nice a lane's threads are to be for a batch.
    ///
    /// - Parameters:
    ///   - isHigh: Whether the batch is of class high.
    ///   - isHighModel: Whether requests of the model are high unless they say otherwise.
    ///   - present: How nice they are now.
    func nice(isHigh: Bool, isHighModel: Bool, present: Int32) -> Int32 {
        guard lowNice > 0, seesHigh.load(ordering: .relaxed) else { return present }
        if mayRaise { return isHigh ? 0 : lowNice }
        return isHigh || isHighModel ? present : lowNice
    }

    /// Makes the calling thread as nice as told; ignores what the system refuses.
    static func makeCaller(_ nice: Int32) {
        _ = host_set_nice(host_thread_number(), nice)
    }
}
