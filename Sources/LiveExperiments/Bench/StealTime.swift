/// Steal time: processor time that this machine had work for and that its host gave to others.
///
/// Nothing where there is no hypervisor, or where the system does not tell.
struct StealTime: Hashable, Sendable {
    /// Ticks of all processors since the start: worked, and wanted but not given.
    var worked: Double, stolen: Double

    /// A reading.
    init(worked: Double = 0, stolen: Double = 0) {
        self.worked = worked
        self.stolen = stolen
    }

    /// Reads it.
    static func now() -> StealTime { StealTime(HostFiles.text("/proc/stat")) }

    /// Reads the first line of `/proc/stat`; ticks of idling and of waiting for disks don't count.
    init(_ text: String) {
        self.init()
        let line = text.split(separator: "\n").first ?? ""
        let values = line.split(separator: " ").dropFirst().prefix(8).compactMap { Double($0) }
        guard values.count == 8 else { return }
        stolen = values[7]
        worked = values[0] + values[1] + values[2] + values[5] + values[6]
    }

    /// Ticks that there was work for.
    var wanted: Double { worked + stolen }

    /// What was stolen since an earlier reading, in per cent of the time that there was work for.
    func percent(since before: StealTime) -> Double {
        let wanted = wanted - before.wanted
        return wanted > 0 ? 100 * max(0, stolen - before.stolen) / wanted : 0
    }
}
