import CZlib
import NIOCore
import NIOHTTP1
import OpenInference
import ServingDomain
import Testing

@testable import HTTPFront

@Suite("Parts of the HTTP front")
struct PartsTests {
    private func route(_ path: String) -> Route? { Router.route(path, metricsOnly: false) }

    @Test("Every path of the protocol leads where it should.")
    func routes() {
        #expect(route("/v2") == .server)
        #expect(route("/v2/health/live") == .live)
        #expect(route("/v2/health/ready") == .ready)
        #expect(route("/v2/models/m") == .model(.metadata, name: "m", version: nil))
        #expect(route("/v2/models/m/versions/3") == .model(.metadata, name: "m", version: 3))
        #expect(route("/v2/models/m/infer") == .model(.infer, name: "m", version: nil))
        #expect(route("/v2/models/m/infer?x=1") == .model(.infer, name: "m", version: nil))
        #expect(route("/v2/models/m/versions/12/infer") == .model(.infer, name: "m", version: 12))
        #expect(route("/v2/models/m/ready") == .model(.ready, name: "m", version: nil))
        #expect(route("/v2/models/m/config") == .model(.config, name: "m", version: nil))
        #expect(route("/v2/models/m/stats") == .model(.statistics, name: "m", version: nil))
        #expect(route("/v2/models/stats") == .allStatistics)
        #expect(route("/v2/models/m/trace/setting") == .trace(model: "m"))
        #expect(route("/v2/trace/setting") == .trace(model: nil))
        #expect(route("/v2/logging") == .logging)
        #expect(route("/v2/repository/index") == .index)
        #expect(route("/v2/repository/models/m/load") == .repository(.load, name: "m"))
        #expect(route("/v2/repository/models/m/unload") == .repository(.unload, name: "m"))
        #expect(route("/v2/repository/r/models/m/load") == .namedRepository)
        #expect(route("/v2/systemsharedmemory/status") == .memory(.system, .status, region: nil))
        #expect(
            route("/v2/systemsharedmemory/region/r/register")
                == .memory(.system, .register, region: "r")
        )
        #expect(
            route("/v2/cudasharedmemory/unregister") == .memory(.cuda, .unregister, region: nil)
        )
        #expect(route("/v2/models/a%20b%C3%A9") == .model(.metadata, name: "a bé", version: nil))
        #expect(Router.route("/metrics", metricsOnly: true) == .metrics)
        #expect(Router.route("/v2", metricsOnly: true) == nil)
    }

    @Test("Slashes at the end, wrong case and wrong versions lead nowhere.")
    func routesNowhere() {
        for path in [
            "", "/", "/v2/", "/V2", "/v2/health", "/v2/health/live/", "/v2//models/m",
            "/v2/models/", "/v2/models/m/", "/v2/models/m/versions", "/v2/models/m/versions/x",
            "/v2/models/m/versions/-1/infer", "/v2/models/m/versions//infer",
            "/v2/models/m/infer/", "/v2/models/m/Infer", "/v2/models/m/versions/1/trace/setting",
            "/v2/systemsharedmemory/register", "/v2/logging/x", "/metrics", "/v2/models/%GG",
            "/v2/models/%ff", "/v2/models/%", "http://host/v2", "*",
            "/v2/models/" + String(repeating: "m", count: 10_000),
        ] {
            #expect(route(path) == nil, "\(path.prefix(60))")
        }
    }

    @Test("One pass over the headers finds what matters, whatever its case.")
    func readsHeaders() {
        func facts(_ headers: [(String, String)], http10: Bool = false) -> RequestFacts {
            RequestFacts(
                HTTPRequestHead(
                    version: http10 ? .http1_0 : .http1_1,
                    method: .POST,
                    uri: "/",
                    headers: HTTPHeaders(headers)
                ),
                arrival: .zero
            )
        }
        let all = facts([
            ("CONTENT-LENGTH", "12"), ("inference-header-content-LENGTH", "7"),
            ("content-encoding", "GZIP"), ("Accept-Encoding", "br, deflate;q=0.5, gzip"),
            ("Expect", "100-Continue"), ("Sluice-Predict", "1"), ("traceparent", "00-ab-cd-01"),
        ])
        #expect(all.contentLength == 12 && all.inferenceHeader == 7)
        #expect(all.encoding == .gzip && all.accepted == .deflate)
        #expect(all.expectsContinue && all.wantsPrediction && all.keepsAlive)
        #expect(all.traceparent == "00-ab-cd-01")
        #expect(facts([("Accept-Encoding", "gzip;q=0, identity")]).accepted == .identity)
        #expect(!facts([("Connection", "x, Close")]).keepsAlive)
        #expect(!facts([], http10: true).keepsAlive)
        #expect(facts([("Connection", "Keep-Alive")], http10: true).keepsAlive)
        #expect(facts([("Content-Encoding", "br")]).encoding == .unknown)
        #expect(facts([("Inference-Header-Content-Length", "x")]).inferenceHeader == -1)
        #expect(facts([("Expect", "cake")]).expectsOther)
    }

    @Test("A body is the same bytes whatever pieces it came in.")
    func storesBodies() {
        let all = (0..<400_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        for (step, expected) in [
            (1_000, nil), (1_000, 400_000), (20_000, nil), (400_000, 400_000), (399_999, 400_000),
            (300_000, nil),
        ] as [(Int, Int?)] {
            var body = BodyStore()
            for begin in stride(from: 0, to: all.count, by: step) {
                let end = min(all.count, begin + step)
                body.append(ByteBuffer(bytes: all[begin..<end]), expected: expected)
            }
            #expect(body.array == all, "pieces of \(step)")
            var part = [UInt8](repeating: 0, count: 50_001)
            part.withUnsafeMutableBytes { body.copy(199_999..<250_000, into: $0) }
            #expect(part == Array(all[199_999..<250_000]))
            #expect(body.withFirst(123_456) { Array($0) } == Array(all[..<123_456]))
        }
        var single = BodyStore()
        for byte in all[..<5_000] { single.append(ByteBuffer(bytes: [byte]), expected: 5_000) }
        #expect(single.array == Array(all[..<5_000]))
    }

    @Test("Compression round-trips; bombs, cuts and garbage are refused.")
    func inflates() throws {
        let plain = [UInt8](repeating: 7, count: 200_000)
        let compressed = try #require(
            plain.withUnsafeBytes { Deflater.compress($0, gzip: true) }
        )
        func inflate(_ bytes: [UInt8], limit: Int, step: Int) throws -> [UInt8] {
            let inflater = Inflater(limit: limit)
            var body = BodyStore()
            for begin in stride(from: 0, to: bytes.count, by: step) {
                let end = min(bytes.count, begin + step)
                try inflater.take(ByteBuffer(bytes: bytes[begin..<end]), into: &body)
            }
            try inflater.finish()
            return body.array
        }
        #expect(try inflate(compressed, limit: 200_000, step: 1 << 20) == plain)
        #expect(try inflate(compressed, limit: 200_000, step: 1) == plain)
        let zlib = try #require(plain.withUnsafeBytes { Deflater.compress($0, gzip: false) })
        #expect(try inflate(zlib, limit: 200_000, step: 100) == plain)
        func kind(_ bytes: [UInt8], limit: Int = 1 << 20) -> WireError.Kind? {
            do {
                _ = try inflate(bytes, limit: limit, step: 64)
                return nil
            } catch {
                return (error as? WireError)?.kind
            }
        }
        #expect(kind(compressed, limit: 199_999) == .tooLarge)
        #expect(kind(Array(compressed.dropLast(1))) == .malformed)
        #expect(kind(compressed + [1]) == .malformed)
        #expect(kind(Array("no gzip at all".utf8)) == .malformed)
        #expect([1, 2].withUnsafeBytes { Deflater.compress($0, gzip: true) } == nil)
    }

    @Test("A reply's head is exactly what HTTP asks for.")
    func writesHeads() {
        func head(_ status: Int, keepsAlive: Bool, isHTTP10: Bool) -> String {
            var bytes: [UInt8] = []
            ReplyHead(
                status: status,
                contentType: "application/json",
                contentLength: 1_203,
                keepsAlive: keepsAlive,
                isHTTP10: isHTTP10
            ).append(to: &bytes, lines: Array("a: b\r\n".utf8))
            return String(decoding: bytes, as: UTF8.self)
        }
        let common = "Content-Type: application/json\r\nContent-Length: 1203\r\na: b\r\n"
        #expect(head(200, keepsAlive: true, isHTTP10: false) == "HTTP/1.1 200 OK\r\n\(common)\r\n")
        #expect(
            head(429, keepsAlive: false, isHTTP10: false)
                == "HTTP/1.1 429 Too Many Requests\r\n\(common)Connection: close\r\n\r\n"
        )
        #expect(
            head(504, keepsAlive: true, isHTTP10: true)
                == "HTTP/1.1 504 Gateway Timeout\r\n\(common)Connection: keep-alive\r\n\r\n"
        )
        #expect(InferReply.milliseconds(TimeSpan(nanoseconds: 12_034_999)) == "12.034")
    }

    @Test("Triton's form of restrictions is read; what is not known is named.")
    func readsRestrictions() throws {
        let restriction = try APIRestriction(flag: "inference,model-repository:x-key=se=cret")
        #expect(restriction.groups == [.inference, .modelRepository])
        #expect(restriction.header == "x-key" && restriction.value == "se=cret")
        for flag in ["", "inference", "inference:key", "nope:key=v", "inference:=v"] {
            #expect(throws: HTTPFrontError.self) { try APIRestriction(flag: flag) }
        }
    }

    @Test("Base64 is read with and without padding, and nothing else is.")
    func readsBase64() {
        #expect(Base64.decode("") == [])
        #expect(Base64.decode("Zm9v") == Array("foo".utf8))
        #expect(Base64.decode("Zm8=") == Array("fo".utf8))
        #expect(Base64.decode("Zg==") == Array("f".utf8))
        #expect(Base64.decode("Zg") == Array("f".utf8))
        for wrong in ["Z", "Zg=x", "Zm9v!", "Zg===", "Z g=", "Zm9vZ"] {
            #expect(Base64.decode(wrong) == nil, "\(wrong)")
        }
    }
}
