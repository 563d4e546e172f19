import CCUDADriver
import ServerRuntime

/// NVIDIA's driver, opened and started.
///
/// What only newer drivers have is null in `calls` and a capability that is absent, nothing more.
final class CUDADriver: @unchecked Sendable {
    // Safe: everything is set in `init` and never changed, and the driver's calls may come from
    // any thread.

    /// The driver's calls.
    let calls: ccuda_calls
    /// The newest CUDA that it can serve.
    let version: CUDAVersion
    /// Where it was found.
    let path: String

    /// The name that every Linux installation of the driver has.
    static let usualPath = "libcuda.so.1"
    /// The oldest CUDA whose driver will do: the oldest that ONNX Runtime's provider still takes.
    static let oldest = CUDAVersion(major: 11, minor: 8)

    /// Opens and starts the driver.
    ///
    /// - Throws: `unavailable` where it is missing, is something else, is too old or won't start
    ///   (which it doesn't on a machine without a GPU).
    init(path: String = usualPath) throws(EngineError) {
        let calls = UnsafeMutablePointer<ccuda_calls>.allocate(capacity: 1)
        defer { calls.deallocate() }
        let (opening, said) = readingText { ccuda_open(path, calls, $0, $1) }
        guard opening == ccuda_opened else {
            throw EngineError(
                .unavailable,
                opening == ccuda_missing
                    ? "there is no NVIDIA driver (\(said))"
                    : "'\(path)' is a library, but not NVIDIA's driver (\(said))"
            )
        }
        self.calls = calls.pointee
        self.path = path
        var number: Int32 = 0
        guard self.calls.driver_version(&number) == ccuda_success else {
            throw EngineError(.unavailable, "NVIDIA's driver at '\(path)' doesn't say its version")
        }
        version = CUDAVersion(number: number)
        guard version >= Self.oldest else {
            throw EngineError(
                .unavailable,
                "NVIDIA's driver is for CUDA \(version), but \(Self.oldest) or later is needed; "
                    + "update the driver"
            )
        }
        let started = self.calls.`init`(0)
        guard started == ccuda_success else {
            throw EngineError(
                .unavailable,
                started == ccuda_no_device
                    ? "NVIDIA's driver for CUDA \(version) sees no GPU"
                    : "NVIDIA's driver for CUDA \(version) does not start: \(name(of: started))"
            )
        }
    }

    /// Whether the driver can divide a GPU's SMs inside one process (CUDA 12.4).
    var hasGreenContexts: Bool {
        calls.device_resource != nil && calls.split_by_count != nil && calls.describe != nil
            && calls.green_create != nil && calls.green_destroy != nil
            && calls.green_context != nil && calls.green_stream != nil
    }

    /// Throws where a call did not succeed.
    func check(_ code: Int32, _ what: @autoclosure () -> String) throws(EngineError) {
        guard code != ccuda_success else { return }
        throw EngineError(Self.kind(of: code), "\(what()) failed: \(name(of: code))")
    }

    /// What the driver calls a code, with its number.
    func name(of code: Int32) -> String {
        var text: UnsafePointer<CChar>?
        guard calls.error_name(code, &text) == ccuda_success, let text else {
            return "CUDA error \(code)"
        }
        return "\(String(cString: text)) (\(code))"
    }

    /// How callers are to treat a code. Errors after which a context never works again stand for
    /// a device that is lost: the process would have to start anew.
    static func kind(of code: Int32) -> EngineError.Kind {
        switch code {
        case ccuda_out_of_memory: .outOfMemory
        case ccuda_device_unavailable, ccuda_ecc_uncorrectable, ccuda_illegal_address,
            ccuda_launch_timeout, ccuda_context_destroyed, ccuda_hardware_stack_error,
            ccuda_illegal_instruction, ccuda_misaligned_address, ccuda_invalid_address_space,
            ccuda_invalid_program_counter, ccuda_launch_failed, ccuda_unknown, ccuda_deinitialized:
            .deviceLost
        default: .failed
        }
    }
}

/// Calls a function that writes a line of text, and gives both.
func readingText<Value>(
    _ body: (UnsafeMutablePointer<CChar>, Int) -> Value
) -> (Value, String) {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 512) { room in
        room.initialize(repeating: 0)
        guard let start = room.baseAddress else { preconditionFailure("room of 512 bytes") }
        let value = body(start, room.count)
        return (value, String(cString: start))
    }
}

/// A version of CUDA, such as 12.4.
struct CUDAVersion: Comparable, CustomStringConvertible, Sendable {
    var major: Int32
    var minor: Int32

    init(major: Int32, minor: Int32) { (self.major, self.minor) = (major, minor) }

    /// From the driver's form: 12040 is 12.4.
    init(number: Int32) { self.init(major: number / 1_000, minor: number % 1_000 / 10) }

    static func < (left: CUDAVersion, right: CUDAVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    var description: String { "\(major).\(minor)" }
}
