import EngineEmulated
import ServerCore
import ServingDomain
import Testing

@testable import ServerRuntime

/// Models that come, change and go while others are served.
@Suite(.timeLimit(.minutes(2))) struct LoadingTests {
    @Test("A reload under traffic fails no request and ends at the new version")
    func reload() async throws {
        let fixture = try await RuntimeFixture([(RuntimeFixture.echo(), EmulatedModel())])
        let traffic = Task {
            var sent = 0
            repeat {
                let (exchange, _) = try fixture.send(UInt8(sent % 251))
                guard case .completed = await exchange.ended() else {
                    Issue.record("request \(sent) was lost: \(await exchange.ended())")
                    break
                }
                #expect(exchange.output == Array(repeating: UInt8(sent % 251), count: 64))
                sent += 1
            } while !Task.isCancelled
            return sent
        }
        for version in Int64(2)...6 {
            fixture.source.set(RuntimeFixture.echo(version: version))
            try await fixture.runtime.load("echo", override: nil)
            #expect(
                try fixture.runtime.servable(named: "echo", version: nil).spec.version == version
            )
        }
        traffic.cancel()
        #expect(try await traffic.value > 0)
        #expect(throws: LookupFailure.self) {
            try fixture.runtime.servable(named: "echo", version: 1)
        }
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("A seat whose instance is stopped before it was called warm is gone all the same")
    func earlyStop() throws {
        let seat = try RuntimeFixture.seat()
        #expect(seat.instanceStarts() == 0)
        #expect(seat.instanceStarts() == 1)
        #expect(!seat.instanceIsReady())
        seat.retire()
        // Both lanes end; of the second one nobody has said yet that it is warm.
        seat.instanceStopped(InstanceID(0))
        seat.instanceStopped(InstanceID(1))
        #expect(!seat.isGone)
        #expect(seat.instanceIsReady())
        #expect(seat.isGone)
    }

    @Test("An unload finishes what waits, and the model can be loaded again")
    func unload() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture(
            [(RuntimeFixture.echo(maxBatch: 1), EmulatedModel(control: control))]
        )
        control.close()
        let sent = try (1...3).map { try fixture.send(UInt8($0)).exchange }
        await control.blocked(atLeast: 1)
        try await fixture.runtime.unload("echo")
        #expect(throws: LookupFailure.self) {
            try fixture.runtime.servable(named: "echo", version: nil)
        }
        control.open()
        for exchange in sent {
            #expect(await exchange.ended().isServed)
        }
        try await fixture.runtime.load("echo", override: nil)
        let (again, _) = try fixture.send(9)
        guard case .completed = await again.ended() else {
            Issue.record("the model should answer again")
            return
        }
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("A request whose model was loaded anew twice while its body came is served all the same")
    func slowUpload() async throws {
        let fixture = try await RuntimeFixture([(RuntimeFixture.echo(), EmulatedModel())])
        let first = try fixture.runtime.servable(named: "echo", version: nil)
        for version in Int64(2)...3 {
            fixture.source.set(RuntimeFixture.echo(version: version))
            try await fixture.runtime.load("echo", override: nil)
        }
        await fixture.runtime.isGone(first)
        let (exchange, _) = fixture.send(7, to: first)
        #expect(await exchange.ended().isServed)
        #expect(exchange.output == Array(repeating: 7, count: 64))
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("A request for a model that has gone never reaches the model that has its number now")
    func reusedNumber() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture([
            (RuntimeFixture.echo(), EmulatedModel()),
            (RuntimeFixture.echo("next"), EmulatedModel(control: control)),
        ]) { configuration in
            configuration.control = .explicit(["echo"])
            configuration.core.limits.models = 1
        }
        let gone = try fixture.runtime.servable(named: "echo", version: nil)
        try await fixture.runtime.unload("echo")
        await fixture.runtime.isGone(gone)
        try await fixture.runtime.load("next", override: nil)
        let next = try fixture.runtime.servable(named: "next", version: nil)
        #expect(next.id == gone.id)
        let warm = control.endedCount
        let (exchange, _) = fixture.send(7, to: gone)
        #expect(await exchange.ended() == .refused(.unloading))
        #expect(control.endedCount == warm)
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("A model that can't be warmed is unavailable with its reason; others are served")
    func brokenModel() async throws {
        let control = EmulatedControl()
        control.set(EmulatedFaults(warm: true))
        let fixture = try await RuntimeFixture(
            [
                (RuntimeFixture.echo(), EmulatedModel()),
                (RuntimeFixture.echo("broken"), EmulatedModel(control: control)),
            ]
        )
        let index = fixture.runtime.index(readyOnly: false)
        #expect(index.map(\.name) == ["broken", "echo"])
        #expect(index.map(\.state) == [.unavailable, .ready])
        #expect(index[0].reason.contains("emulated fault"))
        #expect(!fixture.runtime.isReady)
        let (exchange, _) = try fixture.send(1)
        guard case .completed = await exchange.ended() else {
            Issue.record("the other model should be served")
            return
        }
        await #expect(throws: SourceError.self) {
            try await fixture.runtime.load("missing", override: nil)
        }
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("While the server drains, what is here is finished and what comes is refused")
    func drain() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture(
            [(RuntimeFixture.echo(maxBatch: 1), EmulatedModel(control: control))]
        )
        let servable = try fixture.runtime.servable(named: "echo", version: nil)
        control.close()
        let sent = try (1...2).map { try fixture.send(UInt8($0)).exchange }
        await control.blocked(atLeast: 1)
        let runtime = fixture.runtime
        let end = Task { await runtime.shutDown(patience: .seconds(30)) }
        // Until the drain has reached the core, requests are still admitted behind the others.
        var refusal: Ending?
        while refusal == nil {
            let exchange = TestExchange(Array(repeating: 9, count: 64))
            let ticket = Ticket(
                items: 1,
                shapes: InputShapes([[16]]),
                timeout: .milliseconds(1),
                arrival: ServingRuntime.now()
            )
            runtime.submit(exchange, to: servable, ticket)
            let ending = await exchange.ended()
            if case .refused(let reason) = ending, reason != .hopeless { refusal = ending }
        }
        #expect(refusal == .refused(.draining))
        control.open()
        for exchange in sent {
            guard case .completed = await exchange.ended() else {
                Issue.record("a request that was here should have been finished")
                continue
            }
        }
        #expect(await end.value == 0)
    }
}

extension ServingRuntime {
    /// Waits until the last instance of a version has ended and its number is free.
    fileprivate func isGone(_ servable: Servable) async {
        while registry.seat(servable.id)?.servable === servable { await Task.yield() }
    }
}
