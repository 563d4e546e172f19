public import Logging
public import NIOCore
import NIOHTTP2
import NIOPosix
public import ServerRuntime
public import ServingDomain
import Synchronization
import Transport

/// The gRPC front: listens, and serves `inference.GRPCInferenceService` and `grpc.health.v1`.
public final class GRPCFront: Sendable {
    /// Where it listens, the port filled in.
    public let address: SocketAddress

    private let listener: any Channel
    private let connections: ConnectionTable
    private let tls: TLSAcceptor?

    private init(
        listener: any Channel,
        address: SocketAddress,
        connections: ConnectionTable,
        tls: TLSAcceptor?
    ) {
        self.listener = listener
        self.address = address
        self.connections = connections
        self.tls = tls
    }

    /// Begins to listen.
    ///
    /// - Parameters:
    ///   - runtime: Where requests go.
    ///   - configuration: The address and the limits.
    ///   - group: The event loops that connections are spread over.
    ///   - logger: For what an operator wants to know.
    /// - Throws: `GRPCFrontError` when the address or TLS can't be had.
    public static func start(
        runtime: ServingRuntime,
        configuration: GRPCConfiguration,
        group: any EventLoopGroup,
        logger: Logger
    ) async throws -> GRPCFront {
        let shared = try FrontContext(
            runtime: runtime,
            configuration: configuration,
            group: group,
            logger: logger
        )
        let connections = ConnectionTable(limit: configuration.maxConnections)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard connections.admit(channel) else {
                        throw GRPCFrontError("too many connections")
                    }
                    try ConnectionPipeline.build(on: channel, shared)
                }
            }
            .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: ReceiveBuffers.readsPerTurn)
            .childChannelOption(.recvAllocator, value: ReceiveBuffers())
        do {
            let listener = try await bootstrap.bind(
                host: configuration.host,
                port: configuration.port
            ).get()
            guard let address = listener.localAddress else {
                throw GRPCFrontError("the listening socket has no address")
            }
            return GRPCFront(
                listener: listener,
                address: address,
                connections: connections,
                tls: shared.tls
            )
        } catch let error as GRPCFrontError {
            throw error
        } catch {
            throw GRPCFrontError(
                "gRPC can't listen on \(configuration.host):\(configuration.port): \(error);"
                    + " choose another --grpc-port or end what uses it"
            )
        }
    }

    /// Reads the certificates again, for later connections; see `TLSAcceptor.renew`.
    ///
    /// - Returns: Whether there was something to read.
    /// - Throws: `GRPCFrontError` where the files are no good: the old ones stay in use.
    public func renewCertificates(always: Bool) throws(GRPCFrontError) -> Bool {
        do throws(TLSFailure) {
            return try tls?.renew(always: always) ?? false
        } catch {
            throw GRPCFrontError("gRPC over TLS: \(error)")
        }
    }

    /// How many connections are open.
    public var connectionCount: Int { connections.count }

    /// Takes no further connections, asks the clients to open no further streams (GOAWAY twice),
    /// waits until all have ended, `patience` at most, and closes what is left.
    public func shutDown(patience: TimeSpan) async {
        try? await listener.close()
        await connections.drain(patience: patience)
    }
}

/// Why the front could not start: one line.
public struct GRPCFrontError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened, the limit, the next step.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
