import CHost

/// The CPU cores that this process may use, by the system's numbers.
public enum HostCores {
    /// The cores, ascending; those that `taskset` or a container took away are left out.
    public static func available() -> [Int32] {
        let cores = [Int32](unsafeUninitializedCapacity: 4_096) { buffer, count in
            count = Int(host_cores(buffer.baseAddress, Int32(buffer.count)))
        }
        return cores.isEmpty ? [0] : cores
    }
}
