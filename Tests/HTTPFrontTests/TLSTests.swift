import HTTPFront
import ServingDomain
import ServingTestKit
import Testing
import Transport

#if TLS
import NIOSSL
#endif

/// HTTPS; in builds without the trait `TLS`, that it is refused rather than served in plain text.
@Suite struct TLSTests {
    #if TLS
    @Test("GET /v2/health/live over TLS, http/1.1 agreed on; metrics stay plain")
    func health() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        try await withServer(front: { $0.tls = files(certificate) }) { server in
            let client = SecureClient(port: server.front.addresses.port, trusts: certificate)
            let answer = try await client.get("/v2/health/live")
            #expect(answer.agreed == "http/1.1")
            #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            let metrics = try await RawClient.connect(
                port: try #require(server.front.addresses.metricsPort)
            )
            defer { metrics.close() }
            try await metrics.send(request("GET", "/metrics"))
            #expect(try await metrics.reply().status == 200)
        }
    }

    @Test("Renewed files are used by later connections, spoilt ones change nothing")
    func renewal() async throws {
        guard let first = try SelfSignedCertificate.make(),
            let second = try SelfSignedCertificate.make()
        else { return }
        try await withServer(front: { $0.tls = files(first) }) { server in
            let port = server.front.addresses.port
            #expect(try server.front.renewCertificates(always: false) == false)
            try second.replace(first)
            #expect(try server.front.renewCertificates(always: false))
            let client = SecureClient(port: port, trusts: second)
            #expect(try await client.get("/v2/health/live").text.hasPrefix("HTTP/1.1 200 OK"))
            try first.spoil()
            #expect(throws: HTTPFrontError.self) {
                try server.front.renewCertificates(always: false)
            }
            // Said once; the next look is quiet until the files change again.
            #expect(try server.front.renewCertificates(always: false) == false)
            #expect(try await client.get("/v2/health/live").text.hasPrefix("HTTP/1.1 200 OK"))
            try second.replace(first)
            #expect(try server.front.renewCertificates(always: true))
        }
    }

    @Test("A client that agrees on no protocol is taken to speak HTTP/1.1")
    func withoutALPN() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        try await withServer(front: { $0.tls = files(certificate) }) { server in
            var client = SecureClient(port: server.front.addresses.port, trusts: certificate)
            client.protocols = []
            let answer = try await client.get("/v2/health/live")
            #expect(answer.agreed == nil)
            #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test("A body of many TLS records comes through whole, and so does its reply")
    func largeBody() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        let change: (inout HTTPConfiguration) -> Void = { $0.tls = files(certificate) }
        try await withServer([.free("free", .uint8)], front: change) { server in
            let client = SecureClient(port: server.front.addresses.port, trusts: certificate)
            let data = (0..<1 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31) }
            let (json, body) = binary([1, Int64(data.count)], "UINT8", data)
            let answer = try await client.ask(
                request(
                    "POST",
                    "/v2/models/free/infer",
                    headers: [
                        "Inference-Header-Content-Length: \(json.count)", "Connection: close",
                    ],
                    body: body
                )
            )
            #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
            let echoed = Array(answer.bytes.suffix(data.count))
            #expect(echoed == data)
        }
    }

    @Test("A client without TLS, and one that says nothing, lose their connections")
    func noHandshake() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        let change: (inout HTTPConfiguration) -> Void = {
            $0.tls = files(certificate)
            $0.headTimeout = .milliseconds(50)
        }
        try await withServer(front: change) { server in
            let plain = try await server.connect()
            defer { plain.close() }
            try await plain.send(request("GET", "/v2/health/live"))
            let answer = String(decoding: try await plain.rest(), as: UTF8.self)
            #expect(!answer.contains("HTTP/1.1"))
            let silent = try await server.connect()
            defer { silent.close() }
            #expect(try await silent.rest().isEmpty)
        }
    }

    @Test("With client authorities a client needs a certificate of theirs")
    func mutual() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        guard let foreign = try SelfSignedCertificate.make() else { return }
        var files = files(certificate)
        files.clientAuthorities = certificate.path
        try await withServer(front: { $0.tls = files }) { server in
            var client = SecureClient(port: server.front.addresses.port, trusts: certificate)
            #expect(try await client.get("/v2/health/live").text.isEmpty)
            client.shows = foreign
            #expect(try await client.get("/v2/health/live").text.isEmpty)
            client.shows = certificate
            let answer = try await client.get("/v2/health/live")
            #expect(answer.text.hasPrefix("HTTP/1.1 200 OK\r\n"))
        }
    }

    @Test("TLS older than 1.2 is refused")
    func oldVersion() async throws {
        guard let certificate = try SelfSignedCertificate.make() else { return }
        try await withServer(front: { $0.tls = files(certificate) }) { server in
            var client = SecureClient(port: server.front.addresses.port, trusts: certificate)
            client.newest = .tlsv11
            let answer = try await client.get("/v2/health/live")
            #expect(!answer.isSecure)
            client.newest = .tlsv12
            #expect(try await client.get("/v2/health/live").isSecure)
        }
    }

    @Test("Files that are missing, or do not fit together, are named in one line")
    func badFiles() async throws {
        let missing = TLSFiles(certificateChain: "no-such.pem", privateKey: "no-such.key")
        await #expect {
            try await withServer(front: { $0.tls = missing }) { _ in }
        } throws: { error in
            "\(error)".hasPrefix("HTTPS: the server's certificate can't be read from 'no-such.pem'")
        }
        guard let one = try SelfSignedCertificate.make() else { return }
        guard let other = try SelfSignedCertificate.make() else { return }
        let mixed = TLSFiles(certificateChain: one.path, privateKey: other.keyPath)
        await #expect {
            try await withServer(front: { $0.tls = mixed }) { _ in }
        } throws: { error in
            "\(error)".contains("name a certificate and the key that it was made for")
        }
    }

    private func files(_ certificate: SelfSignedCertificate) -> TLSFiles {
        TLSFiles(certificateChain: certificate.path, privateKey: certificate.keyPath)
    }
    #else
    @Test("A build without TLS says so and opens no listener")
    func refused() async throws {
        let files = TLSFiles(certificateChain: "cert.pem", privateKey: "key.pem")
        await #expect {
            try await withServer(front: { $0.tls = files }) { _ in }
        } throws: { error in
            "\(error)" == "HTTPS: this build has no TLS; build it with: swift build --traits TLS"
        }
    }
    #endif
}
