public import Logging
public import NIOCore
public import ServingDomain

#if TLS
import NIOSSL
#endif

/// Puts TLS (1.2 or later) in front of a listener's connections.
///
/// The type is there in every build, so that configurations and flags are the same; without the
/// package's trait `TLS` none can be made.
public struct TLSAcceptor: Sendable {
    /// What is spoken inside, and so what is agreed on in the handshake (ALPN).
    public enum WireProtocol: String, Sendable {
        /// HTTP/1.1; clients that agree on nothing are taken to speak it.
        case http1 = "http/1.1"
        /// HTTP/2; only for clients that ask for it by name, as its standard wants (RFC 9113, 3.3).
        case http2 = "h2"
    }

    #if TLS
    private let certificates: TLSCertificates
    private let wire: WireProtocol
    private let handshakeTimeout: TimeSpan
    private let logger: Logger
    #else
    private let absent: Never
    #endif

    /// Reads the files.
    ///
    /// - Parameters:
    ///   - files: The certificates and the key.
    ///   - wire: What is spoken inside.
    ///   - handshakeTimeout: How long a handshake may take from the connection on.
    ///   - logger: Where failed handshakes go, one debug line each.
    /// - Throws: `TLSFailure` when a file is no good, or when this build has no TLS.
    public init(
        _ files: TLSFiles,
        speaking wire: WireProtocol,
        handshakeTimeout: TimeSpan,
        logger: Logger
    ) throws(TLSFailure) {
        #if TLS
        certificates = try TLSCertificates(files, wire)
        self.wire = wire
        self.handshakeTimeout = handshakeTimeout
        self.logger = logger
        #else
        throw TLSFailure("this build has no TLS; build it with: swift build --traits TLS")
        #endif
    }

    /// Adds the handlers to a new connection, which must have no others yet. On its loop.
    ///
    /// - Throws: What NIO throws when the connection is closed already.
    public func install(on channel: any Channel) throws {
        #if TLS
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(NIOSSLServerHandler(context: certificates.context))
        try pipeline.addHandler(
            HandshakeWatch(
                required: wire == .http2 ? wire.rawValue : nil,
                timeout: .nanoseconds(handshakeTimeout.nanoseconds),
                logger: logger
            )
        )
        #else
        switch absent {}
        #endif
    }

    /// Reads the files again; later connections get what is in them now, open ones keep what they
    /// have. Files that are no good change nothing.
    ///
    /// Blocks on files: not for event loops.
    /// - Parameter always: Whether to read files that look as they did.
    /// - Returns: Whether they were read.
    /// - Throws: `TLSFailure` as at the start, once for each state of the files.
    @discardableResult
    public func renew(always: Bool) throws(TLSFailure) -> Bool {
        #if TLS
        try certificates.renew(wire, always: always)
        #else
        switch absent {}
        #endif
    }
}
