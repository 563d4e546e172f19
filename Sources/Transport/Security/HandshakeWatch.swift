#if TLS
import Logging
import NIOCore
import NIOTLS

/// Sits behind the TLS handler until the handshake is through, then leaves the pipeline: ends
/// handshakes that fail, take too long, or agree on another protocol, with one debug line.
final class HandshakeWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let required: String?
    private let timeout: TimeAmount
    private let logger: Logger
    private var timer: Scheduled<Void>?
    private var hasFailed = false

    /// Creates a watch.
    ///
    /// - Parameters:
    ///   - required: The protocol that the client must have agreed on; nil = any or none.
    ///   - timeout: How long the handshake may take.
    ///   - logger: Where failures go.
    init(required: String?, timeout: TimeAmount, logger: Logger) {
        self.required = required
        self.timeout = timeout
        self.logger = logger
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        timer = context.eventLoop.scheduleTask(in: timeout) {
            let (watch, context) = bound.value
            let limit = watch.timeout.nanoseconds / 1_000_000
            watch.fail(context, "not done within \(limit) ms, the limit")
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) { stop() }

    func channelInactive(context: ChannelHandlerContext) {
        stop()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What a refused client says while its connection is being closed reaches nobody.
        if !hasFailed { context.fireChannelRead(data) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let agreed)? = event as? TLSUserEvent else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        if let required, agreed != required {
            fail(context, "the client did not ask for \(required) (ALPN)")
            return
        }
        context.fireUserInboundEventTriggered(event)
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, "\(error)")
    }

    private func fail(_ context: ChannelHandlerContext, _ why: String) {
        stop()
        guard !hasFailed else { return }
        hasFailed = true
        logger.debug("TLS handshake with \(context.remoteAddress?.description ?? "?"): \(why)")
        context.close(promise: nil)
    }

    private func stop() {
        timer?.cancel()
        timer = nil
    }
}
#endif
