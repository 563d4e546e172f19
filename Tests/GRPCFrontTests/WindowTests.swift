import Logging
import NIOCore
import NIOEmbedded
import NIOHPACK
import NIOHTTP2
import NIOPosix
import ServingDomain
import Testing

@testable import GRPCFront

/// Flow control while the client takes nothing off its socket, frame by frame.
@Suite struct WindowTests {
    @Test(
        "A window is opened once, however long that waits for the client to read",
        arguments: [false, true]
    )
    func openedOnce(hadNoRoom: Bool) async throws {
        let fixture = try await FrontFixture()
        try fill(fixture, hadNoRoom)
        await fixture.end()
    }

    private func fill(_ fixture: FrontFixture, _ hadNoRoom: Bool) throws {
        var limits = GRPCConfiguration()
        limits.connectionWindow = 1 << 17
        limits.streamWindow = 1 << 16
        let wire = try Wire(fixture, limits)
        wire.setWritable(false)
        // Where there is no room, windows stay shut; NIO speaks of them while it catches up.
        if hadNoRoom { wire.shared.budget.take(limits.maxRequestBytes) }
        // Things that wait in different places: a reply with a body, some that end their streams
        // with their heads, and more room for the client.
        wire.call("ServerLive", body: [], end: true)
        for _ in 0..<2 { wire.call("NoSuchMethod", body: [], end: true) }
        for _ in 0..<2 {
            wire.call("ModelInfer", body: [UInt8](repeating: 0, count: 40_000), end: false)
        }
        if hadNoRoom { wire.shared.budget.give(limits.maxRequestBytes) }
        wire.setWritable(true)
        wire.passTime()
        // Without more room, less than half of each window would be left.
        for (stream, limit) in [
            (.rootStream, limits.connectionWindow), (7, limits.streamWindow),
            (9, limits.streamWindow),
        ] as [(HTTP2StreamID, Int)] {
            let window = try #require(wire.client.window[stream])
            #expect(window > limit / 2 && window <= limit, "stream \(stream)")
        }
        #expect(wire.client.ended == [1, 3, 5])
        try wire.close()
    }
}

/// Notes how much the client may send, and which of its calls have ended.
private final class WindowObserver: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame

    private(set) var window: [HTTP2StreamID: Int] = [:]
    private(set) var ended: Set<HTTP2StreamID> = []

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {}

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case let event as NIOHTTP2WindowUpdatedEvent:
            window[event.streamID] = event.outboundWindowSize ?? window[event.streamID]
        case let event as StreamClosedEvent where event.reason == nil:
            ended.insert(event.streamID)
        default: break
        }
    }
}

/// A connection whose two ends live on the test's thread, so that it says when a socket is full.
private final class Wire {
    let client = WindowObserver()
    let shared: FrontContext
    private let near = EmbeddedChannel()
    private let far = EmbeddedChannel()
    private var nextID = HTTP2StreamID(1)

    init(_ fixture: FrontFixture, _ limits: GRPCConfiguration) throws {
        shared = try FrontContext(
            runtime: fixture.runtime,
            configuration: limits,
            group: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try ConnectionPipeline.build(on: far, shared)
        try near.pipeline.syncOperations.addHandlers(NIOHTTP2Handler(mode: .client), client)
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        far.connect(to: address, promise: nil)
        near.connect(to: address, promise: nil)
        pump()
    }

    /// Says whether the server's socket takes bytes.
    func setWritable(_ isWritable: Bool) {
        far.isWritable = isWritable
        far.pipeline.fireChannelWritabilityChanged()
        pump()
    }

    /// Begins a call whose one message is `body`, all of it or but for its last byte.
    func call(_ method: String, body: [UInt8], end: Bool) {
        let id = nextID
        nextID = nextID.advanced(by: 2)
        let head: HPACKHeaders = [
            ":method": "POST", ":scheme": "http", ":authority": "test",
            ":path": "/inference.GRPCInferenceService/\(method)",
            "content-type": "application/grpc", "te": "trailers",
        ]
        var message = ByteBuffer(bytes: [0])
        message.writeInteger(UInt32(end ? body.count : body.count + 1))
        message.writeBytes(body)
        let payload = HTTP2Frame.FramePayload.Data(data: .byteBuffer(message), endStream: end)
        near.write(HTTP2Frame(streamID: id, payload: .headers(.init(headers: head))), promise: nil)
        near.writeAndFlush(HTTP2Frame(streamID: id, payload: .data(payload)), promise: nil)
        pump()
    }

    /// Lets the server's timers run.
    func passTime() {
        far.embeddedEventLoop.advanceTime(by: .milliseconds(10))
        pump()
    }

    /// Closes both ends, the client's first.
    func close() throws {
        _ = try near.finish(acceptAlreadyClosed: true)
        _ = try far.finish(acceptAlreadyClosed: true)
    }

    /// Carries bytes both ways until none are left.
    private func pump() {
        var isMoving = true
        while isMoving {
            isMoving = false
            for (from, to) in [(near, far), (far, near)] {
                while case .byteBuffer(let bytes)? = try? from.readOutbound(as: IOData.self) {
                    to.pipeline.fireChannelRead(bytes)
                    isMoving = true
                }
                to.pipeline.fireChannelReadComplete()
            }
        }
    }
}
