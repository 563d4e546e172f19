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

    /// How a batch's threads run.
    ///
    /// Low work has what high work leaves; low work that overtakes other low work goes before it.
    /// While something is loaded, which has what all others leave, both go one step further up:
    /// in one class with loading low work would have to share with it (Docs/BENCHMARKS.md, "Who
    /// gives way").
    func pace(isHigh: Bool, overtakes: Bool) -> WorkPace {
        guard givesWay(isHigh: isHigh) else { return .usual }
        if Self.isLoading { return overtakes ? .eighth : .thirtieth }
        return overtakes ? .thirtieth : .leftovers
    }

    // MARK: Loading

    /// Whether something is loaded or warmed in this process.
    static var isLoading: Bool { loads.load(ordering: .relaxed) > 0 }
    private static let loads = Atomic<Int>(0)

    /// Loads or warms something.
    static func loading<Answer, Failure: Error>(
        _ body: () throws(Failure) -> Answer
    ) throws(Failure) -> Answer {
        loads.add(1, ordering: .relaxed)
        defer { loads.subtract(1, ordering: .relaxed) }
        return try body()
    }
}
