import EngineEmulated
import ServerCore
import ServerRuntime
import ServingDomain
import Testing

/// Instances that the core orders while requests are served.
@Suite(.timeLimit(.minutes(2))) struct InstanceTests {
    private func fixture(
        _ control: EmulatedControl,
        slo: TimeSpan
    ) async throws -> RuntimeFixture {
        var definition = RuntimeFixture.echo(maxBatch: 1, slo: slo)
        definition.rules.instanceLimit = 3
        // The slowest batch of a window counts, so that a single one can be made to matter.
        definition.rules.percentile = 100
        return try await RuntimeFixture(
            [(definition, EmulatedModel(control: control))],
            policy: "fifo"
        ) { configuration in
            configuration.core.scaler = "dnnscaler:approach=tenancy,poll=10,samples=6"
        }
    }

    /// Sends requests, four at a time, until `isDone`; every one must be served in time.
    private func load(
        _ fixture: RuntimeFixture,
        until isDone: (RuntimeFixture) throws -> Bool
    ) async throws -> Int {
        var served = 0
        repeat {
            let sent = try (0..<4).map { _ in try fixture.send(9).exchange }
            for exchange in sent {
                #expect(await exchange.ended().isServed)
                served += 1
            }
        } while try !isDone(fixture)
        return served
    }

    private func phase(_ fixture: RuntimeFixture) throws -> ScalingStatus.Phase? {
        let servable = try fixture.runtime.servable(named: "echo", version: nil)
        return fixture.runtime.scaling(of: servable).status?.phase
    }

    private func ready(_ fixture: RuntimeFixture) throws -> Int {
        fixture.runtime.scaling(of: try fixture.runtime.servable(named: "echo", version: nil)).ready
    }

    @Test("Instances are added under load without a failed or late request, and run at once")
    func added() async throws {
        let control = EmulatedControl()
        let fixture = try await fixture(control, slo: .seconds(20))
        #expect(try ready(fixture) == 1)
        let served = try await load(fixture) { try ready($0) == 3 }
        #expect(served >= 4)
        // Three launches at once: each of the three instances has one.
        control.close()
        let sent = try (0..<3).map { try fixture.send(UInt8($0 + 1)).exchange }
        await control.blocked(atLeast: 3)
        control.open()
        for (place, exchange) in sent.enumerated() {
            #expect(await exchange.ended().isServed)
            #expect(exchange.output == Array(repeating: UInt8(place + 1), count: 64))
        }
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("An instance is taken away under load without a failed or late request because of it")
    func removed() async throws {
        let control = EmulatedControl()
        // Beside all other tests a thread may wait for its turn for most of a second.
        let slo = TimeSpan.seconds(3)
        let fixture = try await fixture(control, slo: slo)
        // Until the third has been judged: what was launched before does not count.
        _ = try await load(fixture) { try ready($0) == 3 && phase($0) == .settled }
        // One batch is held beyond the objective; only that one is late.
        control.close()
        let held = try fixture.send(1).exchange
        await control.blocked(atLeast: 1)
        let end = ServingRuntime.now() + slo + .milliseconds(10)
        while ServingRuntime.now() < end { try await Task.sleep(for: .milliseconds(5)) }
        control.open()
        guard case .completed(late: true, _) = await held.ended() else {
            Issue.record("the held request should have been late")
            return
        }
        let served = try await load(fixture) { try ready($0) < 3 }
        #expect(served >= 4)
        _ = try await load(fixture) { try ready($0) < 3 }
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("A model that goes while its instances are coming leaves nothing behind")
    func unloaded() async throws {
        let control = EmulatedControl()
        let fixture = try await fixture(control, slo: .seconds(20))
        _ = try await load(fixture) { try ready($0) >= 2 }
        try await fixture.runtime.unload("echo")
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }
}
