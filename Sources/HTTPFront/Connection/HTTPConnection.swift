import Logging
import NIOCore
import NIOHTTP1
import OpenInference
import ServerRuntime
import ServingDomain

/// One client's connection: requests in, one after the other, replies out in the same order.
///
/// Lives on its event loop. What comes in behind the present request waits, bounded; beyond the
/// bound, or while the client does not read, nothing more is read from the socket.
final class HTTPConnection: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = Never
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    /// The most bytes that wait behind the present request before reading stops.
    static let waitLimit = 256 << 10

    /// Where the connection stands.
    enum State: Hashable {
        /// Between requests. To: receiving, lingering, closed.
        case idle
        /// A head is here, its body is not. To: answering, idle, lingering, closed.
        case receiving
        /// The reply is being worked out. To: idle, lingering, closed.
        case answering
        /// The last reply is out; what still comes in is thrown away. To: closed.
        case lingering
        /// Nothing more happens.
        case closed
    }

    /// A part that waits behind the present request.
    private enum Waiting {
        case head(HTTPRequestHead, Instant)
        case body(ByteBuffer)
        case end
    }

    let front: FrontContext
    let role: FrontContext.Role
    var state = State.idle
    /// The present request.
    var call: Call?
    /// Decompresses its body.
    var inflater: Inflater?
    /// Counts requests, so that late answers find the right one.
    var callNumber: UInt64 = 0
    /// The reply to the present request is the last one.
    var closesAfterReply = false
    /// The inference that is under way, and its name in the runtime.
    var exchange: HTTPExchange?
    var requestID: RequestID?
    /// Storage for JSON, used again.
    var scratch: [UInt8] = []
    var context: ChannelHandlerContext?
    var watch = TimeoutWatch()
    /// The last target and its route: clients ask for the same thing again and again.
    var lastTarget = ""
    var lastRoute: Route?

    private var waiting = CircularBuffer<Waiting>()
    private var waitingBytes = 0
    private var isReadHeld = false
    private var isProceeding = false
    private var tickTask: RepeatedTask?

    init(front: FrontContext, role: FrontContext.Role) {
        self.front = front
        self.role = role
    }

    // MARK: Life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        let tick = TimeAmount.nanoseconds(front.configuration.tick.nanoseconds)
        let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
        tickTask = context.eventLoop.scheduleRepeatedTask(initialDelay: tick, delay: tick) { _ in
            connection.value.checkTimeouts()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        end(context)
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end(context)
        self.context = nil
    }

    private func end(_ context: ChannelHandlerContext) {
        guard state != .closed else { return }
        state = .closed
        tickTask?.cancel()
        tickTask = nil
        waiting.removeAll()
        call = nil
        exchange = nil
        front.leave(context.channel)
        if let request = requestID {
            requestID = nil
            front.runtime.cancel(request)
        }
    }

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = Self.unwrapInboundIn(data)
        switch part {
        case .head(let head): take(.head(head, ServingRuntime.now()))
        case .body(let piece): take(.body(piece))
        case .end: take(.end)
        }
    }

    /// Handles a part at once if its turn has come, else lets it wait.
    private func take(_ part: Waiting) {
        guard state != .lingering, state != .closed else { return }
        guard waiting.isEmpty, isFree else {
            waiting.append(part)
            if case .body(let piece) = part { waitingBytes += piece.readableBytes }
            waitingBytes += 64
            return
        }
        handle(part)
    }

    /// Whether the next part may be handled now.
    private var isFree: Bool {
        state != .answering && context?.channel.isWritable == true
    }

    private func handle(_ part: Waiting) {
        switch (state, part) {
        case (.idle, .head(let head, let arrival)):
            state = .receiving
            begin(head, at: arrival)
        case (.receiving, .body(let piece)): take(body: piece)
        case (.receiving, .end):
            watch.messageEnded()
            finishRequest()
        default: break
        }
    }

    /// Handles what has been waiting, as far as it goes.
    func proceed() {
        // A write may make the channel writable again, which ends up here once more.
        guard !isProceeding else { return }
        isProceeding = true
        defer { isProceeding = false }
        while isFree, state != .lingering, state != .closed, let part = waiting.popFirst() {
            waitingBytes -= 64
            if case .body(let piece) = part { waitingBytes -= piece.readableBytes }
            handle(part)
        }
        if isReadHeld, waitingBytes <= Self.waitLimit {
            isReadHeld = false
            context?.read()
        }
    }

    func read(context: ChannelHandlerContext) {
        guard waitingBytes <= Self.waitLimit else {
            isReadHeld = true
            return
        }
        context.read()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { proceed() }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is DrainEvent {
            closesAfterReply = true
            if state == .idle, waiting.isEmpty { close() }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let fault = error as? HTTPParserError else {
            context.close(promise: nil)
            return
        }
        switch state {
        case .answering:
            // What came before was sound: it is answered, and then there is nothing to go on.
            closesAfterReply = true
        case .idle, .receiving:
            waiting.removeAll()
            refuse(fault)
        case .lingering, .closed: break
        }
    }

    private func refuse(_ fault: HTTPParserError) {
        let limit = front.configuration.maxHeaderBytes
        var reply: HTTPReply
        switch fault {
        case .headerOverflow:
            reply = .error(
                WireError(
                    .malformed,
                    "the request's head is too large: \(limit) bytes and 256 headers are the limit"
                ),
                compat: false
            )
            reply.status = 431
        case .invalidVersion:
            reply = .error(WireError(.malformed, "only HTTP/1.0 and 1.1 are spoken"), compat: false)
            reply.status = 505
        default:
            let error = WireError(.malformed, "what came is no HTTP/1.1: \(fault)")
            reply = .error(error, compat: false)
        }
        abandon(with: reply)
    }

    // MARK: Output

    /// Sends a whole reply, head included, and ends the present request.
    func send(_ buffer: ByteBuffer, keepsAlive: Bool) {
        guard let context, state != .closed, state != .lingering else { return }
        call = nil
        exchange = nil
        requestID = nil
        guard keepsAlive else {
            let written = context.eventLoop.makePromise(of: Void.self)
            let connection = NIOLoopBound(self, eventLoop: context.eventLoop)
            written.futureResult.whenComplete { _ in connection.value.close() }
            state = .lingering
            context.writeAndFlush(Self.wrapOutboundOut(buffer), promise: written)
            return
        }
        state = .idle
        context.writeAndFlush(Self.wrapOutboundOut(buffer), promise: nil)
    }

    /// Sends a last reply while input may still be coming: closing at once would make the
    /// client's system throw the reply away.
    func abandon(with reply: HTTPReply) {
        guard let context, state != .closed, state != .lingering else { return }
        let buffer = encode(reply, keepsAlive: false)
        call = nil
        waiting.removeAll()
        waitingBytes = 0
        state = .lingering
        context.writeAndFlush(Self.wrapOutboundOut(buffer), promise: nil)
        context.close(mode: .output, promise: nil)
    }

    /// Sends bytes that are no reply, such as `100 Continue`.
    func send(interim text: StaticString) {
        var buffer = ByteBuffer()
        buffer.writeStaticString(text)
        context?.writeAndFlush(Self.wrapOutboundOut(buffer), promise: nil)
    }

    /// A reply's bytes.
    func encode(_ reply: HTTPReply, keepsAlive: Bool) -> ByteBuffer {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(256 + reply.lines.count + reply.body.count)
        ReplyHead(
            status: reply.status,
            contentType: reply.contentType,
            contentLength: reply.body.count,
            keepsAlive: keepsAlive,
            isHTTP10: call?.facts.isHTTP10 ?? false
        ).append(to: &bytes, lines: reply.lines)
        if call?.facts.method != .HEAD { bytes.append(contentsOf: reply.body) }
        return ByteBuffer(bytes: bytes)
    }

    func close() {
        context?.close(promise: nil)
    }
}
