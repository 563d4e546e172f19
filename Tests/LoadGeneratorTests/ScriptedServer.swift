import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// A v2 server over HTTP whose answers a test decides on, on a port of its own.
final class ScriptedServer: Sendable {
    /// What the server does with an inference.
    enum Answer: Sendable {
        /// Answers at once.
        case reply(HTTPResponseStatus, headers: [(String, String)] = [], body: String = "")
        /// Answers with 200 when the test releases it.
        case hold
        /// Closes the connection without an answer.
        case hangUp
    }

    struct Held: Sendable {
        var channel: any Channel
    }

    struct State {
        var count = 0
        var outstanding = 0
        var mostOutstanding = 0
        var held: [Held] = []
        var lastBody: [UInt8] = []
        var lastHead: HTTPRequestHead?
        /// What was asked of shared memory: the last word of the path, and the body.
        var memory: [(word: String, body: String)] = []
    }

    /// The metadata of the one model there is.
    static let metadata = """
        {"name":"tiny","versions":["1"],"platform":"test","inputs":[\
        {"name":"x","datatype":"FP32","shape":[-1,4]}],"outputs":[]}
        """

    private let group: MultiThreadedEventLoopGroup
    private let state = Mutex(State())
    private let answer: @Sendable (Int) -> Answer
    let port: Int
    private let listener: any Channel

    /// Starts a server; `answer` gets the number of the inference, from 0.
    static func start(_ answer: @escaping @Sendable (Int) -> Answer) async throws -> ScriptedServer
    {
        let box = Box()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(box))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        let server = ScriptedServer(group, listener, answer)
        box.server.withLock { $0 = server }
        return server
    }

    private init(
        _ group: MultiThreadedEventLoopGroup,
        _ listener: any Channel,
        _ answer: @escaping @Sendable (Int) -> Answer
    ) {
        self.group = group
        self.listener = listener
        self.answer = answer
        port = listener.localAddress?.port ?? 0
    }

    var url: String { "http://127.0.0.1:\(port)" }
    var snapshot: State { state.withLock { $0 } }

    /// Answers everything that is held back.
    func release() {
        let held = state.withLock { state in
            defer { state.held.removeAll() }
            return state.held
        }
        for entry in held { reply(to: entry.channel, .ok, [], "", isInference: true) }
    }

    func stop() async {
        try? await listener.close()
        try? await group.shutdownGracefully()
    }

    fileprivate func take(_ head: HTTPRequestHead, _ body: ByteBuffer, on channel: any Channel) {
        guard head.method == .POST else {
            let text = head.uri.hasSuffix("/stats") ? "{}" : Self.metadata
            return reply(to: channel, .ok, [("Connection", "close")], text)
        }
        if head.uri.hasPrefix("/v2/systemsharedmemory/") {
            let word = head.uri.split(separator: "/").last.map(String.init) ?? ""
            state.withLock { $0.memory.append((word, String(buffer: body))) }
            return reply(to: channel, .ok, [("Connection", "close")], "")
        }
        let number = state.withLock { state in
            state.count += 1
            state.outstanding += 1
            state.mostOutstanding = max(state.mostOutstanding, state.outstanding)
            state.lastBody = Array(body.readableBytesView)
            state.lastHead = head
            return state.count - 1
        }
        switch answer(number) {
        case .hangUp:
            state.withLock { $0.outstanding -= 1 }
            channel.close(promise: nil)
        case .hold: state.withLock { $0.held.append(Held(channel: channel)) }
        case .reply(let status, let headers, let text):
            reply(to: channel, status, headers, text, isInference: true)
        }
    }

    private func reply(
        to channel: any Channel,
        _ status: HTTPResponseStatus,
        _ headers: [(String, String)],
        _ text: String,
        isInference: Bool = false
    ) {
        if isInference { state.withLock { $0.outstanding -= 1 } }
        var fields = HTTPHeaders(headers)
        fields.add(name: "Content-Length", value: String(text.utf8.count))
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: fields)
        channel.write(HTTPServerResponsePart.head(head), promise: nil)
        channel.write(
            HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: text))),
            promise: nil
        )
        let written = channel.writeAndFlush(HTTPServerResponsePart.end(nil))
        // A server that says so closes by itself.
        if fields.contains(name: "Connection") {
            written.whenComplete { _ in channel.close(promise: nil) }
        }
    }

    private final class Box: Sendable {
        let server = Mutex<ScriptedServer?>(nil)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart

        private let box: Box
        private var head: HTTPRequestHead?
        private var body = ByteBuffer()

        init(_ box: Box) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                body.clear()
            case .body(var part): body.writeBuffer(&part)
            case .end:
                guard let head, let server = box.server.withLock({ $0 }) else { return }
                server.take(head, body, on: context.channel)
            }
        }
    }
}
