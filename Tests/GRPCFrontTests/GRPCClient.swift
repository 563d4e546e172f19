import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Synchronization

@testable import GRPCFront

#if TLS
import NIOSSL
#endif

/// A client at frame level. It opens no windows but those it starts with, so that a test can be
/// a client that reads nothing.
final class GRPCClient: Sendable {
    private let channel: any Channel
    private let handler: NIOLoopBound<ClientHandler>

    private init(_ channel: any Channel, _ handler: NIOLoopBound<ClientHandler>) {
        self.channel = channel
        self.handler = handler
    }

    /// Connects; the server may send `window` bytes on a stream, 2 GB over all.
    static func connect(_ address: SocketAddress, window: Int = 64 << 20) async throws -> GRPCClient
    {
        try await connect(address, window: window) { _ in }
    }

    #if TLS
    /// The same over TLS.
    static func connect(_ address: SocketAddress, tls: NIOSSLContext) async throws -> GRPCClient {
        try await connect(address, window: 64 << 20) { channel in
            try channel.pipeline.syncOperations.addHandler(
                NIOSSLClientHandler(context: tls, serverHostname: "localhost")
            )
        }
    }
    #endif

    private static func connect(
        _ address: SocketAddress,
        window: Int,
        prepare: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> GRPCClient {
        try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(to: address) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel)
                    let handler = ClientHandler()
                    try channel.pipeline.syncOperations.addHandler(
                        NIOHTTP2Handler(
                            mode: .client,
                            initialSettings: [
                                HTTP2Setting(parameter: .initialWindowSize, value: window)
                            ]
                        )
                    )
                    try channel.pipeline.syncOperations.addHandler(handler)
                    let bound = NIOLoopBound(handler, eventLoop: channel.eventLoop)
                    return GRPCClient(channel, bound)
                }
            }
    }

    /// Begins a call; nothing but its headers is sent.
    func begin(_ method: String, _ headers: [(String, String)] = []) async throws -> GRPCCall {
        let path = method.contains("/") ? method : "/inference.GRPCInferenceService/\(method)"
        let usual = [
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
            ("content-type", "application/grpc"), ("te", "trailers"),
        ]
        let all = usual.filter { one in !headers.contains { $0.0 == one.0 } } + headers
        let sorted = all.filter { $0.0.hasPrefix(":") } + all.filter { !$0.0.hasPrefix(":") }
        let (handler, channel) = (handler, channel)
        return try await channel.eventLoop.submit {
            handler.value.begin(HPACKHeaders(sorted), channel)
        }.get()
    }

    /// Makes a unary call and waits for its end.
    func call(
        _ method: String,
        _ message: [UInt8],
        _ headers: [(String, String)] = []
    ) async throws -> GRPCCall.Reply {
        let call = try await begin(method, headers)
        try await call.send(message, end: true)
        return try await call.ended()
    }

    /// Lets the server send more on all streams together.
    func widen(_ call: GRPCCall, by count: Int) async throws {
        let (handler, id) = (handler, call.id)
        try await channel.eventLoop.submit {
            handler.value.write(.rootStream, .windowUpdate(windowSizeIncrement: count))
            handler.value.write(id, .windowUpdate(windowSizeIncrement: count))
        }.get()
    }

    /// Leaves everything that the server sends in the socket.
    func stopReading() async throws {
        try await channel.setOption(.autoRead, value: false).get()
    }

    func close() async throws { try await channel.close() }

    /// Waits until the server has closed the connection.
    func closed() async throws { try await channel.closeFuture.get() }
}

/// One call of a test's client.
final class GRPCCall: Sendable {
    /// What came back.
    struct Reply: Sendable {
        var head: [String: String] = [:]
        var messages: [[UInt8]] = []
        var trailers: [String: String] = [:]
        var reset: HTTP2ErrorCode?

        var status: Int? { trailers["grpc-status"].flatMap { Int($0) } }
        var message: String { trailers["grpc-message"] ?? "" }
    }

    let id: HTTP2StreamID
    private let handler: NIOLoopBound<ClientHandler>
    private let loop: any EventLoop

    init(_ id: HTTP2StreamID, _ handler: ClientHandler, _ loop: any EventLoop) {
        self.id = id
        self.handler = NIOLoopBound(handler, eventLoop: loop)
        self.loop = loop
    }

    /// Sends a message, and the end of the client's side if asked.
    func send(_ message: [UInt8], flag: UInt8 = 0, end: Bool = false) async throws {
        try await send(raw: MessageAssemblerTests.framed(message, flag: flag), end: end)
    }

    /// Sends bytes as they are.
    func send(raw bytes: [UInt8], end: Bool = false) async throws {
        let (handler, id) = (handler, id)
        try await loop.submit {
            let data = IOData.byteBuffer(ByteBuffer(bytes: bytes))
            handler.value.write(id, .data(.init(data: data, endStream: end)))
        }.get()
    }

    /// Cancels the call.
    func cancel() async throws {
        let (handler, id) = (handler, id)
        try await loop.submit { handler.value.write(id, .rstStream(.cancel)) }.get()
    }

    /// Waits for the end of the reply: trailers, a reset, or the connection's end.
    func ended() async throws -> Reply {
        let (handler, id) = (handler, id)
        return try await loop.flatSubmit { handler.value.ended(id) }.get()
    }

    /// Waits until `count` messages have come.
    func messages(_ count: Int) async throws -> [[UInt8]] {
        let (handler, id) = (handler, id)
        return try await loop.flatSubmit { handler.value.messages(id, count) }.get()
    }
}

/// The client's end of a connection, on its loop.
final class ClientHandler: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    private struct Open {
        var reply = GRPCCall.Reply()
        var assembler = MessageAssembler(limit: .max)
        var ended: EventLoopPromise<GRPCCall.Reply>
        var waiters: [(count: Int, promise: EventLoopPromise<[[UInt8]]>)] = []
    }

    private var calls: [HTTP2StreamID: Open] = [:]
    private var nextID = HTTP2StreamID(1)
    private var context: ChannelHandlerContext?

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        write(.rootStream, .windowUpdate(windowSizeIncrement: (1 << 31) - 65_536))
        context.fireChannelActive()
    }

    func begin(_ headers: HPACKHeaders, _ channel: any Channel) -> GRPCCall {
        let id = nextID
        nextID = nextID.advanced(by: 2)
        calls[id] = Open(ended: channel.eventLoop.makePromise())
        write(id, .headers(.init(headers: headers)))
        return GRPCCall(id, self, channel.eventLoop)
    }

    func write(_ id: HTTP2StreamID, _ payload: HTTP2Frame.FramePayload) {
        context?.writeAndFlush(
            wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)),
            promise: nil
        )
    }

    func ended(_ id: HTTP2StreamID) -> EventLoopFuture<GRPCCall.Reply> {
        guard let call = calls[id] else { preconditionFailure("no such call") }
        return call.ended.futureResult
    }

    func messages(_ id: HTTP2StreamID, _ count: Int) -> EventLoopFuture<[[UInt8]]> {
        guard let context else { preconditionFailure("no connection") }
        let promise = context.eventLoop.makePromise(of: [[UInt8]].self)
        calls[id]?.waiters.append((count, promise))
        tell(id)
        return promise.futureResult
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = unwrapInboundIn(data)
        let id = frame.streamID
        switch frame.payload {
        case .headers(let payload):
            for (name, value, _) in payload.headers {
                if payload.endStream {
                    calls[id]?.reply.trailers[name] = value
                } else {
                    calls[id]?.reply.head[name] = value
                }
            }
        case .data(let payload):
            guard case .byteBuffer(let bytes) = payload.data else { return }
            calls[id]?.assembler.append(bytes)
            while case .message(let message, let compressed)? = try? calls[id]?.assembler.next() {
                let plain =
                    compressed
                    ? try? MessageCompression.unpack(message, limit: 1 << 30) : message
                calls[id]?.reply.messages.append(
                    Array((plain ?? message).joined().readableBytesView)
                )
            }
            tell(id)
        default: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? StreamClosedEvent {
            calls[event.streamID]?.reply.reset = event.reason
            end(event.streamID)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        for id in calls.keys { end(id) }
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {}

    private func tell(_ id: HTTP2StreamID) {
        guard var call = calls[id] else { return }
        let here = call.reply.messages
        for waiter in call.waiters where waiter.count <= here.count {
            waiter.promise.succeed(here)
        }
        call.waiters.removeAll { $0.count <= here.count }
        calls[id] = call
    }

    private func end(_ id: HTTP2StreamID) {
        guard let call = calls[id] else { return }
        call.ended.succeed(call.reply)
        for waiter in call.waiters { waiter.promise.succeed(call.reply.messages) }
        calls[id]?.waiters = []
    }
}
