#if TLS
import Glibc
import NIOCore
import NIOSSL
import Synchronization

/// What a listener's files held when they were last read, ready for use.
final class TLSCertificates: Sendable {
    private struct State {
        var context: NIOSSLContext
        /// What the files looked like when they were last tried.
        var tried: [Int64]
    }

    private let files: TLSFiles
    private let state: Mutex<State>

    /// Reads the files.
    init(_ files: TLSFiles, _ wire: TLSAcceptor.WireProtocol) throws(TLSFailure) {
        self.files = files
        let tried = Self.identity(files)
        state = Mutex(State(context: try Self.read(files, wire), tried: tried))
    }

    /// For the next connection.
    var context: NIOSSLContext { state.withLock { $0.context } }

    /// Reads the files again where they look changed, or in any case.
    func renew(_ wire: TLSAcceptor.WireProtocol, always: Bool) throws(TLSFailure) -> Bool {
        let found = Self.identity(files)
        let isWorthIt = state.withLock { state in
            defer { state.tried = found }
            return always || found != state.tried
        }
        guard isWorthIt else { return false }
        let context = try Self.read(files, wire)
        state.withLock { $0.context = context }
        return true
    }

    /// What tells one state of the files from another, without reading them.
    private static func identity(_ files: TLSFiles) -> [Int64] {
        let paths = [files.certificateChain, files.privateKey, files.clientAuthorities]
        return paths.compactMap { $0 }.flatMap { path -> [Int64] in
            var facts = stat()
            guard stat(path, &facts) == 0 else { return [-1] }
            return [
                Int64(bitPattern: UInt64(facts.st_ino)), Int64(facts.st_size),
                Int64(facts.st_mtim.tv_sec), Int64(facts.st_mtim.tv_nsec),
            ]
        }
    }
}

extension TLSCertificates {
    /// How long a connection that is closed waits for the client to say so, too: NIO's 5 s would
    /// hold up the server's end.
    private static let farewell = TimeAmount.seconds(1)

    private static func read(
        _ files: TLSFiles,
        _ wire: TLSAcceptor.WireProtocol
    ) throws(TLSFailure) -> NIOSSLContext {
        let chain = try certificates(in: files.certificateChain, "the server's certificate")
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
            let authorities = try certificates(in: path, "the clients' authorities")
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
        in path: String,
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
