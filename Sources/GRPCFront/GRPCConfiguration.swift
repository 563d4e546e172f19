public import ServingDomain
public import Transport

/// What the gRPC front is told: where it listens, and its limits.
///
/// Every limit is per connection unless it says otherwise.
public struct GRPCConfiguration: Sendable {
    /// The address to listen on.
    public var host = "0.0.0.0"
    /// The port; 0 = any free one.
    public var port = 8001
    /// The files for TLS; nil = plain text.
    public var tls: TLSFiles?
    /// What `ServerMetadata` answers.
    public var identity = ServerIdentity()
    /// Whether refusals and missed deadlines get the codes that Triton gives them.
    public var tritonCompatErrors = false

    /// Connections in all; further ones are closed at once.
    public var maxConnections = 1_024
    /// Streams that may be open at once.
    public var maxConcurrentStreams = 256
    /// Requests of one `ModelStreamInfer` that may run at once; the rest wait in their window.
    public var maxRequestsPerStream = 64
    /// Control calls (load, unload) that may run at once.
    public var maxControlCalls = 8
    /// The longest message, in bytes, before and after unpacking; at most 2 GiB.
    public var maxMessageBytes = 64 << 20
    /// How many bytes a client may send on a stream before the server asks for more.
    public var streamWindow = 1 << 20
    /// The same over all streams of a connection.
    public var connectionWindow = 16 << 20
    /// Bytes of request messages held over all connections.
    public var maxRequestBytes = 1 << 30
    /// How long a message may wait for room in `maxRequestBytes` before it is refused.
    public var roomTimeout = TimeSpan.seconds(5)
    /// Bytes of replies that wait for the client to read; a stream whose reply would go beyond
    /// is reset.
    public var maxQueuedReplyBytes = 64 << 20
    /// RST_STREAM, PING and SETTINGS frames, each, that a client may send in 30 seconds.
    public var maxFramesPerHalfMinute = 10_000
    /// How long a TLS handshake may take.
    public var handshakeTimeout = TimeSpan.seconds(15)
    /// How long a unary request may take to arrive whole.
    public var requestTimeout = TimeSpan.seconds(60)
    /// How long a client may refuse to read a single byte before it is cut off.
    public var writeTimeout = TimeSpan.seconds(60)
    /// How often a watched health state is looked at.
    public var watchInterval = TimeSpan.milliseconds(250)
    /// After how long without streams a connection is closed; nil = never.
    public var maxIdle: TimeSpan?
    /// After how long a connection is asked to end; nil = never.
    public var maxAge: TimeSpan?
    /// How long its streams may then take; nil = as long as they want.
    public var maxAgeGrace: TimeSpan? = .seconds(300)
    /// How often a silent client is pinged; nil = never.
    public var keepaliveInterval: TimeSpan? = .seconds(7_200)
    /// How long it has to answer.
    public var keepaliveTimeout = TimeSpan.seconds(20)

    /// Triton's port, and the limits of a server as it is installed.
    public init() {}
}

/// How the server names itself.
public struct ServerIdentity: Hashable, Sendable {
    /// Its name.
    public var name = "sluice"
    /// Its version.
    public var version = "0.1.0"
    /// The extensions of the protocol that it speaks.
    public var extensions: [String] = []

    /// A server without extensions.
    public init() {}
}
