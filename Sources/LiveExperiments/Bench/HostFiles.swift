import Foundation

/// What the system says of processes and of the machine, as text files.
enum HostFiles {
    /// A file's text; empty where it can't be read.
    static func text(_ path: String) -> String {
        (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    }

    /// The names in a folder; none where it can't be read.
    static func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    }
}

/// Processor time, read twice around what is measured.
struct ProcessorTime: Hashable, Sendable {
    /// What all processors have done so far, whoever for, in ticks.
    var machine: StealTime
    /// Seconds that one process has taken so far.
    var process: Double
    /// The moment, in seconds.
    var moment: Double

    /// Reads both.
    static func now(of pid: Int32) -> ProcessorTime {
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        let elapsed = DispatchTime.now().uptimeNanoseconds
        return ProcessorTime(
            machine: .now(),
            process: exact(of: pid) ?? processTicks(HostFiles.text("/proc/\(pid)/stat")) / tick,
            moment: Double(elapsed) / 1e9
        )
    }

    /// Seconds by the process's own clock, which counts nanoseconds where `stat` counts
    /// hundredths; nil where the system has none for it.
    static func exact(of pid: Int32) -> Double? {
        var clock = clockid_t()
        var time = timespec()
        // Of 0 it would be our own clock; here that is a server that runs elsewhere.
        guard pid > 0, clock_getcpuclockid(pid, &clock) == 0, clock_gettime(clock, &time) == 0
        else { return nil }
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    /// How busy the machine was since an earlier reading, 0...1, whoever for: the part of the time
    /// that its processors were there, since what others took of it carries no load.
    func busy(since before: ProcessorTime, cores: Int) -> Double {
        let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
        let span = (moment - before.moment) * Double(max(1, cores))
        let there = span - (machine.stolen - before.machine.stolen) / tick
        return (machine.worked - before.machine.worked) / tick / max(1e-9, there)
    }

    /// User and system ticks in a process's `stat`; its name may hold anything.
    static func processTicks(_ text: String) -> Double {
        guard let close = text.lastIndex(of: ")") else { return 0 }
        let values = text[text.index(after: close)...].split(separator: " ")
        guard values.count > 12, let user = Double(values[11]), let system = Double(values[12])
        else { return 0 }
        return user + system
    }
}
