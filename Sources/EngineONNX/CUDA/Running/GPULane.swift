import CONNXRuntime
import ServerRuntime
import ServingDomain

/// A session on a gpulet, with the marks that tell when it ran.
///
/// An instance has one at a time. When its gpulet gets other units, it takes another.
final class GPULane {
    let session: ONNXSession
    /// The units that the session runs on.
    let units: [Int32]
    /// What the plan gives it of the device's memory, in MiB; 0 = no limit is known.
    let memoryMiB: Int64
    /// The stream that all its kernels go to.
    let stream: CUDAStream
    /// Where the session's tensors lie, in the library's words.
    let memory: OpaquePointer
    private let began: CUDAEvent
    private let ended: CUDAEvent
    private var clock: EventClock
    private let sessions: GPUSessions

    init(_ sessions: GPUSessions, units: [Int32], memoryMiB: Int64) throws(EngineError) {
        let session = try sessions.session(units, memoryMiB: memoryMiB)
        guard let stream = session.ground else {
            preconditionFailure("a session on a GPU has a stream")
        }
        let device = sessions.device
        self.session = session
        self.units = units
        self.memoryMiB = memoryMiB
        self.stream = stream
        self.sessions = sessions
        began = try CUDAEvent(in: stream.context, of: device.context)
        ended = try CUDAEvent(in: stream.context, of: device.context)
        clock = try EventClock(in: stream.context, of: device.context)
        memory = try sessions.provider.memory(of: session.library, on: device)
    }

    deinit {
        session.library.calls.release_memory_info(memory)
        let device = sessions.device
        if !device.context.isLost { device.idle.keep(session, of: sessions.tenure, units) }
    }

    /// A run is about to begin, once `copied` is over.
    func begin(after copied: CUDAEvent) throws(EngineError) {
        try clock.renew(on: stream)
        try stream.wait(for: copied)
        // The host's own provider does not go through the stream, so it has to be waited for.
        if sessions.provider.isHost { try copied.synchronize() }
        try began.record(on: stream)
    }

    /// All that was queued since has ended when `other` goes on.
    func end(before other: CUDAStream) throws(EngineError) {
        try ended.record(on: stream)
        try other.wait(for: ended)
    }

    /// When the run began and ended; blocks until it has.
    func times() throws(EngineError) -> (began: Instant, ended: Instant) {
        try ended.synchronize()
        return (try clock.instant(of: began), try clock.instant(of: ended))
    }
}
