import Logging
import NIOCore
import NIOHPACK
import NIOHTTP2
import ServerRuntime
import ServingDomain

/// One connection of a client: frames in, calls, frames out.
///
/// It works on frames: no channel per stream. So it opens the windows itself, counts what waits
/// to be read by the client, and flushes once per read cycle. Lives on its event loop.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// What all connections share.
    let shared: FrontContext
    /// Where finished requests of this connection's loop go.
    let mailbox: ReplyMailbox
    /// The open calls.
    var streams: [HTTP2StreamID: CallStream] = [:]
    /// What the client may still send over all streams, with what is on its way to it.
    var window = 65_535
    /// Bytes by which `window` has been opened without the client having been told yet.
    var untoldWindow = 0
    /// Since when no window has been opened for want of room; nil = windows are opened.
    var stalledSince: Instant?
    /// Bytes of replies that wait for the client to read.
    var queuedBytes = 0
    /// Since when the client has not read a byte that it could have; nil = it reads.
    var unwritableSince: Instant?
    /// Streams that have been answered before the client ended its side; they are to be reset.
    var answeredEarly: [HTTP2StreamID] = []
    /// Streams of `grpc.health.v1.Health/Watch`.
    var watchers: Set<HTTP2StreamID> = []
    /// The timer that looks at what the watchers watch; nil without watchers.
    var watchTimer: RepeatedTask?
    /// The timer that looks for calls that take too long.
    var sweepTimer: RepeatedTask?

    private(set) var context: ChannelHandlerContext?
    private var needsFlush = false
    private var isReading = false
    private var isTouched = false
    private var isNotified = false
    private var mustClose = false

    /// Creates the handler of a connection on `loop`.
    init(shared: FrontContext, loop: any EventLoop) {
        self.shared = shared
        mailbox = shared.mailbox(of: loop)
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { begin(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        begin(context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        self.context = nil
    }

    private func begin(_ context: ChannelHandlerContext) {
        guard sweepTimer == nil else { return }
        startSweeping(context)
        widenConnectionWindow()
        flushIfNeeded()
    }

    /// The client has gone: nobody reads any answer.
    private func end() {
        sweepTimer?.cancel()
        sweepTimer = nil
        watchTimer?.cancel()
        watchTimer = nil
        let open = streams
        streams = [:]
        for stream in open.values { abandon(stream) }
    }

    // MARK: Frames

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isReading = true
        let frame = unwrapInboundIn(data)
        switch frame.payload {
        case .data(let payload):
            guard case .byteBuffer(let bytes) = payload.data else { return }
            received(bytes, endStream: payload.endStream, on: frame.streamID)
        case .headers(let payload):
            received(payload.headers, endStream: payload.endStream, on: frame.streamID)
        default:
            // NIO's own handlers see to the rest; resets come as events.
            break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        isReading = false
        flushIfNeeded()
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        isNotified = true
        defer { isNotified = false }
        switch event {
        case let event as NIOHTTP2WindowUpdatedEvent: windowChanged(event)
        case let event as StreamClosedEvent: closed(event)
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        unwritableSince = context.channel.isWritable ? nil : ServingRuntime.now()
        flushIfNeeded()
        context.fireChannelWritabilityChanged()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Errors of one stream end here: NIO has reset it. Those of the connection come with a
        // GOAWAY that NIO has written, or from the socket.
        shared.logger.debug("gRPC connection: \(error)")
        if mustClose || error is IOError || error is ChannelError { context.close(promise: nil) }
    }

    private func closed(_ event: StreamClosedEvent) {
        guard let stream = streams.removeValue(forKey: event.streamID) else { return }
        queuedBytes -= stream.queuedBytes
        stream.queuedBytes = 0
        abandon(stream)
    }

    /// Lets go of everything that a call holds, and stops what runs for it.
    private func abandon(_ stream: CallStream) {
        stream.outputEnded = true
        if stream.watched != nil { stopWatching(stream) }
        cancelRequests(of: stream)
        release(stream)
    }

    /// Gives back the bytes that a call holds for messages not handed on.
    func release(_ stream: CallStream) {
        shared.budget.give(stream.heldBytes)
        stream.heldBytes = 0
        stream.message = nil
    }

    /// Tells the runtime that nobody waits for a call's requests any more.
    func cancelRequests(of stream: CallStream) {
        if let request = stream.exchange?.request { shared.runtime.cancel(request) }
        stream.exchange = nil
        for case .running(let exchange) in stream.owed where !exchange.isDelivered {
            if let request = exchange.request { shared.runtime.cancel(request) }
        }
        stream.owed = []
    }

    // MARK: Output

    /// Writes a frame; it leaves with the next flush.
    func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
        guard let context else { return }
        needsFlush = true
        context.write(wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
        // While the socket is full, or has just been and is caught up with, NIO holds control
        // frames back until a flush marks them, and expects none unmarked when DATA goes on. Its
        // events come from in there, too; so here each write is marked at once.
        if isNotified || !context.channel.isWritable { context.flush() }
    }

    /// Flushes what was written, unless a read cycle is on, at whose end it happens anyway.
    func flushIfNeeded() {
        guard !isReading, let context else { return }
        while needsFlush {
            needsFlush = false
            context.flush()
            resetAnsweredEarly()
        }
    }

    /// Notes that replies were handed to this connection; true the first time since `endTouch`.
    func markTouched() -> Bool {
        defer { isTouched = true }
        return !isTouched
    }

    /// All replies of a mailbox's round are here.
    func endTouch() {
        isTouched = false
        resumeIfStalled()
        flushIfNeeded()
    }

    /// A stream that is answered before its client ended its side is reset, so that the client
    /// stops sending; only once the answer has left, since a reset throws away what waits.
    private func resetAnsweredEarly() {
        let ids = answeredEarly
        answeredEarly = []
        for id in ids where streams[id]?.inputEnded == false {
            write(id, .rstStream(.noError))
        }
    }
}

extension ConnectionHandler: NIOHTTP2FrameDelegate {
    /// NIO's HTTP/2 handler has passed a frame to the socket.
    func wroteFrame(_ frame: HTTP2Frame) {
        switch frame.payload {
        case .data(let payload):
            let count = payload.data.readableBytes
            guard let stream = streams[frame.streamID] else { return }
            stream.queuedBytes -= count
            queuedBytes -= count
        case .headers(let payload):
            guard payload.endStream, let stream = streams[frame.streamID], !stream.inputEnded
            else { return }
            answeredEarly.append(frame.streamID)
            needsFlush = true
        case .windowUpdate(let count): told(frame.streamID, count)
        case .goAway(_, let code, _):
            if code != .noError { mustClose = true }
        default: break
        }
    }
}
