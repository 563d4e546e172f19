import CHost
import ServingDomain

/// Sees to it that work which gives way comes to an end all the same.
///
/// Threads that load and warm run in the kernel's idle class, so that what is served hardly
/// notices them; on a server whose cores are all wanted they would then never end. A thread of
/// that class that waited for a core through two looks, half a second, gets a tenth of one
/// (niceness 10) for the next ten seconds, and so on in turn.
///
/// Where low work gives way, it is a sixtieth, and half of what low work gets.
///
/// One for the process, whose threads it looks at, from the first server to the end. Costs some
/// 50 us a look with 60 threads, four times a second.
enum StarvationWatch {
    /// Between two looks.
    static let period = TimeSpan.milliseconds(250)
    /// Looks that a thread must have starved through.
    static let patience = 2
    /// Looks for which it is helped.
    static let help = 40
    /// The most threads of a process that are looked at.
    static let limit: Int32 = 4_096

    /// Sees to it that the watch is kept; not where the process may not take back what it gave,
    /// whose threads don't give way by class to begin with.
    static func begin() { _ = isKept }

    private static let isKept =
        ClassUrgency.mayTakeBack
        && SystemThread.start("sluice-watch") {
            let bell = Doorbell()
            var look = StarvationLook()
            while true {
                _ = bell.wait(until: MonotonicTime.now() + period)
                look.take()
            }
        }
}

/// One look after the other at a process's threads.
struct StarvationLook {
    /// What is known of a thread that gives way, or did until it starved.
    private struct Record {
        var ran: UInt64
        /// Looks in a row through which it starved, or, once helped, those that are left.
        var looks = 0
        var isHelped = false
        var isThere = true
    }

    private var records: [Int32: Record] = [:]
    private var numbers = [Int32](repeating: 0, count: Int(StarvationWatch.limit))

    /// Looks at every thread, and helps those that starve.
    mutating func take() {
        for number in records.keys { records[number]?.isThere = false }
        for place in 0..<Int(host_threads(&numbers, StarvationWatch.limit)) {
            let number = numbers[place]
            switch host_pace_of(number) {
            case HOST_PACE_IDLE: consider(number)
            case HOST_PACE_HELPED where records[number]?.isHelped == true,
                HOST_PACE_HELPED_LITTLE where records[number]?.isHelped == true:
                goOn(helping: number)
            default: break
            }
        }
        records = records.filter(\.value.isThere)
    }

    /// What those get that starve: less than low work, where that gives way.
    private var help: host_pace {
        ClassUrgency.isInUse ? HOST_PACE_HELPED_LITTLE : HOST_PACE_HELPED
    }

    /// Counts a look at a thread that gives way.
    private mutating func consider(_ number: Int32) {
        var (ran, wantsCore): (UInt64, Bool) = (0, false)
        guard host_thread_state(number, &ran, &wantsCore) else { return }
        var record = Record(ran: ran)
        if let last = records[number], !last.isHelped {
            record.looks = Self.starves(ran &- last.ran, wantsCore) ? last.looks + 1 : 0
        }
        if record.looks >= StarvationWatch.patience, host_set_pace(number, help) {
            record.isHelped = true
            record.looks = StarvationWatch.help
        }
        records[number] = record
    }

    /// Counts down a thread's help, and lets it give way again afterwards.
    private mutating func goOn(helping number: Int32) {
        guard var record = records[number] else { return }
        record.isThere = true
        record.looks -= 1
        if record.looks <= 0 {
            _ = host_set_pace(number, HOST_PACE_IDLE)
            record.isHelped = false
        }
        records[number] = record
    }

    /// Whether a thread wants a core and got next to nothing since the last look, in nanoseconds;
    /// one that sleeps has nothing to do.
    static func starves(_ ran: UInt64, _ wantsCore: Bool) -> Bool {
        wantsCore && Int64(ran) < StarvationWatch.period.nanoseconds / 20
    }
}
