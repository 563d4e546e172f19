import CONNXRuntime
import Glibc
import Synchronization

/// The threads of one session's pool. We start them, so we may move them to other cores at any
/// time, which the library's own affinity settings can't (platform notes, G.3).
final class ThreadCrew: Sendable {
    private struct Members {
        var threads: [pthread_t] = []
        var processors: [Int32] = []
    }

    /// What the threads are called, at most 15 bytes.
    let name: String
    private let members = Mutex(Members())

    /// Creates a crew without threads.
    init(name: String) {
        self.name = String(decoding: name.utf8.prefix(15), as: UTF8.self)
    }

    /// How many threads there are.
    var count: Int { members.withLock { $0.threads.count } }

    /// The threads, for tests.
    var threads: [pthread_t] { members.withLock { $0.threads } }

    /// Lets all threads, and those still to come, run on the given processors only.
    /// - Returns: The first error of the system, 0 without one.
    func pin(to processors: [Int32]) -> Int32 {
        members.withLock { members in
            members.processors = processors
            for thread in members.threads {
                let failure = connx_pin_thread(thread, processors, processors.count)
                if failure != 0 { return failure }
            }
            return 0
        }
    }

    /// Makes the sessions built with `options` use this crew, which must outlive them.
    func enlist(in options: OpaquePointer, of library: ONNXLibrary) -> OpaquePointer? {
        let context = Unmanaged.passUnretained(self).toOpaque()
        if let status = library.calls.set_thread_context(options, context) { return status }
        if let status = library.calls.set_create_thread(options, startThread) { return status }
        return library.calls.set_join_thread(options, joinThread)
    }

    fileprivate func start(_ worker: @escaping connx_worker, _ argument: UnsafeMutableRawPointer?)
        -> OpaquePointer?
    {
        let errand = UnsafeMutablePointer<Errand>.allocate(capacity: 1)
        errand.initialize(to: Errand(worker: worker, argument: argument))
        var thread = pthread_t()
        guard pthread_create(&thread, nil, runErrand, errand) == 0 else {
            errand.deinitialize(count: 1)
            errand.deallocate()
            return nil
        }
        connx_name_thread(thread, name)
        members.withLock { members in
            members.threads.append(thread)
            if !members.processors.isEmpty {
                _ = connx_pin_thread(thread, members.processors, members.processors.count)
            }
        }
        return OpaquePointer(bitPattern: thread)
    }
}

/// What a new thread is to do.
private struct Errand {
    var worker: connx_worker
    var argument: UnsafeMutableRawPointer?
}

private let startThread: connx_create_thread = { context, worker, argument in
    guard let context else { return nil }
    let crew = Unmanaged<ThreadCrew>.fromOpaque(context).takeUnretainedValue()
    return crew.start(worker, argument)
}

private let joinThread: connx_join_thread = { thread in
    pthread_join(pthread_t(UInt(bitPattern: thread)), nil)
}

private let runErrand: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = {
    guard let errand = $0?.assumingMemoryBound(to: Errand.self) else { return nil }
    // Signals are for the threads that wait for them.
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
    let (worker, argument) = (errand.pointee.worker, errand.pointee.argument)
    errand.deinitialize(count: 1)
    errand.deallocate()
    worker(argument)
    return nil
}
