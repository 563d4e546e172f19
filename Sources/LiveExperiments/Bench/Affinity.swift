import CHost

/// Which processors threads may use (`sched_setaffinity`), for experiments that keep what decides
/// and what computes apart.
enum Affinity {
    /// Runs `body` with the calling thread on `processors`; what it starts inherits them.
    static func asCallingThread<Value>(
        on processors: [Int32]?,
        _ body: () throws -> Value
    ) rethrows -> Value {
        guard let processors else { return try body() }
        let before = current(0)
        set(0, processors)
        defer { set(0, before) }
        return try body()
    }

    /// Moves the threads of a process whose name begins with none of `names` to `processors`.
    ///
    /// - Returns: How many were moved; threads that have ended meanwhile are left out.
    @discardableResult
    static func move(_ pid: Int32, allBut names: [String] = [], to processors: [Int32]) -> Int {
        let tasks = HostFiles.names(in: "/proc/\(pid)/task").compactMap { Int32($0) }
        var moved = 0
        for task in tasks {
            let name = HostFiles.text("/proc/\(pid)/task/\(task)/comm")
            guard !names.contains(where: { name.hasPrefix($0) }) else { continue }
            if set(task, processors) { moved += 1 }
        }
        return moved
    }

    /// The processors that a thread may use, ascending; 0 = the calling one.
    static func current(_ thread: Int32) -> [Int32] {
        [Int32](unsafeUninitializedCapacity: 4_096) { buffer, count in
            count = Int(host_thread_cores(thread, buffer.baseAddress, Int32(buffer.count)))
        }
    }

    @discardableResult
    private static func set(_ thread: Int32, _ processors: [Int32]) -> Bool {
        host_move_thread(thread, processors, Int32(processors.count))
    }
}
