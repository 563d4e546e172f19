import ServerRuntime
import ServingDomain

/// Tells when copies of one direction began and ended; an instance has one per direction.
final class CopyTicket {
    private let began: CUDAEvent
    /// Where the copies end.
    let ended: CUDAEvent
    private var clock: EventClock
    private let device: GPUDevice

    init(on device: GPUDevice) throws(EngineError) {
        self.device = device
        let context = device.context
        began = try CUDAEvent(in: context.primary, of: context)
        ended = try CUDAEvent(in: context.primary, of: context)
        clock = try EventClock(in: context.primary, of: context)
    }

    /// Queues copies on a stream between two marks; does not block.
    func queue(
        on stream: CUDAStream,
        _ copies: () throws(EngineError) -> Void
    ) throws(EngineError) {
        try clock.renew(on: device.clockStream)
        try began.record(on: stream)
        try copies()
        try ended.record(on: stream)
    }

    /// When they began and ended; blocks until they have.
    func times() throws(EngineError) -> (began: Instant, ended: Instant) {
        try ended.synchronize()
        return (try clock.instant(of: began), try clock.instant(of: ended))
    }
}
