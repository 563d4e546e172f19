import CCUDADriver
import ServerRuntime
import Synchronization

/// One GPU's primary context, which this process keeps for as long as anything of it is in use.
///
/// Weights, memory and modules belong to it, whatever partition runs; keeping it is what makes
/// green contexts cheap to create (platform notes, F.2).
final class GPUContext: @unchecked Sendable {
    // Safe: set in `init`; contexts may be made current on any thread, and `lost` is atomic.

    /// The driver.
    let driver: CUDADriver
    /// The driver's number of the device.
    let number: Int32
    /// The primary context.
    let primary: OpaquePointer
    /// The least and the greatest priority of streams, such as 0 and -5.
    let priorities: (least: Int32, greatest: Int32)
    private let lost = Atomic<Bool>(false)

    init(driver: CUDADriver, number: Int32) throws(EngineError) {
        self.driver = driver
        self.number = number
        var context: OpaquePointer?
        let code = driver.calls.primary_retain(&context, number)
        try driver.check(code, "taking GPU \(number)")
        guard let context else {
            throw EngineError(.failed, "NVIDIA's driver made nothing instead of a context")
        }
        primary = context
        var (least, greatest): (Int32, Int32) = (0, 0)
        let current = driver.calls.set_current(context)
        guard current == ccuda_success,
            driver.calls.priority_range(&least, &greatest) == ccuda_success
        else {
            _ = driver.calls.primary_release(number)
            throw EngineError(.failed, "GPU \(number) can't be used: \(driver.name(of: current))")
        }
        priorities = (least, greatest)
    }

    deinit {
        _ = driver.calls.primary_release(number)
    }

    /// Whether the GPU is gone; it does not come back while the process lives.
    var isLost: Bool { lost.load(ordering: .acquiring) }

    /// Makes a context current on the calling thread: the primary one, or a seat's.
    ///
    /// Cost: a thread-local store in the driver, so it is done before every use: ONNX Runtime
    /// puts the primary context back whenever it likes (platform notes, F.3).
    func enter(_ context: OpaquePointer? = nil) throws(EngineError) {
        try check(driver.calls.set_current(context ?? primary), "using GPU \(number)")
    }

    /// Throws where a call did not succeed; remembers when that means that the GPU is gone.
    func check(_ code: Int32, _ what: @autoclosure () -> String) throws(EngineError) {
        guard code != ccuda_success else { return }
        if CUDADriver.kind(of: code) == .deviceLost {
            lost.store(true, ordering: .releasing)
            throw EngineError(
                .deviceLost,
                "GPU \(number) is lost, \(what()) failed: \(driver.name(of: code)); restart the "
                    + "server once nvidia-smi shows the GPU healthy"
            )
        }
        try driver.check(code, what())
    }

    /// What a call made, once it is certain that it did.
    func made(
        _ result: OpaquePointer?,
        _ code: Int32,
        _ what: String
    ) throws(EngineError) -> OpaquePointer {
        try check(code, what)
        guard let result else { throw EngineError(.failed, "\(what) gave nothing") }
        return result
    }
}
