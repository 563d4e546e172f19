import CONNXRuntime
import Glibc
import Synchronization

/// Starts threads for others, which inherit nothing of the thread that wants them.
///
/// Models are loaded on threads of low priority, and a thread starts with that of its parent; a
/// pool that serves would give way to everything else for ever, since most processes may not
/// raise a priority again. So a thread of normal priority, made when the process starts, is the
/// parent of all.
final class ThreadNursery: @unchecked Sendable {
    // Safe: the order is written by the one caller that holds `turn` and read by the nursery's
    // thread, one after the other by the two semaphores.

    /// What a thread runs.
    typealias Main = @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer?

    /// The process's own. Must first be used on a thread of normal priority.
    static let shared = ThreadNursery()

    /// Whether this process may give a thread's priority back that was taken from it.
    static let mayTakeBack = connx_may_take_back()

    private let turn = Mutex(())
    private let asked = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private let answered = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private var main: Main?
    private var argument: UnsafeMutableRawPointer?
    private var made: pthread_t?
    private var works = false

    private init() {
        sem_init(asked, 0, 0)
        sem_init(answered, 0, 0)
        var thread = pthread_t()
        let context = Unmanaged.passUnretained(self).toOpaque()
        works = pthread_create(&thread, nil, tend, context) == 0
        if works {
            connx_name_thread(thread, "onnx-nursery")
            pthread_detach(thread)
        }
    }

    /// Starts a thread; nil where the system has none left.
    func start(_ main: Main, _ argument: UnsafeMutableRawPointer) -> pthread_t? {
        turn.withLock { _ in
            guard works else { return nil }
            (self.main, self.argument) = (main, argument)
            sem_post(asked)
            while sem_wait(answered) != 0 {}
            return made
        }
    }

    /// Lives as long as the process, on the nursery's own thread.
    fileprivate func tendForEver() {
        // Signals are for the threads that wait for them.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        while true {
            while sem_wait(asked) != 0 {}
            made = nil
            var thread = pthread_t()
            if let main, pthread_create(&thread, nil, main, argument) == 0 { made = thread }
            sem_post(answered)
        }
    }
}

private let tend: ThreadNursery.Main = { context in
    guard let context else { return nil }
    Unmanaged<ThreadNursery>.fromOpaque(context).takeUnretainedValue().tendForEver()
    return nil
}
