import Glibc
import LoadGenerator
import NIOCore
import NIOHTTP1
import NIOPosix
import ServingDomain
import Synchronization
import Testing
import Workloads

@Suite("Loads over HTTP", .timeLimit(.minutes(2)))
struct LoadOverHTTPTests {
    private func load(
        _ url: String,
        _ process: ArrivalProcess,
        duration: TimeSpan = .seconds(60),
        priority: UInt64 = 0,
        timeout: TimeSpan? = nil
    ) -> LoadConfiguration {
        var configuration = LoadConfiguration(
            url: url,
            models: [
                ModelLoad(name: "tiny", process: process, priority: priority, timeout: timeout)
            ],
            duration: duration
        )
        configuration.warmUp = .zero
        return configuration
    }

    @Test("Every status lands in its outcome, errors keep their first reason")
    func outcomes() async throws {
        let server = try await ScriptedServer.start { number in
            switch number % 8 {
            case 0: .reply(.ok)
            case 1: .reply(.ok, headers: [("Sluice-Late", "1")])
            case 2: .reply(.gatewayTimeout, body: #"{"error":"deadline"}"#)
            case 3: .reply(.tooManyRequests, body: #"{"error":"full \#(number)"}"#)
            case 4: .reply(.serviceUnavailable)
            case 5: .reply(.internalServerError, body: "not json")
            case 6: .reply(.badRequest)
            default: .reply(.custom(code: 499, reasonPhrase: "gone"))
            }
        }
        var configuration = load(server.url, .closed(concurrency: 1))
        configuration.requestLimit = 80
        let report = try await LoadRunner(configuration).run()
        await server.stop()
        let line = report.total
        #expect(line.submitted == 80)
        #expect([line.served, line.late, line.dropped, line.cancelled] == [10, 10, 10, 10])
        #expect(line.refused == 20 && line.failed == 20 && line.notSent == 0)
        #expect(abs(line.violationPercent - 100 * 60 / 70) < 1e-9)
        let first = line.errors.first { $0.kind == "HTTP 429" }
        #expect(first?.count == 10 && first?.first == "full 3")
        #expect(line.errors.first { $0.kind == "HTTP 500" }?.first == "not json")
        #expect(report.models.count == 1 && report.models[0].model == "tiny")
    }

    @Test("While a server stalls, the requests that were due count from when they were due")
    func coordinatedOmission() async throws {
        let server = try await ScriptedServer.start { $0 == 0 ? .hold : .reply(.ok) }
        var configuration = load(
            server.url,
            .uniform(rate: 200),
            duration: .milliseconds(700)
        )
        configuration.connections = 1
        let report = try await LoadRunner(configuration).run { progress in
            if progress.inFlight >= 80 { server.release() }
        }
        await server.stop()
        // The stall ended when 80 requests were due at the earliest, 5 ms apart: the first had
        // waited 395 ms by then, the next 390 and so on. A generator that counts from the moment
        // of sending would report one slow request.
        #expect(report.total.served == report.total.submitted && report.total.submitted > 80)
        let latency = report.total.latencyMs
        #expect((latency.max ?? 0) >= 395)
        #expect((latency.p50 ?? 0) >= 100)
        #expect(report.total.notSent == 0)
    }

    @Test("A closed loop keeps exactly as many requests out as it has clients")
    func closedLoop() async throws {
        let server = try await ScriptedServer.start { number in number < 7 ? .hold : .reply(.ok) }
        var configuration = load(server.url, .closed(concurrency: 7))
        configuration.requestLimit = 500
        let report = try await LoadRunner(configuration).run { _ in
            if server.snapshot.held.count == 7 { server.release() }
        }
        await server.stop()
        #expect(server.snapshot.count == 500 && report.total.served == 500)
        #expect(server.snapshot.mostOutstanding == 7)
    }

    @Test("What exceeds the bound in flight is not sent, and reported")
    func bounded() async throws {
        let server = try await ScriptedServer.start { _ in .hold }
        var configuration = load(
            server.url,
            .uniform(rate: 400),
            duration: .milliseconds(500)
        )
        configuration.maxInFlight = 4
        let report = try await LoadRunner(configuration).run { progress in
            if progress.elapsed >= progress.length { server.release() }
        }
        await server.stop()
        #expect(server.snapshot.mostOutstanding == 4)
        #expect(report.total.submitted == 4 && report.total.served == 4)
        #expect(report.total.notSent == 195)
        #expect(report.text().contains("195 requests were not sent"))
    }

    @Test("A server that never answers leaves failed requests, whose wait is in the latencies")
    func noAnswer() async throws {
        let server = try await ScriptedServer.start { _ in .hold }
        var configuration = load(
            server.url,
            .uniform(rate: 100),
            duration: .milliseconds(100)
        )
        configuration.drain = .milliseconds(50)
        let report = try await LoadRunner(configuration).run()
        await server.stop()
        #expect(report.total.submitted == 9 && report.total.failed == 9)
        #expect(report.total.errors.first?.kind == "no answer")
        #expect((report.total.latencyMs.max ?? 0) >= 50)
    }

    @Test("A connection that breaks costs its request only; the load goes on over a new one")
    func hangUps() async throws {
        let server = try await ScriptedServer.start { $0 % 10 == 9 ? .hangUp : .reply(.ok) }
        var configuration = load(server.url, .uniform(rate: 200), duration: .seconds(1))
        configuration.connections = 2
        let report = try await LoadRunner(configuration).run()
        await server.stop()
        #expect(report.total.submitted == 199)
        #expect(report.total.served + report.total.failed == 199)
        #expect(report.total.served >= 150 && report.total.failed >= 5)
    }

    @Test("A server that closes after every answer costs connections, not requests")
    func noKeepAlive() async throws {
        let server = try await ScriptedServer.start { _ in
            .reply(.ok, headers: [("Connection", "close")])
        }
        var configuration = load(server.url, .closed(concurrency: 3))
        configuration.requestLimit = 60
        let report = try await LoadRunner(configuration).run()
        await server.stop()
        #expect(report.total.served == 60 && report.total.failed == 0)
    }

    @Test("The warm-up is sent and not counted")
    func warmUp() async throws {
        let server = try await ScriptedServer.start { _ in .reply(.ok) }
        var configuration = load(
            server.url,
            .uniform(rate: 100),
            duration: .milliseconds(200)
        )
        configuration.warmUp = .milliseconds(300)
        let report = try await LoadRunner(configuration).run()
        await server.stop()
        #expect(server.snapshot.count == 49 && report.total.served == 20)
        #expect(report.durationS == 0.2 && report.total.goodput == 100)
    }

    @Test("Cancelling the task ends the load early, with a report of what was sent")
    func cancel() async throws {
        let server = try await ScriptedServer.start { _ in .reply(.ok) }
        let configuration = load(
            server.url,
            .closed(concurrency: 1),
            duration: .seconds(36_000)
        )
        let (seen, signal) = AsyncStream.makeStream(of: Void.self)
        let run = Task {
            try await LoadRunner(configuration).run { progress in
                if progress.answered > 0 { signal.yield() }
            }
        }
        for await _ in seen { break }
        run.cancel()
        let report = try await run.value
        await server.stop()
        #expect(report.total.served == report.total.submitted && report.total.served > 0)
        #expect(report.durationS < 36_000)
    }

    @Test("Cancelling while a server holds every answer still ends the load")
    func cancelStalled() async throws {
        let server = try await ScriptedServer.start { _ in .hold }
        let configuration = load(
            server.url,
            .closed(concurrency: 2),
            duration: .seconds(36_000)
        )
        let (seen, signal) = AsyncStream.makeStream(of: Void.self)
        let run = Task {
            try await LoadRunner(configuration).run { progress in
                if progress.inFlight == 2 { signal.yield() }
            }
        }
        for await _ in seen { break }
        run.cancel()
        let report = try await run.value
        await server.stop()
        #expect(report.total.submitted == 2 && report.total.failed == 2)
    }

    @Test("Nobody there, unknown models and bad words are one clear line")
    func errors() async throws {
        let probe = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        let port = probe.localAddress?.port ?? 0
        try await probe.close()
        let nobody = load("127.0.0.1:\(port)", .poisson(rate: 1))
        let error = await #expect(throws: LoadError.self) { try await LoadRunner(nobody).run() }
        #expect(error?.message.contains("connection refused; is the server running?") == true)
        var noEnd = load("127.0.0.1:1", .poisson(rate: 1))
        noEnd.duration = nil
        let other = await #expect(throws: LoadError.self) { try await LoadRunner(noEnd).run() }
        #expect(other?.message.contains("--duration") == true)
    }

    @Test("A request names its priority and timeout, and its bytes are as long as it says")
    func requestBytes() async throws {
        let server = try await ScriptedServer.start { _ in .reply(.ok) }
        for payload in LoadConfiguration.Payload.allCases {
            var configuration = load(
                server.url,
                .closed(concurrency: 1),
                priority: 1,
                timeout: .milliseconds(25)
            )
            configuration.requestLimit = 1
            configuration.payload = payload
            configuration.shapes = ["x": [3, 4]]
            configuration.data = .zero
            _ = try await LoadRunner(configuration).run()
            let (body, head) = (server.snapshot.lastBody, server.snapshot.lastHead)
            #expect(head?.uri == "/v2/models/tiny/infer")
            let length = head?.headers.first(name: "Inference-Header-Content-Length").flatMap(
                Int.init
            )
            let text = String(decoding: body.prefix(length ?? body.count), as: UTF8.self)
            #expect(text.contains(#""shape":[3,4],"datatype":"FP32""#))
            #expect(text.contains(#""priority":1,"timeout":25000"#))
            switch payload {
            case .binary: #expect(body.count == (length ?? 0) + 48)
            case .json: #expect(text.contains(#""data":[0.0,0.0,"#) && length == nil)
            case .shared:
                #expect(text.contains(#""shared_memory_offset":0,"shared_memory_byte_size":48"#))
                let asked = server.snapshot.memory
                let words: [String] = asked.map(\.word)
                #expect(words == ["register", "unregister"])
                let key = String(asked[0].body.split(separator: "\"")[3].dropFirst())
                #expect(text.contains(#""shared_memory_region":"\#(key)""#))
                #expect(access("/dev/shm/\(key)", F_OK) != 0, "it is taken away")
            }
        }
        await server.stop()
    }

    @Test("An objective that the server does not know is judged here")
    func objective() async throws {
        let server = try await ScriptedServer.start { _ in .hold }
        var configuration = load(server.url, .trace([.zero, .zero, .zero]))
        configuration.duration = nil
        configuration.models[0].objective = .milliseconds(1)
        let report = try await LoadRunner(configuration).run { progress in
            if progress.inFlight == 3, server.snapshot.held.count == 3 { server.release() }
        }
        await server.stop()
        #expect(report.total.late == 3 && report.total.served == 0)
        #expect(report.total.violationPercent == 100)
    }
}
