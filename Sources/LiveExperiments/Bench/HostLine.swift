import Profiler
import ServerRuntime

/// One line about the machine, for reports.
enum HostLine {
    /// Processor, cores, kernel, and how busy it was.
    static func text() -> String {
        let host = HostFingerprint.of(cores: HostCores.available().count, engine: "Linux")
        let kernel = HostFiles.text("/proc/sys/kernel/osrelease").split(separator: "\n").first ?? ""
        let load = HostFiles.text("/proc/loadavg").split(separator: " ").first ?? "?"
        return "\(host) \(kernel), load average in the end \(load)"
    }
}
