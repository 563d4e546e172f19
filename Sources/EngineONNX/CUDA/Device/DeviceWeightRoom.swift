import CCUDADriver
import CONNXRuntime
import ServerRuntime

/// A GPU's memory for the weights of one model, filled through pinned memory piece by piece.
///
/// Taken from the driver, so that the limits of the sessions' own memory don't count it. It knows
/// the context and not the device: idle sessions of the device hold it.
final class DeviceWeightRoom: WeightRoom {
    let memory: OpaquePointer
    private let address: ccuda_address
    private let device: GPUContext
    private let library: ONNXLibrary
    /// While weights are copied: what is pinned, and where copies queue.
    private var way: (buffer: TransferBuffer, stream: CUDAStream)?

    /// The most bytes of one copy.
    static let pieceBytes = 4 << 20

    /// Takes memory of the device.
    ///
    /// - Parameter memory: Where tensors of the device lie, in the library's words; released here.
    /// - Throws: `outOfMemory` where the device has too little.
    init(
        _ byteCount: Int,
        memory: OpaquePointer,
        of library: ONNXLibrary,
        on device: GPUContext
    ) throws(EngineError) {
        var place: ccuda_address = 0
        do throws(EngineError) {
            try device.enter()
            let buffer = TransferBuffer(on: device)
            _ = try buffer.reserve(min(byteCount, Self.pieceBytes))
            let stream = try CUDAStream(on: device, priority: device.priorities.least)
            try device.check(
                device.driver.calls.memory_take(&place, byteCount),
                "taking \(byteCount) bytes of GPU \(device.number)'s memory"
            )
            way = (buffer, stream)
        } catch {
            library.calls.release_memory_info(memory)
            throw error
        }
        address = place
        self.memory = memory
        self.library = library
        self.device = device
    }

    deinit {
        library.calls.release_memory_info(memory)
        // A copy that failed may still be under way; the stream waits for it when it goes.
        way = nil
        guard (try? device.enter()) != nil else { return }
        _ = device.driver.calls.memory_free(address)
    }

    func place(_ offset: Int) -> UnsafeMutableRawPointer {
        guard let start = UnsafeMutableRawPointer(bitPattern: UInt(address)) else {
            preconditionFailure("memory that was taken has an address")
        }
        return start + offset
    }

    func fill(_ offset: Int, from bytes: UnsafeRawBufferPointer) throws(EngineError) {
        guard let (buffer, stream) = way else {
            preconditionFailure("weights are copied before the room is sealed")
        }
        try device.enter()
        var done = 0
        while done < bytes.count {
            let count = min(Self.pieceBytes, bytes.count - done, buffer.capacity)
            let piece = UnsafeRawBufferPointer(rebasing: bytes[done..<done + count])
            UnsafeMutableRawBufferPointer(start: buffer.host, count: count).copyMemory(from: piece)
            let target = address + ccuda_address(offset + done)
            try buffer.copyIn(0..<count, to: target, on: stream)
            try stream.synchronize()
            done += count
        }
    }

    func seal() { way = nil }
}
