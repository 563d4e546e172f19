import CONNXRuntime
import Glibc
import ServerRuntime
import Synchronization

/// The threads of one session's pool. We start them, so we may move them to other cores at any
/// time, which the library's own affinity settings can't (platform notes, G.3).
///
/// A crew begins by giving way to what is served: its model is still being loaded and warmed. It
/// gives way only where the process may take that back.
final class ThreadCrew: Sendable {
    private struct Members {
        var threads: [pthread_t] = []
        var processors: [Int32] = []
        /// The system's numbers of those that have begun.
        var numbers: [Int32] = []
        var pace = WorkPace.leftovers
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

    /// Sets how eagerly the threads, and those still to come, are run from now on.
    ///
    /// Precondition: the session that the crew works for lives.
    func set(_ pace: WorkPace) {
        members.withLock { members in
            members.pace = pace
            for number in members.numbers { Self.set(number, pace) }
        }
    }

    /// A thread of the crew has begun.
    fileprivate func enter(_ number: Int32) {
        members.withLock { members in
            members.numbers.append(number)
            if members.pace != .usual { Self.set(number, members.pace) }
        }
    }

    private static func set(_ number: Int32, _ pace: WorkPace) {
        guard ThreadNursery.mayTakeBack else { return }
        _ = connx_give_way(number, pace == .leftovers)
        _ = connx_be_nice(number, pace.niceness)
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
        errand.initialize(to: Errand(crew: self, worker: worker, argument: argument))
        guard let thread = ThreadNursery.shared.start(runErrand, errand) else {
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
    var crew: ThreadCrew
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

private let runErrand: ThreadNursery.Main = {
    guard let errand = $0?.assumingMemoryBound(to: Errand.self) else { return nil }
    errand.pointee.crew.enter(connx_thread_number())
    let (worker, argument) = (errand.pointee.worker, errand.pointee.argument)
    errand.deinitialize(count: 1)
    errand.deallocate()
    worker(argument)
    return nil
}
