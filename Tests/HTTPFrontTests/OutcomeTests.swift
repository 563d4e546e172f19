import EngineEmulated
import HTTPFront
import OpenInference
import ServerRuntime
import ServingDomain
import Testing

@Suite("Outcomes and their codes")
struct OutcomeTests {
    private let infer = "/v2/models/echo/infer"

    @Test("A request whose time is up while it runs or waits is answered 504 by the timer.")
    func answersTimeouts() async throws {
        let model = TestModel.echo()
        try await withServer([model]) { server in
            model.control.close()
            let running = try await untilItRuns(on: server, model)
            defer { running.close() }
            let waiting = try await server.ask(
                "POST",
                infer,
                body: echoJSON(parameters: #"{"timeout":100000}"#)
            )
            #expect(waiting.status == 504)
            let late = try await running.reply()
            #expect(late.status == 504)
            #expect(late.text.hasPrefix(#"{"error":""#))
            model.control.open()
            let again = try await server.ask("POST", infer, body: echoJSON())
            #expect(again.status == 200)
        }
    }

    /// Sends a request whose time is up while it runs. On a busy machine that may be before it
    /// runs; then the next one gets four times as long.
    private func untilItRuns(on server: TestServer, _ model: TestModel) async throws -> RawClient {
        for milliseconds in [500, 2_000, 8_000, 32_000] {
            let client = try await server.connect()
            let parameters = #"{"timeout":\#(milliseconds * 1_000)}"#
            try await client.send(request("POST", infer, body: echoJSON(parameters: parameters)))
            let end = ContinuousClock.now + .milliseconds(milliseconds)
            while model.control.blockedCount == 0, ContinuousClock.now < end { await Task.yield() }
            if model.control.blockedCount > 0 { return client }
            #expect(try await client.reply().status == 504)
            client.close()
        }
        return try #require(nil as RawClient?, "no request ran within 32 s")
    }

    @Test("When the last device is lost: 500 for who ran, then 503, both with the reason.")
    func saysThatNoDeviceIsLeft() async throws {
        let model = TestModel.echo()
        try await withServer([model]) { server in
            model.control.set(EmulatedFaults(lost: DeviceID(0)))
            let ran = try await server.ask("POST", infer, body: echoJSON())
            #expect(ran.status == 500)
            #expect(ran.text.contains("is lost; restart the server"))
            // The lane answers first and reports the loss then.
            let end = ContinuousClock.now + .seconds(30)
            while try await server.ask("GET", "/v2/health/ready").status == 200 {
                try #require(ContinuousClock.now < end, "the server still calls itself ready")
            }
            let later = try await server.ask("POST", infer, body: echoJSON())
            #expect(later.status == 503)
            #expect(later.text.contains("no device is left to run models"))
            #expect(later.text.contains("restart the server"))
        }
    }

    @Test("With Triton's codes the same is 503.")
    func answersLikeTriton() async throws {
        let model = TestModel.echo()
        try await withServer([model], front: { $0.tritonCompatErrors = true }) { server in
            model.control.close()
            let reply = try await server.ask(
                "POST",
                infer,
                body: echoJSON(parameters: #"{"timeout":50000}"#)
            )
            #expect(reply.status == 503)
            let malformed = try await server.ask("POST", infer, body: Array("{".utf8))
            #expect(malformed.status == 500)
        }
    }

    @Test("A full queue is 429 with Retry-After, 503 in Triton's codes.")
    func refusesBeyondBound() async throws {
        var rules = QueueRules.standard
        rules.maxSize = 1
        for compat in [false, true] {
            let model = TestModel.echo(queue: rules)
            try await withServer(
                [model],
                policy: "fifo",
                front: { $0.tritonCompatErrors = compat }
            ) { server in
                model.control.close()
                var clients: [RawClient] = []
                // One runs, one waits; which of the rest is refused is not for us to say.
                for _ in 0..<2 {
                    let client = try await server.connect()
                    try await client.send(request("POST", infer, body: echoJSON()))
                    clients.append(client)
                    if clients.count == 1 { await model.control.blocked(atLeast: 1) }
                }
                var reply: RawReply
                repeat {
                    // The second may still be on its way in; sooner or later one is too many.
                    let client = try await server.connect()
                    try await client.send(
                        request("POST", infer, body: echoJSON(parameters: #"{"timeout":200000}"#))
                    )
                    reply = try await client.reply()
                    client.close()
                } while reply.status == 504
                #expect(reply.status == (compat ? 503 : 429))
                #expect(reply["Retry-After"] == "1")
                model.control.open()
                for client in clients {
                    #expect(try await client.reply().status == 200)
                    client.close()
                }
            }
        }
    }

    @Test("A result after the model's objective alone is 200 and says that it is late.")
    func marksLate() async throws {
        let model = TestModel.echo(slo: .milliseconds(60))
        try await withServer([model], policy: "fifo") { server in
            model.control.close()
            let client = try await server.connect()
            defer { client.close() }
            try await client.send(request("POST", infer, body: echoJSON()))
            await model.control.blocked(atLeast: 1)
            // Another request's own timeout passes later, so the objective has passed by then.
            let other = try await server.ask(
                "POST",
                infer,
                body: echoJSON(parameters: #"{"timeout":150000}"#)
            )
            #expect(other.status == 504)
            model.control.open()
            let reply = try await client.reply()
            #expect(reply.status == 200)
            #expect(reply["sluice-late"] == "1")
        }
    }

    @Test("A failing engine is 500 with its line, and the next request is served.")
    func answersFailures() async throws {
        let model = TestModel.echo()
        try await withServer([model]) { server in
            model.control.failNext()
            let failed = try await server.ask("POST", infer, body: echoJSON())
            #expect(failed.status == 500)
            #expect(failed.text.hasPrefix(#"{"error":""#))
            #expect(try await server.ask("POST", infer, body: echoJSON()).status == 200)
        }
    }

    @Test("A client that goes away has its work taken back, waiting or running.")
    func cancels() async throws {
        let model = TestModel.echo()
        try await withServer([model]) { server in
            model.control.close()
            let running = try await server.connect()
            try await running.send(request("POST", infer, body: echoJSON()))
            await model.control.blocked(atLeast: 1)
            running.close()
            // The engine is told to stop: the run ends although the gate stays closed.
            await model.control.ended(atLeast: 1)
            model.control.open()
            #expect(try await server.ask("POST", infer, body: echoJSON()).status == 200)
        }
    }

    @Test("A server that drains is not ready, answers what is here, and closes.")
    func drains() async throws {
        let model = TestModel.echo()
        let server = try await TestServer([model])
        #expect(try await server.ask("GET", "/v2/health/ready").status == 200)
        model.control.close()
        let client = try await server.connect()
        defer { client.close() }
        let idle = try await server.connect()
        defer { idle.close() }
        try await client.send(request("POST", infer, body: echoJSON()))
        await model.control.blocked(atLeast: 1)
        server.runtime.beginDraining()
        let ready = try await server.ask("GET", "/v2/health/ready")
        #expect(ready.status == 503)
        #expect(try await server.ask("GET", "/v2/health/live").status == 200)
        async let cut = server.front.shutDown(gracePeriod: .seconds(20))
        #expect(try await idle.rest().isEmpty)
        model.control.open()
        let reply = try await client.reply()
        #expect(reply.status == 200)
        #expect(reply["Connection"] == "close")
        #expect(await cut == 0)
        try await server.stop()
    }
}
