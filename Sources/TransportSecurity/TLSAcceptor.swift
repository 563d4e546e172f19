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
    private let context: NIOSSLContext
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
        context = try Self.context(of: files, wire)
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
        try pipeline.addHandler(NIOSSLServerHandler(context: context))
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
}

#if TLS
extension TLSAcceptor {
    /// How long a connection that is closed waits for the client to say so, too: NIO's 5 s would
    /// hold up the server's end.
    private static let farewell = TimeAmount.seconds(1)

    private static func context(
        of files: TLSFiles,
        _ wire: WireProtocol
    ) throws(TLSFailure) -> NIOSSLContext {
        let chain = try certificates(files.certificateChain, "the server's certificate")
        let key: NIOSSLPrivateKey
        do {
            key = try NIOSSLPrivateKey(file: files.privateKey, format: .pem)
        } catch {
            throw TLSFailure(
                "no private key can be read from '\(files.privateKey)' (\(error)); name a PEM file "
                    + "without a passphrase"
            )
        }
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(key)
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.applicationProtocols = [wire.rawValue]
        configuration.shutdownTimeout = farewell
        if let path = files.clientAuthorities {
            let authorities = try certificates(path, "the clients' authorities")
            configuration.trustRoots = .certificates(authorities)
            // A client has no host name to check; without a valid certificate it is refused.
            configuration.certificateVerification = .noHostnameVerification
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch {
            throw TLSFailure(
                "'\(files.certificateChain)' and '\(files.privateKey)' do not fit (\(error)); "
                    + "name a certificate and the key that it was made for"
            )
        }
    }

    private static func certificates(
        _ path: String,
        _ what: String
    ) throws(TLSFailure) -> [NIOSSLCertificate] {
        let found: [NIOSSLCertificate]
        do {
            found = try NIOSSLCertificate.fromPEMFile(path)
        } catch {
            throw TLSFailure("\(what) can't be read from '\(path)' (\(error)); name a PEM file")
        }
        guard !found.isEmpty else {
            throw TLSFailure("\(what): there is none in '\(path)'; name a PEM file with one")
        }
        return found
    }
}
#endif
