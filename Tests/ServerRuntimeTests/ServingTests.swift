import EngineEmulated
import ServerRuntime
import ServingDomain
import Testing

/// Requests through the whole runtime, over the emulated engine.
@Suite(.timeLimit(.minutes(2))) struct ServingTests {
    @Test("Every client of a shared batch gets its own rows back, once")
    func rows() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture(
            [(RuntimeFixture.echo(), EmulatedModel(control: control))],
            policy: "fifo"
        )
        let warmRuns = control.endedCount
        control.close()
        var sent: [TestExchange] = [try fixture.send(1).exchange]
        await control.blocked(atLeast: 1)
        for value in 2...6 {
            sent.append(try fixture.send(UInt8(value), items: value == 4 ? 2 : 1).exchange)
        }
        control.open()
        for (place, exchange) in sent.enumerated() {
            #expect(await exchange.ended().isServed)
            let items = place == 3 ? 2 : 1
            #expect(exchange.output == Array(repeating: UInt8(place + 1), count: 64 * items))
            #expect(exchange.shape == [Int64(items), 16])
            #expect(exchange.endings == 1)
        }
        #expect(control.runs.dropFirst(warmRuns).map(\.items) == [1, 6])
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("A result after the model's objective is late, yet it is delivered")
    func late() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture(
            [
                (
                    RuntimeFixture.echo(slo: .milliseconds(200)),
                    EmulatedModel(control: control)
                )
            ]
        )
        control.close()
        let (exchange, _) = try fixture.send(7)
        await control.blocked(atLeast: 1)
        // The next request expires in the queue behind it: proof that the objective has passed.
        let (waiting, _) = try fixture.send(8)
        let lost = await waiting.ended()
        #expect(lost == .dropped(.expired) || lost == .dropped(.hopeless))
        control.open()
        guard case .completed(late: true, _) = await exchange.ended() else {
            Issue.record("the first request should have been late")
            return
        }
        #expect(exchange.output == Array(repeating: 7, count: 64))
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("The timer answers a running request whose own timeout has passed, and stops its batch")
    func timeout() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture(
            [(RuntimeFixture.echo(), EmulatedModel(control: control))]
        )
        let warmRuns = control.endedCount
        control.close()
        let (exchange, _) = try fixture.send(1, timeout: .milliseconds(100))
        #expect(await exchange.ended() == .timedOut)
        // Nobody waits for the batch any more: it is terminated although the gate is closed.
        await control.ended(atLeast: warmRuns + 1)
        #expect(control.runs.last == EmulatedControl.Run(items: 1, succeeded: false))
        control.open()
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("A client that goes away frees its place, waiting or running")
    func cancel() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture(
            [(RuntimeFixture.echo(maxBatch: 1), EmulatedModel(control: control))]
        )
        control.close()
        let running = try fixture.send(1)
        await control.blocked(atLeast: 1)
        let waiting = try fixture.send(2)
        for request in [waiting, running] {
            if let id = request.request { fixture.runtime.cancel(id) }
            #expect(await request.exchange.ended() == .cancelled)
        }
        control.open()
        let (last, _) = try fixture.send(3)
        #expect(await last.ended().isServed)
        #expect(running.exchange.endings == 1)
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("A full queue refuses at once and says why")
    func queueFull() async throws {
        let control = EmulatedControl()
        let queue = QueueRules(
            timeoutAction: .reject,
            timeout: nil,
            allowsOverride: false,
            maxSize: 2
        )
        let fixture = try await RuntimeFixture(
            [(RuntimeFixture.echo(maxBatch: 1, queue: queue), EmulatedModel(control: control))]
        )
        control.close()
        let running = try fixture.send(1)
        await control.blocked(atLeast: 1)
        let waiting = [try fixture.send(2), try fixture.send(3)]
        let refused = try fixture.send(4)
        #expect(await refused.exchange.ended() == .refused(.queueFull))
        control.open()
        for request in [running] + waiting {
            #expect(await request.exchange.ended().isServed)
        }
        let text = String(decoding: fixture.runtime.metricsText(), as: UTF8.self)
        #expect(
            text.contains(
                "nv_inference_request_failure{model=\"echo\",version=\"1\",reason=\"REJECTED\"} 1"
            )
        )
        #expect(text.contains("nv_inference_request_success{model=\"echo\",version=\"1\"} 3"))
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("An engine's failure reaches exactly the clients of that batch")
    func failure() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture(
            [(RuntimeFixture.echo(), EmulatedModel(control: control))]
        )
        control.failNext()
        let (failed, _) = try fixture.send(1)
        guard case .failed(let message) = await failed.ended() else {
            Issue.record("the request should have failed")
            return
        }
        #expect(message.contains("emulated fault"))
        let (next, _) = try fixture.send(2)
        guard case .completed = await next.ended() else {
            Issue.record("the next request should have been served")
            return
        }
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("Short batches may run on the submitting thread, with the same results")
    func inline() async throws {
        let fixture = try await RuntimeFixture([(RuntimeFixture.echo(), EmulatedModel())]) {
            $0.inlineBelow = .milliseconds(10)
        }
        for value in 1...20 {
            let (exchange, _) = try fixture.send(UInt8(value))
            guard case .completed = await exchange.ended() else {
                Issue.record("request \(value) was not served")
                continue
            }
            #expect(exchange.output == Array(repeating: UInt8(value), count: 64))
        }
        await fixture.runtime.shutDown(patience: .seconds(10))
    }
}
