import CCUDADriver
import ServerRuntime
import ServingDomain

/// Tells when events of one context happened, by `CLOCK_MONOTONIC`.
///
/// The driver only gives the time between two events, in milliseconds of single precision. So an
/// anchor is recorded on an idle stream while the host's clock is read before and after: the
/// anchor lies between, and everything else is counted from it. An anchor older than two seconds
/// is replaced, before the format's precision falls below a quarter of a microsecond.
struct EventClock {
    private let anchor: CUDAEvent
    private var anchored = Instant.zero
    private var isSet = false

    private static let life = TimeSpan.seconds(2)
    private static let tries = 3

    /// A clock of one context.
    init(in context: OpaquePointer, of device: GPUContext) throws(EngineError) {
        anchor = try CUDAEvent(in: context, of: device)
    }

    /// Sets the anchor where it is too old. Cost: nothing, or some 10 us every two seconds.
    /// - Parameter stream: One of the context that is idle now.
    mutating func renew(on stream: CUDAStream) throws(EngineError) {
        let now = Self.now()
        guard !isSet || now - anchored > Self.life else { return }
        var narrowest = TimeSpan(nanoseconds: .max)
        // The last try counts for the event; tries end early once one is narrow enough.
        for _ in 0..<Self.tries {
            let before = Self.now()
            try anchor.record(on: stream)
            try anchor.synchronize()
            let width = Self.now() - before
            anchored = before + TimeSpan(nanoseconds: width.nanoseconds / 2)
            if width < .microseconds(50) || width >= narrowest { break }
            narrowest = width
        }
        isSet = true
    }

    /// When an event of the same context happened. Precondition: it is over, and `renew` came
    /// before it.
    func instant(of event: CUDAEvent) throws(EngineError) -> Instant {
        let span = try anchor.milliseconds(to: event)
        return anchored + .milliseconds(rounding: Double(span))
    }

    static func now() -> Instant { Instant(nanoseconds: ccuda_monotonic()) }
}
