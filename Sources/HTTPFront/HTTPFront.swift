public import Logging
public import NIOCore
import NIOHTTP1
import NIOPosix
public import ServerRuntime
public import ServingDomain
import Transport

/// The server's HTTP side: the inference protocol on one port, metrics on another.
///
/// Life: `start`, then `stopAccepting` when the server is to go down, then `shutDown`.
public final class HTTPFront: Sendable {
    /// Where the front listens.
    public struct Addresses: Hashable, Sendable {
        /// The inference protocol's address.
        public var host: String
        /// The inference protocol's port.
        public var port: Int
        /// The metrics listener's address; nil without one.
        public var metricsHost: String?
        /// The metrics listener's port; nil without one.
        public var metricsPort: Int?
    }

    /// Where the front listens, the real ports where any free ones were asked for.
    public let addresses: Addresses

    let context: FrontContext
    private let listeners: [any Channel]

    private init(addresses: Addresses, context: FrontContext, listeners: [any Channel]) {
        self.addresses = addresses
        self.context = context
        self.listeners = listeners
    }

    /// Opens the listeners.
    ///
    /// - Parameters:
    ///   - runtime: What answers.
    ///   - configuration: Addresses and limits.
    ///   - group: The event loops; one is enough for many thousand requests a second.
    ///   - logger: Where faults of connections go.
    /// - Throws: `HTTPFrontError` when an address can't be had or TLS is not to be had; nothing is
    ///   left open then.
    public static func start(
        runtime: ServingRuntime,
        configuration: HTTPConfiguration,
        group: any EventLoopGroup,
        logger: Logger
    ) async throws(HTTPFrontError) -> HTTPFront {
        let context = try FrontContext(
            runtime: runtime,
            configuration: configuration,
            group: group,
            logger: logger
        )
        let main = try await listen(
            configuration.host,
            configuration.port,
            "--http-port",
            .inference,
            context,
            group
        )
        var addresses = Addresses(
            host: configuration.host,
            port: main.localAddress?.port ?? configuration.port
        )
        guard let metricsPort = configuration.metricsPort else {
            return HTTPFront(addresses: addresses, context: context, listeners: [main])
        }
        let metrics: any Channel
        do throws(HTTPFrontError) {
            metrics = try await listen(
                configuration.metricsHost,
                metricsPort,
                "--metrics-port",
                .metrics,
                context,
                group
            )
        } catch {
            try? await main.close()
            throw error
        }
        addresses.metricsHost = configuration.metricsHost
        addresses.metricsPort = metrics.localAddress?.port ?? metricsPort
        return HTTPFront(addresses: addresses, context: context, listeners: [main, metrics])
    }

    /// Reads the certificates again, for later connections; see `TLSAcceptor.renew`.
    ///
    /// - Returns: Whether there was something to read.
    /// - Throws: `HTTPFrontError` where the files are no good: the old ones stay in use.
    public func renewCertificates(always: Bool) throws(HTTPFrontError) -> Bool {
        do throws(TLSFailure) {
            return try context.tls?.renew(always: always) ?? false
        } catch {
            throw HTTPFrontError("HTTPS: \(error)")
        }
    }

    /// Takes no further connections; those that are open go on.
    public func stopAccepting() async {
        for listener in listeners { try? await listener.close() }
    }

    /// Takes no further connections, lets every request that is here be answered, and closes each
    /// connection after its reply; those left after `gracePeriod` are cut.
    ///
    /// - Returns: How many were cut.
    @discardableResult
    public func shutDown(gracePeriod: TimeSpan) async -> Int {
        await stopAccepting()
        for channel in context.channels {
            channel.pipeline.fireUserInboundEventTriggered(DrainEvent())
        }
        let end = ServingRuntime.now() + gracePeriod
        while !context.channels.isEmpty, ServingRuntime.now() < end {
            try? await Task.sleep(for: .milliseconds(5))
        }
        let left = context.channels
        // All at once: with TLS each may wait for its client's farewell.
        for closing in left.map({ $0.close() }) { try? await closing.get() }
        return left.count
    }

    // MARK: Inside

    private static func listen(
        _ host: String,
        _ port: Int,
        _ flag: String,
        _ role: FrontContext.Role,
        _ context: FrontContext,
        _ group: any EventLoopGroup
    ) async throws(HTTPFrontError) -> any Channel {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 1_024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: ReceiveBuffers.readsPerTurn)
            .childChannelOption(.recvAllocator, value: ReceiveBuffers())
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try set(up: channel, role, context) }
            }
        do {
            return try await bootstrap.bind(host: host, port: port).get()
        } catch {
            throw HTTPFrontError(
                "can't listen on \(host):\(port): \(error); stop what holds the port or choose "
                    + "another with \(flag)"
            )
        }
    }

    private static func set(
        up channel: any Channel,
        _ role: FrontContext.Role,
        _ context: FrontContext
    ) throws {
        guard context.admit(channel) else {
            context.logger.warning(
                "connection refused: \(context.configuration.maxConnections) are open, the limit"
            )
            throw ChannelError.operationUnsupported
        }
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = context.configuration.maxHeaderBytes
        limits.maxHeaderFieldSize = context.configuration.maxHeaderBytes
        limits.maxHeaderFieldCount = 256
        let connection = HTTPConnection(front: context, role: role)
        let pipeline = channel.pipeline.syncOperations
        if role == .inference { try context.tls?.install(on: channel) }
        try pipeline.addHandler(ReadWatch(connection))
        try pipeline.addHandler(
            ByteToMessageHandler(
                HTTPRequestDecoder(
                    leftOverBytesStrategy: .dropBytes,
                    limitConfiguration: limits
                )
            )
        )
        try pipeline.addHandler(connection)
    }
}
