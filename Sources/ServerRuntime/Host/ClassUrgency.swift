import CHost
import Synchronization

/// Lets threads that run low-priority batches give way to those that run high-priority ones, by
/// the kernel's own scheduler: on a CPU a low batch is then preempted within its run, which no
/// engine could do.
///
/// Only once there is high work at all; a server with one class runs all threads alike. And only
/// where the process may take back what a thread gave (`CAP_SYS_NICE`, or a limit on niceness of
/// 20): a lane runs batches of both classes.
final class ClassUrgency: Sendable {
    /// Whether low work gives way.
    let isOn: Bool
    private let seesHigh = Atomic<Bool>(false)

    /// - Parameter isWanted: Whether low work is to give way if it may.
    init(isWanted: Bool) { isOn = isWanted && Self.mayTakeBack }

    /// Whether low work of any server of this process gives way by now.
    static var isInUse: Bool { use.load(ordering: .relaxed) }
    private static let use = Atomic<Bool>(false)

    /// Whether this process may take back what a thread gave.
    static let mayTakeBack = host_may_take_back()

    /// There is high work from now on.
    func sawHigh() {
        guard isOn, !seesHigh.load(ordering: .relaxed) else { return }
        seesHigh.store(true, ordering: .relaxed)
        Self.use.store(true, ordering: .relaxed)
    }

    /// Whether threads are to give way while they run a batch of a class.
    func givesWay(isHigh: Bool) -> Bool { !isHigh && seesHigh.load(ordering: .relaxed) }

    /// Lets the calling thread give way, or with 0 no longer.
    ///
    /// By niceness and not by the kernel's idle class: threads that high work wakes get the core
    /// just as soon (Docs/BENCHMARKS.md, "Who gives way"), and low work stays before loading.
    static func caller(niceness: Int32) { host_be_nice(niceness) }

    /// How nice low work is: a thirtieth of a core that usual work wants as well. Low work that
    /// overtakes other low work gets four fifths of a core that both want, and an eighth of one
    /// that high work wants.
    static func niceness(overtakes: Bool) -> Int32 { overtakes ? 9 : 15 }
}
