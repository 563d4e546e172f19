import NIOCore
import NIOPosix

/// Opens connections to one server, all on one event loop.
struct Connector: Sendable {
    let address: ServerAddress
    let transport: LoadConfiguration.Transport
    let loop: any EventLoop

    /// How long the server may take to accept a connection.
    static let patience = TimeAmount.seconds(10)

    /// Begins to connect. Call on the loop; `failed` comes on the loop too, `owner.hasRoom` once
    /// the connection can be used.
    func open(for owner: any ConnectionOwner, failed: @escaping (String) -> Void) {
        let connection: any WireConnection & ChannelInboundHandler
        switch transport {
        case .http: connection = HTTPConnection(owner: owner)
        case .grpc: connection = GRPCConnection(owner: owner)
        }
        let bound = NIOLoopBound(connection, eventLoop: loop)
        ClientBootstrap(group: loop)
            .connectTimeout(Self.patience)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(bound.value)
                }
            }
            .connect(host: address.host, port: address.port)
            .assumeIsolated()
            .whenFailure { error in
                failed("can't connect to \(address.authority): \(Self.reason(error))")
            }
    }

    private static func reason(_ error: any Error) -> String {
        if let error = error as? NIOConnectionError {
            if let first = error.connectionErrors.first { return reason(first.error) }
            return "the host name is not known"
        }
        if let error = error as? IOError {
            return error.errnoCode == 111
                ? "connection refused; is the server running?" : error.description
        }
        if case .connectTimeout = error as? ChannelError { return "no answer within 10 s" }
        return String(describing: error)
    }
}
