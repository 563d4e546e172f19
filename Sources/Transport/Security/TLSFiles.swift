/// The files that a listener needs to speak TLS, all PEM.
///
/// They are read when the listener opens, and again when `TLSAcceptor.renew` is called.
public struct TLSFiles: Hashable, Sendable {
    /// The path of the server's certificate and those that it was signed by, its own first.
    public var certificateChain: String
    /// The path of the certificate's private key, without a passphrase.
    public var privateKey: String
    /// The path of the certificates that clients' must be signed by; nil = none is asked for.
    public var clientAuthorities: String?

    /// Names the files; nothing is read yet.
    public init(certificateChain: String, privateKey: String, clientAuthorities: String? = nil) {
        self.certificateChain = certificateChain
        self.privateKey = privateKey
        self.clientAuthorities = clientAuthorities
    }
}

/// Why a listener can't speak TLS: one line with the next step.
public struct TLSFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What happened and the next step.
    public let description: String

    init(_ description: String) { self.description = description }
}
