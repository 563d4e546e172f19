import Transport

extension SluiceOptions {
    /// The files of `--https-*`; nil = plain HTTP.
    func httpsFiles() throws -> TLSFiles? {
        guard httpsCert != nil || httpsKey != nil || httpsClientCa != nil else { return nil }
        guard let httpsCert, let httpsKey else {
            throw CommandFailure("HTTPS wants both --https-cert and --https-key; one is missing")
        }
        return TLSFiles(
            certificateChain: httpsCert,
            privateKey: httpsKey,
            clientAuthorities: httpsClientCa
        )
    }
}

extension TritonOptions {
    /// The files of `--grpc-use-ssl` or `--grpc-use-ssl-mutual`; nil = plain text.
    func grpcFiles() throws -> TLSFiles? {
        guard grpcUseSsl || grpcUseSslMutual else { return nil }
        guard let grpcServerCert, let grpcServerKey else {
            throw CommandFailure(
                "gRPC over TLS wants both --grpc-server-cert and --grpc-server-key; one is missing"
            )
        }
        guard !grpcUseSslMutual || grpcRootCert != nil else {
            throw CommandFailure("--grpc-use-ssl-mutual wants --grpc-root-cert; it is missing")
        }
        return TLSFiles(
            certificateChain: grpcServerCert,
            privateKey: grpcServerKey,
            clientAuthorities: grpcUseSslMutual ? grpcRootCert : nil
        )
    }
}
