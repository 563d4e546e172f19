#if TLS
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import ServingTestKit

/// A client over TLS: one request on a connection of its own.
struct SecureClient {
    /// What came of it.
    struct Answer: Sendable {
        /// Whether the handshake came to its end on the client's side.
        var isSecure = false
        /// The protocol that was agreed on.
        var agreed: String?
        /// Everything that the server sent until it closed.
        var bytes: [UInt8] = []

        var text: String { String(decoding: bytes, as: UTF8.self) }
    }

    var port: Int
    /// The server's certificate has to be this one.
    var trusts: SelfSignedCertificate
    /// What it shows itself.
    var shows: SelfSignedCertificate?
    var protocols = ["h2", "http/1.1"]
    var newest = TLSVersion.tlsv13

    init(port: Int, trusts: SelfSignedCertificate) {
        self.port = port
        self.trusts = trusts
    }

    func get(_ path: String) async throws -> Answer {
        try await ask(request("GET", path, headers: ["Connection: close"]))
    }

    /// Sends a request, which must have the server close, and takes everything that comes.
    func ask(_ request: [UInt8]) async throws -> Answer {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(trusts.path)
        configuration.applicationProtocols = protocols
        configuration.minimumTLSVersion = .tlsv1
        configuration.maximumTLSVersion = newest
        if let shows {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(shows.path)
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(file: shows.keyPath, format: .pem)
            )
        }
        let context = try NIOSSLContext(configuration: configuration)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let answer = loop.makePromise(of: Answer.self)
        do {
            _ = try await ClientBootstrap(group: loop).channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: "localhost")
                    )
                    try pipeline.addHandler(SecureExchange(request, answer))
                }
            }.connect(host: "127.0.0.1", port: port).get()
        } catch {
            answer.fail(error)
        }
        return try await answer.futureResult.get()
    }
}

/// Sends when the handshake is through, gathers until the end.
private final class SecureExchange: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let request: [UInt8]
    private let ended: EventLoopPromise<SecureClient.Answer>
    private var answer = SecureClient.Answer()

    init(_ request: [UInt8], _ ended: EventLoopPromise<SecureClient.Answer>) {
        self.request = request
        self.ended = ended
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted(let agreed)? = event as? TLSUserEvent {
            answer.isSecure = true
            answer.agreed = agreed
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: request)), promise: nil)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        answer.bytes += unwrapInboundIn(data).readableBytesView
    }

    func channelInactive(context: ChannelHandlerContext) { ended.succeed(answer) }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The connection's end follows and says what came before it.
        context.close(promise: nil)
    }
}
#endif
