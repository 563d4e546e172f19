import CHost
import Glibc

/// A thread of the operating system, for work that blocks.
enum SystemThread {
    /// How eagerly the system runs a thread.
    enum Urgency {
        /// Like everything else.
        case normal
        /// Only what others leave: loading and warming must not slow what is served. Where that is
        /// nothing, `StarvationWatch` helps.
        case background
        /// Before what computes on and on, since it never runs for long.
        case brief
    }

    /// Starts a thread that runs `body` and ends with it.
    ///
    /// - Parameter name: Shown by the system's tools, 15 characters at most.
    /// - Returns: Whether the system had a thread to give.
    @discardableResult
    static func start(
        _ name: String,
        urgency: Urgency = .normal,
        _ body: @escaping @Sendable () -> Void
    ) -> Bool {
        let start = Unmanaged.passRetained(Start(name: name, urgency: urgency, body: body))
        var thread = pthread_t()
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        pthread_attr_setstacksize(&attributes, 2 << 20)
        defer { pthread_attr_destroy(&attributes) }
        let status = pthread_create(&thread, &attributes, threadMain, start.toOpaque())
        if status != 0 { start.release() }
        return status == 0
    }

    /// Lets the calling thread have only what others leave from now on; a tenth of a core where
    /// the process may not take that back.
    static func giveWay() {
        guard ClassUrgency.mayTakeBack, host_give_way(true) else { return host_be_nice(10) }
    }

    fileprivate final class Start: Sendable {
        let name: String
        let urgency: Urgency
        let body: @Sendable () -> Void

        init(name: String, urgency: Urgency, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.urgency = urgency
            self.body = body
        }
    }
}

private func threadMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let start = Unmanaged<SystemThread.Start>.fromOpaque(argument).takeRetainedValue()
    host_name_thread(String(start.name.prefix(15)))
    switch start.urgency {
    case .normal: break
    case .background: SystemThread.giveWay()
    case .brief: _ = host_run_briefly()
    }
    start.body()
    return nil
}
