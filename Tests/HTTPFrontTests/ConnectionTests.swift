import EngineEmulated
import HTTPFront
import OpenInference
import ServerRuntime
import ServingDomain
import Testing

@Suite("Connections, well and ill behaved")
struct ConnectionTests {
    private let infer = "/v2/models/echo/infer"

    @Test("Pipelined requests are answered in order, slow ones before quick ones.")
    func keepsOrder() async throws {
        let slow = TestModel.echo("slow")
        try await withServer([.echo(), slow]) { server in
            slow.control.close()
            let client = try await server.connect()
            defer { client.close() }
            var all = request("POST", "/v2/models/slow/infer", body: echoJSON(id: "first"))
            for index in 0..<200 {
                all += request("POST", infer, body: echoJSON(id: "\(index)"))
                all += request("GET", "/v2/health/live")
                all += request("GET", "/v2/models/echo")
            }
            try await client.send(all)
            await slow.control.blocked(atLeast: 1)
            slow.control.open()
            #expect(try await client.reply().text.contains(#""id":"first""#))
            for index in 0..<200 {
                #expect(try await client.reply().text.contains(#""id":"\#(index)""#))
                #expect(try await client.reply().text == #"{"live":true}"#)
                #expect(try await client.reply().text.contains(#""platform""#))
            }
        }
    }

    @Test("HTTP/1.0, Connection: close and keep-alive are each as the client wants it.")
    func closesAsAsked() async throws {
        try await withServer { server in
            let old = try await server.connect()
            try await old.send("GET /v2/health/live HTTP/1.0\r\n\r\n")
            let reply = try await old.rest()
            #expect(String(decoding: reply, as: UTF8.self).contains("Connection: close"))
            let kept = try await server.connect()
            for _ in 0..<2 {
                try await kept.send(
                    "GET /v2/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                )
                #expect(try await kept.reply()["Connection"] == "keep-alive")
            }
            try await kept.send("GET /v2/health/live HTTP/1.1\r\nConnection: close\r\n\r\n")
            #expect(try await kept.reply()["Connection"] == "close")
            #expect(try await kept.rest().isEmpty)
        }
    }

    @Test("100-continue is answered first; refusals come without the body being sent.")
    func answersExpectations() async throws {
        try await withServer { server in
            let body = echoJSON()
            let client = try await server.connect()
            let expect = ["Expect: 100-continue"]
            let whole = request("POST", infer, headers: expect, body: body)
            try await client.send(Array(whole[..<(whole.count - body.count)]))
            #expect(try await client.reply().status == 100)
            try await client.send(body)
            #expect(try await client.reply().status == 200)
            try await client.send(
                "POST /nowhere HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n"
            )
            #expect(try await client.reply().status == 404)
            #expect(try await client.rest().isEmpty)
            let odd = try await server.ask("POST", infer, headers: ["Expect: cake"], body: [1])
            #expect(odd.status == 417)
        }
    }

    @Test("Verbs, paths, slashes: 404 and 405 with the documented bodies.")
    func refusesPathsAndVerbs() async throws {
        try await withServer { server in
            for path in ["/", "/v2/", "/v3", "/v2/models/echo/", "/metrics"] {
                let reply = try await server.ask("GET", path)
                #expect(reply.status == 404, "\(path)")
                #expect(reply.text == #"{"error":"Not Found"}"#)
            }
            for (method, path, allow) in [
                ("GET", infer, "POST"), ("POST", "/v2", "GET"),
                ("DELETE", "/v2/logging", "GET, POST"),
                ("PUT", "/v2/models/echo", "GET"), ("OPTIONS", "/v2/health/live", "GET"),
            ] {
                let reply = try await server.ask(method, path)
                #expect(reply.status == 405, "\(method) \(path)")
                #expect(reply.text == #"{"error":"Method Not Allowed"}"#)
                #expect(reply["Allow"] == allow)
            }
            let client = try await server.connect()
            try await client.send(request("HEAD", "/v2"))
            #expect(try await client.reply(hasBody: false).status == 405)
            try await client.send(request("GET", "/v2/health/live"))
            #expect(try await client.reply().status == 200)
        }
    }

    @Test("What is too large is refused early, with its limit, and the connection closes.")
    func boundsBodies() async throws {
        try await withServer(front: { $0.maxInputSize = 10_000 }) { server in
            let client = try await server.connect()
            try await client.send("POST \(infer) HTTP/1.1\r\nContent-Length: 10001\r\n\r\n")
            let reply = try await client.reply()
            #expect(reply.status == 413)
            #expect(reply.text.contains("10000"))
            #expect(try await client.rest().isEmpty)
            let chunked = try await server.connect()
            try await chunked.send("POST \(infer) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            for _ in 0..<11 {
                try? await chunked.send(
                    Array("3e8\r\n".utf8) + [UInt8](repeating: 32, count: 1_000) + [13, 10]
                )
            }
            #expect(try await chunked.reply().status == 413)
            // The body of a request that is refused is bounded just the same.
            let nowhere = try await server.connect()
            try await nowhere.send("POST /x HTTP/1.1\r\nContent-Length: 99999\r\n\r\n")
            #expect(try await nowhere.reply().status == 413)
        }
    }

    @Test("Header bombs and things that are no HTTP are refused, and others are served.")
    func refusesMalformed() async throws {
        try await withServer { server in
            let many = (0..<300).map { "h\($0): v\r\n" }.joined()
            let long = String(repeating: "x", count: 70_000)
            for (text, status) in [
                ("GET /v2 HTTP/1.1\r\n\(many)\r\n", 431),
                ("GET /v2 HTTP/1.1\r\nh: \(long)\r\n\r\n", 431),
                ("GET /\(long) HTTP/1.1\r\n\r\n", 431), ("nonsense\r\n\r\n", 400),
                ("GET /v2 HTTP/3.7\r\n\r\n", 505), ("GET /v2 HTTP/1.1\r\na b: c\r\n\r\n", 400),
                ("POST \(infer) HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
                ("POST \(infer) HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
                (
                    "POST \(infer) HTTP/1.1\r\nContent-Length: 1\r\n"
                        + "Transfer-Encoding: chunked\r\n\r\n", 400
                ),
                ("POST \(infer) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            ] {
                let client = try await server.connect()
                try await client.send(text)
                let reply = try await client.reply()
                let isAsExpected = reply.status == status || (status == 505 && reply.status == 400)
                #expect(isAsExpected, "\(text.prefix(60)): \(reply.status)")
                #expect(reply.text.hasPrefix(#"{"error":""#))
                client.close()
                #expect(try await server.ask("GET", "/v2/health/live").status == 200)
            }
        }
    }

    @Test("Heads and bodies that never come to an end are cut off with 408.")
    func timesOut() async throws {
        try await withServer(front: { configuration in
            configuration.headTimeout = .milliseconds(60)
            configuration.bodyTimeout = .milliseconds(60)
            configuration.lingerTimeout = .milliseconds(60)
        }) { server in
            let head = try await server.connect()
            try await head.send("GET /v2 HTT")
            #expect(try await head.reply().status == 408)
            #expect(try await head.rest().isEmpty)
            let body = try await server.connect()
            try await body.send("POST \(infer) HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
            #expect(try await body.reply().status == 408)
            #expect(try await body.rest().isEmpty)
        }
    }

    @Test("A connection without requests is closed without a word, used before or not.")
    func closesIdlers() async throws {
        // Long enough for a request to come in time on a machine that runs all tests at once.
        try await withServer(front: { $0.idleTimeout = .seconds(4) }) { server in
            let idle = try await server.connect()
            let used = try await server.connect()
            try await used.send(request("GET", "/v2/health/live"))
            #expect(try await used.reply().status == 200)
            #expect(try await idle.rest().isEmpty)
            #expect(try await used.rest().isEmpty)
        }
    }

    @Test("A client that never reads is held at a bound and cut off; others are served.")
    func boundsUnread() async throws {
        try await withServer(
            [.free("free", .uint8), .echo()],
            front: { $0.writeTimeout = .milliseconds(200) }
        ) { server in
            let client = try await server.connect(receiveBuffer: 4_096)
            let data = [UInt8](repeating: 1, count: 8 << 20)
            let message = binary([1, Int64(data.count)], "UINT8", data)
            let one = request(
                "POST",
                "/v2/models/free/infer",
                headers: ["Inference-Header-Content-Length: \(message.json.count)"],
                body: message.all
            )
            // The server stops reading, so sending fails once it has cut the connection.
            var sent = 0
            while sent < 64, (try? await client.send(one)) != nil { sent += 1 }
            #expect(sent < 64)
            #expect(try await server.ask("POST", infer, body: echoJSON()).status == 200)
        }
    }

    @Test("There are no more connections than allowed, and a place that frees is given again.")
    func boundsConnections() async throws {
        try await withServer(front: { $0.maxConnections = 2 }) { server in
            let first = try await server.connect()
            let second = try await server.connect()
            for client in [first, second] {
                try await client.send(request("GET", "/v2/health/live"))
                #expect(try await client.reply().status == 200)
            }
            let third = try await server.connect()
            #expect(try await third.rest().isEmpty)
            first.close()
            var served = false
            while !served {
                let next = try await server.connect()
                try? await next.send(request("GET", "/v2/health/live"))
                served = (try? await next.reply().status) == 200
                next.close()
            }
        }
    }

    @Test("Noise and mutated requests never take the server down.")
    func survivesNoise() async throws {
        let seed: UInt64 = 0x5EED_0006
        print("seed \(seed)")
        var state = seed
        func dice(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % count
        }
        try await withServer(front: { $0.lingerTimeout = .milliseconds(20) }) { server in
            let message = binary([1, 16], "FP32", bytes([Float](repeating: 1, count: 16)))
            let good = request(
                "POST",
                infer,
                headers: ["Inference-Header-Content-Length: \(message.json.count)"],
                body: message.all
            )
            for _ in 0..<300 {
                var mutant = good
                for _ in 0...dice(4) {
                    let place = dice(mutant.count)
                    switch dice(3) {
                    case 0: mutant[place] = UInt8(dice(256))
                    case 1: mutant.remove(at: place)
                    default: mutant.insert(contentsOf: mutant[place...].prefix(dice(40)), at: place)
                    }
                }
                let client = try await server.connect()
                try? await client.send(mutant)
                client.close()
            }
            let reply = try await server.ask("POST", infer, body: echoJSON())
            #expect(reply.status == 200)
        }
    }
}
