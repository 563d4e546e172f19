import EngineEmulated
import NIOCore
import NIOHTTP2
import ServerRuntime
import ServingDomain
import SwiftProtobuf
import Testing
import WireMessages

@testable import GRPCFront

/// The front end to end: a client at frame level, a real runtime, emulated models.
@Suite(.timeLimit(.minutes(2))) struct FrontTests {
    @Test("An inference comes back with its id, head, message and trailers")
    func inference() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let reply = try await client.call(
            "ModelInfer",
            try FrontFixture.request([1, 2, 3, 4], id: "me")
        )
        #expect(reply.head[":status"] == "200")
        #expect(reply.head["content-type"] == "application/grpc")
        #expect(reply.status == 0 && reply.trailers["sluice-emulated"] == "1")
        #expect(try reply.echoed() == [1, 2, 3, 4])
        let message = try Inference_ModelInferResponse(serializedBytes: reply.messages[0])
        #expect(message.id == "me" && message.modelName == "echo" && message.modelVersion == "1")
        await fixture.end()
    }

    @Test("Messages far larger than a window go through, both ways, several at once")
    func large() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for count in [3 << 20, 5 << 20, 2 << 20, 1] {
                group.addTask {
                    let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 / 3) }
                    let message = try FrontFixture.request(bytes, to: "big")
                    return try await client.call("ModelInfer", message).echoed() == bytes
                }
            }
            for try await isSame in group { #expect(isSame) }
        }
        await fixture.end()
    }

    @Test("A client that packs its request gets a packed reply", arguments: ["gzip", "deflate"])
    func packed(_ encoding: String) async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let call = try await client.begin(
            "ModelInfer",
            [("grpc-encoding", encoding), ("grpc-accept-encoding", "identity,\(encoding)")]
        )
        let plain = try FrontFixture.request(Array(repeating: 3, count: 100_000), to: "big")
        let known = try #require(MessageEncoding(name: encoding))
        let bytes = try #require(MessageCompression.pack(ByteBuffer(bytes: plain), as: known))
        try await call.send(Array(bytes.readableBytesView), flag: 1, end: true)
        let reply = try await call.ended()
        #expect(reply.head["grpc-encoding"] == encoding)
        #expect(try reply.echoed() == Array(repeating: 3, count: 100_000))
        await fixture.end()
    }

    @Test("The call's deadline and the request's own timeout both end it; the smaller counts")
    func deadlines() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let plain = try FrontFixture.request([1, 2, 3, 4], to: "gated")
        let byCall = try await client.call("ModelInfer", plain, [("grpc-timeout", "500m")])
        #expect(byCall.status == StatusCode.deadlineExceeded.rawValue)
        let own = try FrontFixture.request([1, 2, 3, 4], to: "gated") {
            $0.parameters["timeout"] = .with { $0.int64Param = 500_000 }
        }
        let byRequest = try await client.call("ModelInfer", own, [("grpc-timeout", "1H")])
        #expect(byRequest.status == StatusCode.deadlineExceeded.rawValue)
        await fixture.end()
    }

    @Test("A cancelled call and a lost connection cancel what runs and what waits")
    func cancellation() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let other = try await fixture.client()
        let message = try FrontFixture.request([1, 2, 3, 4], to: "gated")
        let first = try await client.begin("ModelInfer")
        try await first.send(message, end: true)
        await fixture.gate.blocked(atLeast: 1)
        for _ in 0..<2 {
            let waiting = try await other.begin("ModelInfer")
            try await waiting.send(message, end: true)
        }
        // An answer on the same connection: what was sent before it has arrived.
        #expect(try await other.call("ServerLive", []).status == 0)
        try await first.cancel()
        #expect(try await client.call("ServerLive", []).status == 0)
        try await other.close()
        while fixture.front.connectionCount > 1 { await Task.yield() }
        fixture.gate.open()
        let served = try await client.call("ModelInfer", message)
        #expect(try served.echoed() == [1, 2, 3, 4])
        let servable = try fixture.runtime.servable(named: "gated", version: nil)
        let cancelled = servable.statistics.snapshot().classes.reduce(0) {
            $0 + $1.outcomes[Int(Outcome.cancelled.rawValue)]
        }
        #expect(cancelled == 3)
        await fixture.end()
    }

    @Test("What can't be served ends with the right code")
    func refusals() async throws {
        let fixture = try await FrontFixture { $0.maxMessageBytes = 1_000 }
        let client = try await fixture.client()
        let message = try FrontFixture.request([1, 2, 3, 4])
        func status(_ method: String, _ message: [UInt8]) async throws -> Int? {
            try await client.call(method, message).status
        }
        #expect(try await status("Nope", message) == StatusCode.unimplemented.rawValue)
        #expect(
            try await status("ModelInfer", [0xff, 0xff]) == StatusCode.invalidArgument.rawValue
        )
        let long = [UInt8](repeating: 0, count: 1_001)
        #expect(try await status("ModelInfer", long) == StatusCode.resourceExhausted.rawValue)
        let unknown = try FrontFixture.request([1, 2, 3, 4], to: "nobody")
        #expect(try await status("ModelInfer", unknown) == StatusCode.notFound.rawValue)
        let misfit = try FrontFixture.request([1, 2, 3])
        #expect(try await status("ModelInfer", misfit) == StatusCode.invalidArgument.rawValue)
        let html = try await client.call("ModelInfer", message, [("content-type", "text/html")])
        #expect(html.trailers[":status"] == "415")
        let none = try await client.begin("ModelInfer")
        try await none.send(raw: [], end: true)
        #expect(try await none.ended().status == StatusCode.unimplemented.rawValue)
        let cut = try await client.begin("ModelInfer")
        try await cut.send(raw: [0, 0, 0, 0, 9, 1], end: true)
        #expect(try await cut.ended().status == StatusCode.internalError.rawValue)
        let twice = try await client.begin("ModelInfer")
        try await twice.send(message)
        try await twice.send(message)
        #expect(try await twice.ended().status == StatusCode.unimplemented.rawValue)
        #expect(try await client.call("ModelInfer", message).status == 0)
        await fixture.end()
    }

    @Test("Thousands of resets and misses leave the connection alive")
    func manyResets() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let message = try FrontFixture.request([1, 2, 3, 4], to: "gated")
        for _ in 0..<2_000 {
            let call = try await client.begin("ModelInfer")
            try await call.send(message, end: true)
            try await call.cancel()
        }
        let alive = try await client.call("ModelInfer", try FrontFixture.request([9, 9, 9, 9]))
        #expect(try alive.echoed() == [9, 9, 9, 9])
        await fixture.end()
    }

    @Test("A client that reads nothing loses the streams that would pile up beyond the limit")
    func neverReads() async throws {
        let fixture = try await FrontFixture { $0.maxQueuedReplyBytes = 250_000 }
        let client = try await fixture.client(window: 0)
        let message = try FrontFixture.request(Array(repeating: 1, count: 100_000), to: "big")
        var calls: [GRPCCall] = []
        for _ in 0..<6 {
            let call = try await client.begin("ModelInfer")
            try await call.send(message, end: true)
            calls.append(call)
        }
        // The first two fit, and come when the client opens its window.
        for call in calls[2...] {
            #expect(try await call.ended().reset == .enhanceYourCalm)
        }
        for call in calls[..<2] {
            try await client.widen(call, by: 200_000)
            let reply = try await call.ended()
            #expect(try reply.echoed()?.count == 100_000)
            #expect(reply.status == 0)
        }
        await fixture.end()
    }

    @Test("When unfinished messages fill the byte budget, one is refused and the rest goes on")
    func budget() async throws {
        let fixture = try await FrontFixture {
            $0.maxRequestBytes = 1 << 20
            $0.roomTimeout = .milliseconds(20)
        }
        let client = try await fixture.client()
        let bytes = [UInt8](repeating: 5, count: 8 << 20)
        let message = try FrontFixture.request(bytes, to: "big")
        let refused = try await client.call("ModelInfer", message)
        #expect(refused.status == StatusCode.resourceExhausted.rawValue)
        let small = try await client.call("ModelInfer", try FrontFixture.request([1, 1, 1, 1]))
        #expect(small.status == 0)
        await fixture.end()
    }

    @Test("A request that does not arrive whole in time is ended")
    func tooSlow() async throws {
        let fixture = try await FrontFixture { $0.requestTimeout = .milliseconds(40) }
        let client = try await fixture.client()
        let call = try await client.begin("ModelInfer")
        try await call.send(raw: [0, 0, 0])
        #expect(try await call.ended().status == StatusCode.deadlineExceeded.rawValue)
        await fixture.end()
    }

    @Test("A client that opens no stream is sent away when it has been idle for too long")
    func idle() async throws {
        let fixture = try await FrontFixture { $0.maxIdle = .milliseconds(20) }
        let client = try await fixture.client()
        try await client.closed()
        await fixture.end()
    }

    @Test("A client that takes no byte off its socket is cut off")
    func deafClient() async throws {
        let fixture = try await FrontFixture { $0.writeTimeout = .milliseconds(100) }
        let client = try await fixture.client()
        let call = try await client.begin("ModelInfer")
        let bytes = [UInt8](repeating: 1, count: 32 << 20)
        try await call.send(try FrontFixture.request(bytes, to: "gated"), end: true)
        await fixture.gate.blocked(atLeast: 1)
        try await client.stopReading()
        fixture.gate.open()
        while fixture.front.connectionCount > 0 { await Task.yield() }
        try await client.close()
        await fixture.end()
    }

    @Test("On shutting down, what runs is finished, then the connection ends")
    func drain() async throws {
        let fixture = try await FrontFixture()
        let client = try await fixture.client()
        let call = try await client.begin("ModelInfer")
        try await call.send(try FrontFixture.request([4, 3, 2, 1], to: "gated"), end: true)
        await fixture.gate.blocked(atLeast: 1)
        async let ended: Void = fixture.front.shutDown(patience: .seconds(60))
        fixture.gate.open()
        #expect(try await call.ended().echoed() == [4, 3, 2, 1])
        try await client.closed()
        await ended
        #expect(fixture.front.connectionCount == 0)
        await fixture.end()
    }

    @Test("Connections beyond the limit are closed at once, the others live")
    func connectionLimit() async throws {
        let fixture = try await FrontFixture { $0.maxConnections = 1 }
        let first = try await fixture.client()
        #expect(try await first.call("ServerLive", []).status == 0)
        let second = try await fixture.client()
        try await second.closed()
        #expect(try await first.call("ServerLive", []).status == 0)
        await fixture.end()
    }

    @Test("A port that is taken gives one line that says so")
    func takenPort() async throws {
        let fixture = try await FrontFixture()
        let port = try #require(fixture.front.address.port)
        let error = await #expect(throws: GRPCFrontError.self) {
            _ = try await FrontFixture { $0.port = port }
        }
        #expect(error?.description.contains("\(port)") == true)
        await fixture.end()
    }
}
