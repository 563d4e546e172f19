import CCUDADriver
import ServerRuntime

/// A queue of work on a GPU, on all of it or on the SMs of one seat.
final class CUDAStream: @unchecked Sendable {
    // Safe: set in `init`; the driver's calls on a stream may come from any thread.

    /// The driver's stream.
    let handle: OpaquePointer
    /// The context that its events must be made in.
    let context: OpaquePointer
    /// What the stream's SMs belong to; kept until the stream is gone, as the driver demands.
    private let home: PartitionSeat?
    private let device: GPUContext

    /// A stream of the whole device; higher priorities are smaller numbers.
    init(on device: GPUContext, priority: Int32) throws(EngineError) {
        try device.enter()
        var stream: OpaquePointer?
        let code = device.driver.calls.stream_create(&stream, ccuda_stream_non_blocking, priority)
        handle = try device.made(stream, code, "making a stream")
        context = device.primary
        self.device = device
        home = nil
    }

    /// A stream whose work runs on a seat's SMs alone.
    init(on seat: PartitionSeat, priority: Int32) throws(EngineError) {
        let device = seat.device
        try device.enter()
        var stream: OpaquePointer?
        let code: Int32
        if let green = seat.green, let make = device.driver.calls.green_stream {
            code = make(&stream, green, ccuda_stream_non_blocking, priority)
        } else {
            code = device.driver.calls.stream_create(&stream, ccuda_stream_non_blocking, priority)
        }
        handle = try device.made(stream, code, "making a stream")
        context = seat.context
        self.device = device
        home = seat
    }

    deinit {
        guard (try? device.enter()) != nil else { return }
        _ = device.driver.calls.stream_synchronize(handle)
        _ = device.driver.calls.stream_destroy(handle)
    }

    /// Blocks until all that was queued is done.
    func synchronize() throws(EngineError) {
        try device.check(device.driver.calls.stream_synchronize(handle), "waiting for a stream")
    }

    /// Lets later work wait for what an event stands for; does not block.
    func wait(for event: CUDAEvent) throws(EngineError) {
        let code = device.driver.calls.stream_wait(handle, event.handle, 0)
        try device.check(code, "letting a stream wait")
    }
}

/// A point in a stream's work. It belongs to a context, and so do the streams that it may be
/// recorded on.
final class CUDAEvent: @unchecked Sendable {
    // Safe: set in `init`; one lane thread records it and waits for it.

    /// The driver's event.
    let handle: OpaquePointer
    private let device: GPUContext

    init(in context: OpaquePointer, of device: GPUContext) throws(EngineError) {
        try device.enter(context)
        var event: OpaquePointer?
        let code = device.driver.calls.event_create(&event, ccuda_event_default)
        try device.enter()
        handle = try device.made(event, code, "making an event")
        self.device = device
    }

    deinit {
        guard (try? device.enter()) != nil else { return }
        _ = device.driver.calls.event_destroy(handle)
    }

    /// Puts the event behind all that a stream holds so far.
    func record(on stream: CUDAStream) throws(EngineError) {
        let code = device.driver.calls.event_record(handle, stream.handle)
        try device.check(code, "recording an event")
    }

    /// Blocks until the work before it is done.
    func synchronize() throws(EngineError) {
        try device.check(device.driver.calls.event_synchronize(handle), "waiting for the GPU")
    }

    /// Milliseconds from this event to a later one of the same context; both are over.
    func milliseconds(to later: CUDAEvent) throws(EngineError) -> Float {
        var span: Float = 0
        let code = device.driver.calls.event_elapsed(&span, handle, later.handle)
        try device.check(code, "reading a GPU's clock")
        return span
    }
}
