import CCUDADriver

/// NVIDIA's management library: facts about GPUs that the driver's own interface does not give.
///
/// Everything here is for people and forecasts; where it is missing, nothing fails.
final class ManagementLibrary: @unchecked Sendable {
    // Safe: set in `init`; the library's calls may come from any thread.
    private let calls: cnvml_calls

    /// What it tells of one GPU; zero stands for not known.
    struct Facts {
        /// Of the PCIe link, the most that card and slot can.
        var generation: Int32 = 0, width: Int32 = 0
        /// Whether the card is in MIG mode.
        var isDivided = false
        /// The SMs' present clock, in MHz.
        var clock: Int32 = 0
    }

    /// The name that every Linux installation of the driver has.
    static let usualPath = "libnvidia-ml.so.1"

    /// Opens the library; nil where it is missing or does not start.
    init?(path: String = usualPath) {
        let calls = UnsafeMutablePointer<cnvml_calls>.allocate(capacity: 1)
        defer { calls.deallocate() }
        let (opening, _) = readingText { cnvml_open(path, calls, $0, $1) }
        guard opening == ccuda_opened, let start = calls.pointee.`init`, start() == 0 else {
            return nil
        }
        self.calls = calls.pointee
    }

    /// The driver's own version, such as `580.65.06`; nil where it isn't said.
    var driverVersion: String? {
        guard let ask = calls.driver_version else { return nil }
        let (code, text) = readingText { ask($0, UInt32($1)) }
        return code == 0 ? text : nil
    }

    /// What is known of the GPU at a place on the bus, such as `00000000:41:00.0`.
    func facts(bus: String) -> Facts {
        var device: OpaquePointer?
        guard let find = calls.device_by_bus, find(bus, &device) == 0, let device else {
            return Facts()
        }
        var (now, later): (UInt32, UInt32) = (0, 0)
        if let ask = calls.instance_mode, ask(device, &now, &later) != 0 { now = 0 }
        return Facts(
            generation: number { calls.link_generation?(device, $0) },
            width: number { calls.link_width?(device, $0) },
            isDivided: now == 1,
            clock: number { calls.clock?(device, cnvml_clock_processors, $0) }
        )
    }

    private func number(_ ask: (UnsafeMutablePointer<UInt32>) -> Int32?) -> Int32 {
        var value: UInt32 = 0
        return ask(&value) == 0 ? Int32(clamping: value) : 0
    }
}
