import GRPCFront
import ServingDomain
import ServingTestKit
import Testing
import Transport

#if TLS
import NIOCore
import NIOPosix
import NIOSSL
#endif

/// gRPC over TLS; without the trait `TLS`, that it is refused rather than served in plain text.
@Suite struct TLSTests {
    #if TLS
    @Test("Inferences over TLS with h2 agreed on, small and of many records")
    func inference() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        let fixture = try await FrontFixture { $0.tls = files(certificate) }
        let client = try await GRPCClient.connect(
            fixture.front.address,
            tls: try context(certificate, ["h2"])
        )
        let small = try await client.call("ModelInfer", try FrontFixture.request([1, 2, 3, 4]))
        #expect(small.status == 0)
        #expect(try small.echoed() == [1, 2, 3, 4])
        let data = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let large = try await client.call("ModelInfer", try FrontFixture.request(data, to: "big"))
        #expect(large.status == 0)
        let isSame = try large.echoed() == data
        #expect(isSame)
        try await client.close()
        await fixture.end()
    }

    @Test("A client that does not ask for h2 by name loses its connection")
    func withoutALPN() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        let fixture = try await FrontFixture { $0.tls = files(certificate) }
        for protocols in [[], ["http/1.1"]] {
            let client = try await GRPCClient.connect(
                fixture.front.address,
                tls: try context(certificate, protocols)
            )
            try await client.closed()
        }
        await fixture.end()
    }

    @Test("A client without TLS, and one that says nothing, lose their connections")
    func noHandshake() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        let fixture = try await FrontFixture {
            $0.tls = files(certificate)
            $0.handshakeTimeout = .milliseconds(50)
        }
        let plain = try await GRPCClient.connect(fixture.front.address)
        try await plain.closed()
        let silent = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(to: fixture.front.address).get()
        try await silent.closeFuture.get()
        await fixture.end()
    }

    @Test("With client authorities a client needs a certificate of theirs")
    func mutual() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        var files = files(certificate)
        files.clientAuthorities = certificate.path
        let fixture = try await FrontFixture { [files] in $0.tls = files }
        let stranger = try await GRPCClient.connect(
            fixture.front.address,
            tls: try context(certificate, ["h2"])
        )
        try await stranger.closed()
        let client = try await GRPCClient.connect(
            fixture.front.address,
            tls: try context(certificate, ["h2"], shows: certificate)
        )
        let reply = try await client.call("ModelInfer", try FrontFixture.request([1, 2, 3, 4]))
        #expect(reply.status == 0)
        try await client.close()
        await fixture.end()
    }

    private func files(_ certificate: SelfSignedCertificate) -> TLSFiles {
        TLSFiles(certificateChain: certificate.path, privateKey: certificate.keyPath)
    }

    /// How a client that trusts a certificate connects.
    private func context(
        _ certificate: SelfSignedCertificate,
        _ protocols: [String],
        shows shown: SelfSignedCertificate? = nil
    ) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .file(certificate.path)
        configuration.applicationProtocols = protocols
        if let shown {
            configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(shown.path)
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(
                try NIOSSLPrivateKey(file: shown.keyPath, format: .pem)
            )
        }
        return try NIOSSLContext(configuration: configuration)
    }
    #else
    @Test("A build without TLS says so and opens no listener")
    func refused() async throws {
        let files = TLSFiles(certificateChain: "cert.pem", privateKey: "key.pem")
        await #expect {
            let fixture = try await FrontFixture { $0.tls = files }
            await fixture.end()
        } throws: { error in
            "\(error)"
                == "gRPC over TLS: this build has no TLS; build it with: swift build --traits TLS"
        }
    }
    #endif
}
