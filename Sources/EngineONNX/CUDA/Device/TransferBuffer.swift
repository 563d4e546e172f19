import CCUDADriver
import ServerRuntime

/// Memory of one tensor: pinned on the host, where fronts gather and scatter, and as much on the
/// device, where it is bound. Only grows.
final class TransferBuffer {
    /// How many bytes there are on both sides.
    private(set) var capacity = 0
    private var pinned: UnsafeMutableRawPointer?
    private var address: ccuda_address = 0
    private let device: GPUContext

    private static let alignment = 512

    init(on device: GPUContext) { self.device = device }

    deinit {
        guard (try? device.enter()) != nil else { return }
        release()
    }

    /// Makes room for `byteCount` bytes; what was in it is lost when it moves.
    ///
    /// - Returns: Whether it moved.
    /// - Throws: `outOfMemory` where host or device has no room; the buffer is empty then.
    func reserve(_ byteCount: Int) throws(EngineError) -> Bool {
        guard byteCount > capacity || capacity == 0 else { return false }
        try device.enter()
        release()
        let rounded = max(1, (byteCount + Self.alignment - 1) / Self.alignment) * Self.alignment
        var place: ccuda_address = 0
        try device.check(
            device.driver.calls.memory_take(&place, rounded),
            "taking \(rounded) bytes of GPU \(device.number)'s memory"
        )
        address = place
        var host: UnsafeMutableRawPointer?
        let code = device.driver.calls.pinned_take(&host, rounded, 0)
        do throws(EngineError) {
            try device.check(code, "taking \(rounded) bytes of pinned memory")
        } catch {
            release()
            throw error
        }
        pinned = host
        capacity = rounded
        return true
    }

    /// Where the host's side begins. Precondition: `reserve` came before.
    var host: UnsafeMutableRawPointer {
        guard let pinned else { preconditionFailure("a buffer is used before it has room") }
        return pinned
    }

    /// Where the device's side begins; for the library and the driver only, never to be read here.
    var onDevice: UnsafeMutableRawPointer {
        guard let pointer = UnsafeMutableRawPointer(bitPattern: UInt(address)) else {
            preconditionFailure("a buffer is used before it has room")
        }
        return pointer
    }

    /// Queues the copy of a part to the device.
    func copyIn(_ part: Range<Int>, on stream: CUDAStream) throws(EngineError) {
        precondition(part.upperBound <= capacity)
        let target = address + ccuda_address(part.lowerBound)
        try copyIn(part, to: target, on: stream)
    }

    /// The same to memory of the device that is not the buffer's own.
    func copyIn(
        _ part: Range<Int>,
        to target: ccuda_address,
        on stream: CUDAStream
    ) throws(EngineError) {
        let code = device.driver.calls.copy_in(
            target,
            host + part.lowerBound,
            part.count,
            stream.handle
        )
        try device.check(code, "copying to GPU \(device.number)")
    }

    /// Queues the copy of a part back to the host.
    func copyOut(_ part: Range<Int>, on stream: CUDAStream) throws(EngineError) {
        precondition(part.upperBound <= capacity)
        try copyOut(part, from: address, on: stream)
    }

    /// The same from memory of the device that is not the buffer's own.
    func copyOut(
        _ part: Range<Int>,
        from source: ccuda_address,
        on stream: CUDAStream
    ) throws(EngineError) {
        let code = device.driver.calls.copy_out(
            host + part.lowerBound,
            source + ccuda_address(part.lowerBound),
            part.count,
            stream.handle
        )
        try device.check(code, "copying from GPU \(device.number)")
    }

    private func release() {
        if address != 0 { _ = device.driver.calls.memory_free(address) }
        if let pinned { _ = device.driver.calls.pinned_free(pinned) }
        (address, pinned, capacity) = (0, nil, 0)
    }
}
