import NIOCore
import NIOPosix
import Synchronization

/// A gRPC server at frame level whose answers a test decides on. It understands just as much of
/// HTTP/2 as the load generator sends.
final class ScriptedGRPCServer: Sendable {
    /// What the server does with an inference.
    enum Answer: Sendable {
        /// Answers with a message and trailers of these fields.
        case trailers([(String, String)])
        /// Answers with trailers alone.
        case trailersOnly([(String, String)])
        /// Resets the stream.
        case reset(UInt32)
        /// Says that it goes away: after this stream, or (0) before it.
        case goAway(servesIt: Bool)
    }

    struct State {
        var count = 0
        var lastLength = 0
        var blockLengths: [Int] = []
        var accepted = 0
    }

    /// `inference.ModelMetadataResponse` of a model with one input `x`, FP32, shape `[-1]`.
    private static let metadata: [UInt8] =
        [0x0A, 4, 0x74, 0x69, 0x6E, 0x79, 0x22, 21, 0x0A, 1, 0x78, 0x12, 4, 0x46, 0x50, 0x33, 0x32]
        + [0x1A, 10] + Array(repeating: 0xFF, count: 9) + [1]

    /// The flow-control window that streams begin with.
    let window: UInt32
    fileprivate let state = Mutex(State())
    fileprivate let answer: @Sendable (Int) -> Answer
    private let group: MultiThreadedEventLoopGroup
    private let listener: Mutex<(any Channel)?> = Mutex(nil)

    private init(
        _ group: MultiThreadedEventLoopGroup,
        window: UInt32,
        _ answer: @escaping @Sendable (Int) -> Answer
    ) {
        self.group = group
        self.window = window
        self.answer = answer
    }

    /// Starts a server; `answer` gets the number of the inference, from 0.
    static func start(
        window: UInt32 = 65_535,
        _ answer: @escaping @Sendable (Int) -> Answer
    ) async throws -> ScriptedGRPCServer {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let server = ScriptedGRPCServer(group, window: window, answer)
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Handler(server))
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
        server.listener.withLock { $0 = listener }
        return server
    }

    var url: String { "grpc://127.0.0.1:\(listener.withLock { $0?.localAddress?.port ?? 0 })" }
    var snapshot: State { state.withLock { $0 } }

    func stop() async {
        try? await group.shutdownGracefully()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let server: ScriptedGRPCServer
        private var bytes = ByteBuffer()
        private var hasPreface = false
        private var isMetadata: [UInt32: Bool] = [:]
        private var lengths: [UInt32: Int] = [:]

        init(_ server: ScriptedGRPCServer) { self.server = server }

        func channelActive(context: ChannelHandlerContext) {
            server.state.withLock { $0.accepted += 1 }
            send(4, 0, 0, [0, 4] + Self.bytes(server.window), on: context)
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var part = unwrapInboundIn(data)
            bytes.writeBuffer(&part)
            if !hasPreface {
                guard bytes.readableBytes >= 24 else { return }
                bytes.moveReaderIndex(forwardBy: 24)
                hasPreface = true
            }
            while let word = bytes.getInteger(at: bytes.readerIndex, as: UInt32.self),
                bytes.readableBytes >= 9 + Int(word >> 8)
            {
                let head = bytes.readBytes(length: 9) ?? []
                let payload = bytes.readBytes(length: Int(word >> 8)) ?? []
                let stream = head[5...].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
                take(head[3], head[4], stream, payload, on: context)
            }
            context.flush()
        }

        private func take(
            _ kind: UInt8,
            _ flags: UInt8,
            _ stream: UInt32,
            _ payload: [UInt8],
            on context: ChannelHandlerContext
        ) {
            switch kind {
            case 1:
                let text = String(decoding: payload, as: UTF8.self)
                // What is indexed later on is an inference: other calls use a connection once.
                if text.contains("/ModelStatistics") {
                    return respond(stream, [], [("grpc-status", "12")], on: context)
                }
                isMetadata[stream] = text.contains("/ModelMetadata")
                if isMetadata[stream] == false {
                    server.state.withLock { $0.blockLengths.append(payload.count) }
                }
            case 0:
                lengths[stream, default: 0] += payload.count
                for target in [0, stream] where !payload.isEmpty {
                    send(8, 0, target, Self.bytes(UInt32(payload.count)), on: context)
                }
                if flags & 1 != 0 { finish(stream, on: context) }
            case 4 where flags & 1 == 0: send(4, 1, 0, [], on: context)
            default: break
            }
        }

        private func finish(_ stream: UInt32, on context: ChannelHandlerContext) {
            guard let isMetadata = isMetadata[stream] else { return }
            if isMetadata {
                let message = ScriptedGRPCServer.metadata
                return respond(stream, message, [("grpc-status", "0")], on: context)
            }
            let length = lengths[stream] ?? 0
            let number = server.state.withLock { state in
                state.count += 1
                state.lastLength = length
                return state.count - 1
            }
            switch server.answer(number) {
            case .trailers(let fields): respond(stream, [1], fields, on: context)
            case .trailersOnly(let fields): respond(stream, nil, fields, on: context)
            case .reset(let code): send(3, 0, stream, Self.bytes(code), on: context)
            case .goAway(let servesIt):
                let last = servesIt ? stream : stream - 2
                send(7, 0, 0, Self.bytes(last) + Self.bytes(0), on: context)
                if servesIt { respond(stream, [1], [("grpc-status", "0")], on: context) }
            }
        }

        private func respond(
            _ stream: UInt32,
            _ message: [UInt8]?,
            _ trailers: [(String, String)],
            on context: ChannelHandlerContext
        ) {
            var block: [UInt8] = []
            for (name, value) in trailers {
                block += [0, UInt8(name.utf8.count)] + Array(name.utf8)
                block += [UInt8(value.utf8.count)] + Array(value.utf8)
            }
            if let message {
                send(1, 4, stream, [0x88], on: context)
                let prefix = [0] + Self.bytes(UInt32(message.count))
                // In two frames, the second padded by three bytes.
                send(0, 0, stream, prefix, on: context)
                send(0, 8, stream, [3] + message + [0, 0, 0], on: context)
            } else {
                block = [0x88] + block
            }
            // In two pieces, so that CONTINUATION is seen as well.
            send(1, 1, stream, Array(block.prefix(3)), on: context)
            send(9, 4, stream, Array(block.dropFirst(3)), on: context)
        }

        private func send(
            _ kind: UInt8,
            _ flags: UInt8,
            _ stream: UInt32,
            _ payload: [UInt8],
            on context: ChannelHandlerContext
        ) {
            var frame = ByteBuffer()
            frame.writeInteger(UInt32(payload.count) << 8 | UInt32(kind))
            frame.writeInteger(flags)
            frame.writeInteger(stream)
            frame.writeBytes(payload)
            context.write(NIOAny(frame), promise: nil)
            if kind == 4, flags == 0 { context.flush() }
        }

        private static func bytes(_ value: UInt32) -> [UInt8] {
            withUnsafeBytes(of: value.bigEndian) { Array($0) }
        }
    }
}
