import CZlib
import Glibc
import NIOCore
import OpenInference
import ServerRuntime
import ServingDomain
import Testing

@testable import HTTPFront

@Suite("Inference over real sockets")
struct InferenceTests {
    private let numbers = (0..<16).map { Float($0) / 8 - 1 }

    @Test("A JSON request is answered in JSON, in Triton's order of keys.")
    func answersJSON() async throws {
        try await withServer { server in
            let reply = try await server.ask(
                "POST",
                "/v2/models/echo/infer",
                body: echoJSON("0.5", id: "a")
            )
            #expect(reply.status == 200)
            #expect(reply["Content-Type"] == "application/json")
            #expect(reply["sluice-emulated"] == "1")
            #expect(reply["sluice-predicted-ms"] == nil)
            let data = Array(repeating: "0.5", count: 16).joined(separator: ",")
            #expect(
                reply.text == #"{"id":"a","model_name":"echo","model_version":"1","outputs":"#
                    + #"[{"name":"OUTPUT","datatype":"FP32","shape":[1,16],"data":[\#(data)]}]}"#
            )
        }
    }

    @Test("A binary request gets its bytes back, on one connection again and again.")
    func answersBinary() async throws {
        try await withServer { server in
            let client = try await server.connect()
            defer { client.close() }
            for round in 0..<50 {
                let rows = Int64(round % 8 + 1)
                let data = bytes((0..<16 * rows).map { Float($0) + Float(round) })
                let message = binary([rows, 16], "FP32", data)
                try await client.send(
                    request(
                        "POST",
                        "/v2/models/echo/versions/1/infer",
                        headers: ["Inference-Header-Content-Length: \(message.json.count)"],
                        body: message.all
                    )
                )
                let reply = try await client.reply()
                #expect(reply.status == 200)
                #expect(reply["Content-Type"] == "application/octet-stream")
                #expect(reply.binary == data)
                #expect(reply.text.contains(#""parameters":{"binary_data_size":\#(data.count)}"#))
            }
        }
    }

    @Test("Bodies come whole however they are cut: large, chunked, byte by byte, compressed.")
    func takesAnyCut() async throws {
        try await withServer([.free("free", .uint8)]) { server in
            let data = (0..<8 << 20).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }
            let large = binary([1, Int64(data.count)], "UINT8", data)
            let header = "Inference-Header-Content-Length: \(large.json.count)"
            let path = "/v2/models/free/infer"
            let whole = try await server.ask("POST", path, headers: [header], body: large.all)
            #expect(whole.status == 200 && whole.binary == data)
            let client = try await server.connect()
            defer { client.close() }
            for step in [1_000_000, 50_000] {
                try await client.send(
                    "POST \(path) HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\(header)\r\n\r\n"
                )
                for begin in stride(from: 0, to: large.all.count, by: step) {
                    let piece = large.all[begin..<min(large.all.count, begin + step)]
                    let size = String(piece.count, radix: 16)
                    try await client.send(Array("\(size)\r\n".utf8) + piece + [13, 10])
                }
                try await client.send("0\r\n\r\n")
                let reply = try await client.reply()
                #expect(reply.status == 200 && reply.binary == data, "chunks of \(step)")
            }
            let small = binary([1, 3], "UINT8", [1, 2, 3])
            let dripped = request(
                "POST",
                path,
                headers: ["Inference-Header-Content-Length: \(small.json.count)"],
                body: small.all
            )
            for byte in dripped { try await client.send([byte]) }
            #expect(try await client.reply().binary == [1, 2, 3])
            let packed = try #require(
                Array(large.all[..<500_000]).withUnsafeBytes { Deflater.compress($0, gzip: true) }
            )
            let lying = try await server.ask(
                "POST",
                path,
                headers: [header, "Content-Encoding: gzip"],
                body: packed
            )
            #expect(lying.status == 400)
            #expect(lying.text.contains("binary data"))
        }
    }

    @Test("Compressed requests are read, and replies are compressed for who asks.")
    func compresses() async throws {
        try await withServer([.free("free", .uint8)]) { server in
            let data = [UInt8](repeating: 9, count: 20_000)
            let message = binary([1, 20_000], "UINT8", data)
            for (gzip, word) in [(true, "gzip"), (false, "deflate")] {
                let packed = try #require(
                    message.all.withUnsafeBytes { Deflater.compress($0, gzip: gzip) }
                )
                let reply = try await server.ask(
                    "POST",
                    "/v2/models/free/infer",
                    headers: [
                        "Content-Encoding: \(word)", "Accept-Encoding: \(word)",
                        "Inference-Header-Content-Length: \(message.json.count)",
                    ],
                    body: packed
                )
                #expect(reply.status == 200)
                #expect(reply["Content-Encoding"] == word)
                #expect(reply.body.count < 2_000)
                let inflater = Inflater(limit: 1 << 20)
                var body = BodyStore()
                try inflater.take(ByteBuffer(bytes: reply.body), into: &body)
                let header = try #require(
                    reply["Inference-Header-Content-Length"].flatMap { Int($0) }
                )
                #expect(Array(body.array[header...]) == data)
            }
            let odd = try await server.ask(
                "POST",
                "/v2/models/free/infer",
                headers: ["Content-Encoding: br"],
                body: [1]
            )
            #expect(odd.status == 501)
            #expect(odd["Accept-Encoding"] == "gzip, deflate")
        }
    }

    @Test("A raw body is one tensor, numbers or text.")
    func takesRawBodies() async throws {
        let text = TestModel(
            "text",
            inputs: [TensorSpec(name: "INPUT", type: .bytes, dims: [1])],
            outputs: [TensorSpec(name: "OUTPUT", type: .bytes, dims: [1])]
        )
        try await withServer([.echo(), text]) { server in
            let raw = "Inference-Header-Content-Length: 0"
            let data = bytes(numbers)
            let reply = try await server.ask(
                "POST",
                "/v2/models/echo/infer",
                headers: [raw],
                body: data
            )
            #expect(reply.status == 200 && reply.binary == data)
            let words = try await server.ask(
                "POST",
                "/v2/models/text/infer",
                headers: [raw],
                body: Array("hello".utf8)
            )
            #expect(words.binary == [5, 0, 0, 0] + Array("hello".utf8))
            let short = try await server.ask(
                "POST",
                "/v2/models/echo/infer",
                headers: [raw],
                body: [1, 2, 3]
            )
            #expect(short.status == 400)
        }
    }

    @Test("Classes, labels, several outputs in the order asked for, JSON beside binary.")
    func answersWishes() async throws {
        let two = TestModel(
            "two",
            inputs: [
                TensorSpec(name: "A", type: .int32, dims: [2]),
                TensorSpec(name: "B", type: .bytes, dims: [1]),
            ],
            outputs: [
                TensorSpec(name: "X", type: .int32, dims: [2]),
                TensorSpec(name: "Y", type: .bytes, dims: [1]),
            ]
        )
        try await withServer([.echo(), two]) { server in
            let values = "[" + numbers.map { "\($0)" }.joined(separator: ",") + "]"
            let classes = try await server.ask(
                "POST",
                "/v2/models/echo/infer",
                body: Array(
                    (#"{"inputs":[{"name":"INPUT","shape":[1,16],"datatype":"FP32","data":"#
                        + values
                        + #"}],"outputs":[{"name":"OUTPUT","parameters":{"classification":2}}]}"#)
                        .utf8
                )
            )
            #expect(
                classes.text.contains(
                    #""datatype":"BYTES","shape":[1,2],"data":["0.875000:15","0.750000:14"]"#
                )
            )
            let inputs =
                #"{"inputs":[{"name":"B","shape":[1,1],"datatype":"BYTES","data":["é"]},"#
                + #"{"name":"A","shape":[1,2],"datatype":"INT32","data":[7,-8]}],"outputs":"#
            for (outputs, json, expected) in [
                (
                    #"[{"name":"Y","parameters":{"binary_data":true}},{"name":"X"}]}"#,
                    #""data":[7,-8]"#, [2, 0, 0, 0, 0xC3, 0xA9]
                ),
                (
                    #"[{"name":"Y","parameters":{"binary_data":true}},"#
                        + #"{"name":"X","parameters":{"binary_data":true}}]}"#,
                    #""binary_data_size":8"#,
                    [2, 0, 0, 0, 0xC3, 0xA9, 7, 0, 0, 0, 0xF8, 0xFF, 0xFF, 0xFF]
                ),
            ] as [(String, String, [UInt8])] {
                let reply = try await server.ask(
                    "POST",
                    "/v2/models/two/infer",
                    body: Array((inputs + outputs).utf8)
                )
                #expect(reply.status == 200)
                #expect(reply.text.contains(json))
                #expect(reply.binary == expected)
            }
            let only = try await server.ask(
                "POST",
                "/v2/models/two/infer",
                body: Array((inputs + #"[{"name":"X"}]}"#).utf8)
            )
            #expect(only.text.contains("\"X\"") && !only.text.contains("\"Y\""))
        }
    }

    @Test("Wrong requests get one clear line and leave the connection usable.")
    func refusesWrongRequests() async throws {
        try await withServer { server in
            let client = try await server.connect()
            defer { client.close() }
            for (path, body, status, word) in [
                ("/v2/models/nope/infer", "{}", 404, "nope"),
                ("/v2/models/echo/versions/9/infer", "{}", 404, "version 9"),
                ("/v2/models/echo/infer", "", 400, "malformed"),
                ("/v2/models/echo/infer", "{", 400, "malformed"),
                ("/v2/models/echo/infer", #"{"inputs":[]}"#, 400, "INPUT"),
                ("/v2/models/echo/infer", #"{"inputs":[],"parameters":{"triton_a":1}}"#, 400, "a"),
                ("/v2/models/echo/infer", "\u{1}", 400, "malformed"),
                ("/v2/models/echo/generate", "{}", 501, "infer"),
            ] {
                try await client.send(request("POST", path, body: Array(body.utf8)))
                let reply = try await client.reply()
                #expect(reply.status == status, "\(path) \(body)")
                #expect(reply.text.hasPrefix(#"{"error":""#), "\(reply.text)")
                #expect(reply.text.contains(word), "\(reply.text)")
            }
            let length = ["Inference-Header-Content-Length: 99999"]
            try await client.send(
                request("POST", "/v2/models/echo/infer", headers: length, body: echoJSON())
            )
            #expect(try await client.reply().status == 400)
            try await client.send(request("POST", "/v2/models/echo/infer", body: echoJSON()))
            #expect(try await client.reply().status == 200)
        }
    }

    @Test("traceparent comes back; a prediction is sent to who asks for it.")
    func passesTracesThrough() async throws {
        try await withServer { server in
            let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            for body in [echoJSON(), Array("{".utf8)] {
                let reply = try await server.ask(
                    "POST",
                    "/v2/models/echo/infer",
                    headers: ["traceparent: \(trace)", "sluice-predict: 1"],
                    body: body
                )
                if reply.status == 200 {
                    #expect(reply["traceparent"] == trace)
                    #expect(Double(reply["sluice-predicted-ms"] ?? "0") != nil)
                }
            }
        }
    }

    @Test("Many clients at once share batches, and each gets its own rows back.")
    func keepsRowsApart() async throws {
        try await withServer { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<24 {
                    group.addTask {
                        let socket = try await server.connect()
                        defer { socket.close() }
                        for round in 0..<20 {
                            let rows = Int64((client + round) % 3 + 1)
                            let data = bytes(
                                (0..<16 * rows).map {
                                    Float(client * 1_000 + round) + Float($0) / 64
                                }
                            )
                            let message = binary([rows, 16], "FP32", data)
                            let length = message.json.count
                            try await socket.send(
                                request(
                                    "POST",
                                    "/v2/models/echo/infer",
                                    headers: ["Inference-Header-Content-Length: \(length)"],
                                    body: message.all
                                )
                            )
                            let reply = try await socket.reply()
                            #expect(reply.status == 200, "\(reply.text)")
                            #expect(reply.binary == data)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test("Tensors in shared memory are read from there and written to there.")
    func usesSharedMemory() async throws {
        let key = "/sluice-test-\(getpid())"
        let file = shm_open(key, O_CREAT | O_RDWR, 0o600)
        defer { shm_unlink(key) }
        try #require(file >= 0 && ftruncate(file, 256) == 0)
        let data = bytes(numbers)
        #expect(data.withUnsafeBytes { pwrite(file, $0.baseAddress, 64, 64) } == 64)
        try await withServer(runtime: { $0.allowsSharedMemory = true }) { server in
            let register = "/v2/systemsharedmemory/region/r/register"
            let region = Array(#"{"key":"\#(key)","offset":0,"byte_size":256}"#.utf8)
            #expect(try await server.ask("POST", register, body: region).status == 200)
            #expect(try await server.ask("POST", register, body: region).status == 400)
            let status = try await server.ask("GET", "/v2/systemsharedmemory/region/r/status")
            #expect(status.text == #"[{"name":"r","key":"\#(key)","offset":0,"byte_size":256}]"#)
            func ask(_ name: String, _ offset: Int, _ size: Int) async throws -> RawReply {
                let part = #"{"shared_memory_region":"\#(name)","shared_memory_byte_size":"#
                return try await server.ask(
                    "POST",
                    "/v2/models/echo/infer",
                    body: Array(
                        (#"{"inputs":[{"name":"INPUT","shape":[1,16],"datatype":"FP32","#
                            + #""parameters":\#(part)64,"shared_memory_offset":64}}],"outputs":"#
                            + #"[{"name":"OUTPUT","parameters":\#(part)\#(size),"#
                            + #""shared_memory_offset":\#(offset)}}]}"#).utf8
                    )
                )
            }
            let reply = try await ask("r", 128, 64)
            #expect(reply.status == 200)
            #expect(reply.text.contains(#""shared_memory_byte_size":64"#))
            var result = [UInt8](repeating: 0, count: 64)
            #expect(result.withUnsafeMutableBytes { pread(file, $0.baseAddress, 64, 128) } == 64)
            #expect(result == data)
            #expect(try await ask("r", 128, 60).status == 400)
            #expect(try await ask("r", 224, 64).status == 400)
            #expect(try await ask("nope", 0, 64).status == 404)
            let unregister = "/v2/systemsharedmemory/unregister"
            #expect(try await server.ask("POST", unregister).status == 200)
            #expect(try await ask("r", 128, 64).status == 404)
        }
    }

    @Test("Large JSON, worked on away from the event loop, keeps its order among others.")
    func takesLargeJSON() async throws {
        try await withServer([.free("free", .int32), .echo()]) { server in
            let values = (0..<100_000).map { $0 &* 7_919 }
            let text = values.map(String.init).joined(separator: ",")
            let large = Array(
                (#"{"inputs":[{"name":"INPUT","shape":[1,100000],"datatype":"INT32","#
                    + #""data":[\#(text)]}]}"#).utf8
            )
            let client = try await server.connect()
            defer { client.close() }
            var all: [UInt8] = []
            for _ in 0..<3 {
                all += request("POST", "/v2/models/free/infer", body: large)
                all += request("POST", "/v2/models/echo/infer", body: echoJSON(id: "small"))
            }
            async let sent: Void = client.send(all)
            for _ in 0..<3 {
                let reply = try await client.reply()
                #expect(reply.status == 200)
                #expect(reply.text.hasSuffix(#""data":[\#(text)]}]}"#))
                #expect(try await client.reply().text.contains(#""id":"small""#))
            }
            try await sent
            let broken = Array(large.dropLast())
            let refused = try await server.ask("POST", "/v2/models/free/infer", body: broken)
            #expect(refused.status == 400)
        }
    }
}
