import Logging
import NIOCore
import NIOHTTP2
import ServerRuntime
import ServingDomain

/// Calls and clients that take too long, looked for every now and then.
extension ConnectionHandler {
    /// Starts to look for them.
    func startSweeping(_ context: ChannelHandlerContext) {
        let limits = shared.configuration
        let shortest = min(limits.requestTimeout, limits.writeTimeout)
        let period = TimeAmount.nanoseconds(max(1_000_000, shortest.nanoseconds / 4))
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        sweepTimer = context.eventLoop.scheduleRepeatedTask(initialDelay: period, delay: period) {
            _ in bound.value.sweep()
        }
    }

    private func sweep() {
        let now = ServingRuntime.now()
        let limits = shared.configuration
        if let since = unwritableSince, now - since > limits.writeTimeout {
            shared.logger.info("gRPC connection: the client reads nothing; it is closed")
            context?.close(promise: nil)
            return
        }
        for stream in Array(streams.values) {
            if isTooSlow(stream, now) {
                finish(
                    stream,
                    Status(
                        .deadlineExceeded,
                        "the request did not arrive whole within"
                            + " \(limits.requestTimeout.millisecondText) ms; send it faster"
                    )
                )
            } else if let ended = stream.outputEndTime, now - ended > limits.writeTimeout {
                // Its reply waits for a window that the client does not open.
                stream.outputEndTime = nil
                write(stream.id, .rstStream(.cancel))
            }
        }
        flushIfNeeded()
    }

    /// Whether a unary call takes too long to arrive. Time spent while our windows were shut
    /// does not count against the client.
    private func isTooSlow(_ stream: CallStream, _ now: Instant) -> Bool {
        guard !stream.inputEnded, !stream.outputEnded, stalledSince == nil else { return false }
        guard stream.head.method != .modelStreamInfer else { return false }
        return now - stream.arrival > shared.configuration.requestTimeout
    }
}
