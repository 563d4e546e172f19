import NIOCore
import NIOHPACK
import NIOHTTP2
import ServingDomain
import Transport

/// The handlers of a connection.
enum ConnectionPipeline {
    /// Streams that were reset lately and may still get frames without that being an error.
    private static let rememberedResets = 1_024

    /// Adds them: TLS where it is wanted, HTTP/2, the life of the connection, ours. On the
    /// channel's loop.
    static func build(on channel: any Channel, _ shared: FrontContext) throws {
        let handler = ConnectionHandler(shared: shared, loop: channel.eventLoop)
        let http2 = NIOHTTP2Handler(
            mode: .server,
            frameDelegate: handler,
            connectionConfiguration: connection(shared.configuration),
            streamConfiguration: stream(shared.configuration)
        )
        let life = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: life(shared.configuration)
        )
        try shared.tls?.install(on: channel)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(http2)
        try pipeline.addHandler(life)
        try pipeline.addHandler(handler)
    }

    private static func connection(
        _ limits: GRPCConfiguration
    ) -> NIOHTTP2Handler.ConnectionConfiguration {
        var configuration = NIOHTTP2Handler.ConnectionConfiguration()
        configuration.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.maxConcurrentStreams),
            HTTP2Setting(parameter: .initialWindowSize, value: limits.streamWindow),
            HTTP2Setting(
                parameter: .maxHeaderListSize,
                value: HPACKDecoder.defaultMaxHeaderListSize
            ),
        ]
        // Clients with deadlines reset streams in just the moment of overload: NIO's own limits
        // (200 in 30 s) would take the whole connection away from them.
        configuration.controlFrameRateLimit.maximumCount = limits.maxFramesPerHalfMinute
        configuration.maximumConnectionGlitches = limits.maxFramesPerHalfMinute
        configuration.maximumRecentlyResetStreams = rememberedResets
        // grpc-core ends a stream with an empty DATA frame.
        configuration.maximumSequentialEmptyDataFrames = limits.maxConcurrentStreams
        configuration.contentLengthValidation = .disabled
        return configuration
    }

    private static func stream(
        _ limits: GRPCConfiguration
    ) -> NIOHTTP2Handler.StreamConfiguration {
        var configuration = NIOHTTP2Handler.StreamConfiguration()
        configuration.streamResetFrameRateLimit.maximumCount = limits.maxFramesPerHalfMinute
        configuration.streamErrorRateLimit.maximumCount = limits.maxFramesPerHalfMinute
        return configuration
    }

    private static func life(
        _ limits: GRPCConfiguration
    ) -> NIOHTTP2ServerConnectionManagementHandler.Configuration {
        func amount(_ span: TimeSpan?) -> TimeAmount? {
            span.map { .nanoseconds($0.nanoseconds) }
        }
        return .init(
            maxIdleTime: amount(limits.maxIdle),
            maxAge: amount(limits.maxAge),
            maxGraceTime: amount(limits.maxAgeGrace),
            keepalive: amount(limits.keepaliveInterval).map {
                .init(
                    pingInterval: $0,
                    ackTimeout: .nanoseconds(limits.keepaliveTimeout.nanoseconds)
                )
            }
        )
    }
}
