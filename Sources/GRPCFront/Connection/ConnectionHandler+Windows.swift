import NIOCore
import NIOHTTP2
import ServerRuntime
import ServingDomain

/// Flow control: at frame level nobody opens windows but us.
///
/// A window is widened when half of it is used, and not at all while the request table or the
/// byte budget is full. That is the back pressure: clients stop sending. What a full socket holds
/// back counts as opened, so that no window is opened twice.
extension ConnectionHandler {
    /// How often a connection whose windows stay shut looks whether there is room again.
    private static let stallCheck = TimeAmount.milliseconds(5)

    /// NIO has counted bytes that came, or a window that we widened.
    func windowChanged(_ event: NIOHTTP2WindowUpdatedEvent) {
        guard let size = event.inboundWindowSize else { return }
        if event.streamID == .rootStream {
            window = size + untoldWindow
            if window <= shared.configuration.connectionWindow / 2 { widenConnectionWindow() }
        } else if let stream = streams[event.streamID] {
            stream.window = size + stream.untoldWindow
            if stream.window <= shared.configuration.streamWindow / 2 { widen(stream) }
        }
    }

    /// NIO has passed a widened window to the socket.
    func told(_ id: HTTP2StreamID, _ count: Int) {
        if id == .rootStream {
            untoldWindow -= count
        } else {
            streams[id]?.untoldWindow -= count
        }
    }

    /// Opens the connection's window to its full size.
    func widenConnectionWindow() {
        let missing = shared.configuration.connectionWindow - window
        guard missing > 0 else { return }
        guard shared.admitsMore else {
            stall()
            return
        }
        window += missing
        untoldWindow += missing
        write(.rootStream, .windowUpdate(windowSizeIncrement: missing))
    }

    /// Opens a stream's window, but for what waits unread behind requests that run.
    func widen(_ stream: CallStream) {
        guard !stream.inputEnded else { return }
        let target = shared.configuration.streamWindow
        let unread = isFull(stream) ? stream.assembler.waitingBytes : 0
        let missing = target - stream.window - unread
        guard missing >= target / 2 else { return }
        guard shared.admitsMore else {
            stall()
            return
        }
        stream.window += missing
        stream.untoldWindow += missing
        write(stream.id, .windowUpdate(windowSizeIncrement: missing))
    }

    private func isFull(_ stream: CallStream) -> Bool {
        stream.owed.count >= shared.configuration.maxRequestsPerStream
    }

    /// Opens the windows that stayed shut, if there is room again.
    func resumeIfStalled() {
        guard stalledSince != nil, shared.admitsMore else { return }
        stalledSince = nil
        if window <= shared.configuration.connectionWindow / 2 { widenConnectionWindow() }
        for stream in streams.values { widen(stream) }
    }

    private func stall() {
        guard stalledSince == nil, let context else { return }
        stalledSince = ServingRuntime.now()
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleRepeatedTask(
            initialDelay: Self.stallCheck,
            delay: Self.stallCheck
        ) { task in
            if !bound.value.checkStall() { task.cancel() }
        }
    }

    /// Looks whether there is room again; false when the stall is over.
    private func checkStall() -> Bool {
        guard context != nil, let since = stalledSince else { return false }
        resumeIfStalled()
        if stalledSince != nil, !shared.budget.hasRoom,
            ServingRuntime.now() - since > shared.configuration.roomTimeout
        {
            refuseLargest()
            stalledSince = ServingRuntime.now()
        }
        flushIfNeeded()
        return stalledSince != nil
    }

    /// Unfinished messages of many clients may fill the budget so that none gets done. Then the
    /// largest of each connection is given up.
    private func refuseLargest() {
        let unfinished = streams.values.filter { !$0.inputEnded && !$0.outputEnded }
        guard let largest = unfinished.max(by: { $0.heldBytes < $1.heldBytes }) else { return }
        finish(
            largest,
            Status(
                .resourceExhausted,
                "the server holds \(shared.configuration.maxRequestBytes) bytes of requests, its"
                    + " limit; try again later"
            )
        )
    }
}
