import EngineEmulated
import ServerRuntime
import ServingDomain
import Testing

/// Ensembles: requests that walk through several models.
@Suite(.timeLimit(.minutes(2))) struct EnsembleTests {
    typealias Binding = EnsembleDefinition.Binding

    private static func step(
        _ model: String,
        _ input: String,
        _ output: String
    ) -> EnsembleDefinition.Step {
        EnsembleDefinition.Step(
            model: model,
            version: nil,
            inputs: [Binding(port: "INPUT", tensor: input)],
            outputs: [Binding(port: "OUTPUT", tensor: output)]
        )
    }

    private static func ensemble(
        _ steps: [EnsembleDefinition.Step],
        slo: TimeSpan? = nil,
        name: String = "whole"
    ) -> (definition: ModelDefinition, emulation: EmulatedModel) {
        var definition = RuntimeFixture.echo(name, slo: slo)
        definition.ensemble = EnsembleDefinition(steps: steps)
        return (definition, EmulatedModel())
    }

    private static func echo(
        _ name: String,
        _ control: EmulatedControl = EmulatedControl()
    ) -> (definition: ModelDefinition, emulation: EmulatedModel) {
        (RuntimeFixture.echo(name), EmulatedModel(control: control))
    }

    @Test("A chain hands its tensors on and answers once, with the batch that came")
    func chain() async throws {
        let fixture = try await RuntimeFixture([
            Self.ensemble([
                Self.step("second", "between", "OUTPUT"), Self.step("first", "INPUT", "between"),
            ]),
            Self.echo("first"), Self.echo("second"),
        ])
        let (exchange, _) = try fixture.send(9, to: "whole", items: 3)
        #expect(await exchange.ended().isServed)
        #expect(exchange.output == Array(repeating: 9, count: 64 * 3))
        #expect(exchange.shape == [3, 16])
        #expect(exchange.endings == 1)
        let counted = try fixture.runtime.servable(named: "whole", version: nil).statistics
        #expect(counted.snapshot().inferences == 3)
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("A lost step ends the whole at once and cancels its siblings")
    func siblings() async throws {
        let (slow, broken) = (EmulatedControl(), EmulatedControl())
        let fixture = try await RuntimeFixture([
            Self.ensemble([
                Self.step("slow", "INPUT", "left"), Self.step("broken", "INPUT", "right"),
                Self.step("last", "left", "OUTPUT"),
            ]),
            Self.echo("slow", slow), Self.echo("broken", broken), Self.echo("last"),
        ])
        let warm = slow.endedCount
        slow.close()
        broken.close()
        broken.failNext()
        let (exchange, _) = try fixture.send(1, to: "whole")
        await slow.blocked(atLeast: 1)
        await broken.blocked(atLeast: 1)
        broken.open()
        guard case .failed = await exchange.ended() else {
            Issue.record("the ensemble should have failed")
            return
        }
        // Nobody waits for the sibling any more: it is stopped although its gate is closed.
        await slow.ended(atLeast: warm + 1)
        #expect(slow.runs.last?.succeeded == false)
        #expect(exchange.endings == 1)
        slow.open()
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("A client that goes away stops the step that runs, and no further one begins")
    func cancelled() async throws {
        let (first, second) = (EmulatedControl(), EmulatedControl())
        let fixture = try await RuntimeFixture([
            Self.ensemble([
                Self.step("first", "INPUT", "between"), Self.step("second", "between", "OUTPUT"),
            ]),
            Self.echo("first", first), Self.echo("second", second),
        ])
        let (warm, warmSecond) = (first.endedCount, second.endedCount)
        first.close()
        let (exchange, request) = try fixture.send(1, to: "whole")
        await first.blocked(atLeast: 1)
        fixture.runtime.cancel(try #require(request))
        #expect(await exchange.ended() == .cancelled)
        await first.ended(atLeast: warm + 1)
        first.open()
        // A second cancel of the same name finds nothing.
        fixture.runtime.cancel(try #require(request))
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
        #expect(second.endedCount == warmSecond)
        #expect(exchange.endings == 1)
    }

    @Test("The objective of the whole is what its steps are held to")
    func deadline() async throws {
        let control = EmulatedControl()
        let fixture = try await RuntimeFixture([
            Self.ensemble(
                [Self.step("first", "INPUT", "between"), Self.step("second", "between", "OUTPUT")],
                slo: .milliseconds(100)
            ),
            Self.echo("first", control), Self.echo("second"),
        ])
        control.close()
        let (holding, _) = try fixture.send(1, to: "first")
        await control.blocked(atLeast: 1)
        // The first step waits behind it, beyond the objective of the whole.
        let (exchange, _) = try fixture.send(2, to: "whole")
        let ending = await exchange.ended()
        #expect(ending == .dropped(.expired) || ending == .dropped(.hopeless))
        control.open()
        #expect(await holding.ended().isServed)
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("An ensemble that can't be wired says why, and the others are served")
    func wrong() async throws {
        let fixture = try await RuntimeFixture([
            Self.ensemble([Self.step("echo", "nowhere", "OUTPUT")], name: "unfed"),
            Self.ensemble([Self.step("echo", "INPUT", "INPUT")], name: "twice"),
            Self.ensemble([Self.step("loop", "INPUT", "OUTPUT")], name: "loop"),
            Self.ensemble([Self.step("absent", "INPUT", "OUTPUT")], name: "lacking"),
            Self.echo("echo"),
        ])
        let reasons = Dictionary(
            uniqueKeysWithValues: fixture.runtime.index(readyOnly: false).map {
                ($0.name, $0.reason)
            }
        )
        #expect(reasons["unfed"]?.contains("nothing before it gives tensor 'nowhere'") == true)
        #expect(reasons["twice"]?.contains("'INPUT' twice") == true)
        #expect(reasons["loop"]?.contains("calls itself: loop -> loop") == true)
        #expect(reasons["lacking"]?.contains("no model 'absent'") == true)
        let (exchange, _) = try fixture.send(4)
        #expect(await exchange.ended().isServed)
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("An ensemble is as ready as its steps, and takes them with it when told to")
    func readiness() async throws {
        let fixture = try await RuntimeFixture([
            Self.ensemble([Self.step("first", "INPUT", "OUTPUT")]), Self.echo("first"),
        ])
        try await fixture.runtime.unload("first")
        #expect(throws: LookupFailure.self) {
            try fixture.runtime.servable(named: "whole", version: nil)
        }
        try await fixture.runtime.load("first", override: nil)
        let (exchange, _) = try fixture.send(5, to: "whole")
        #expect(await exchange.ended().isServed)
        try await fixture.runtime.unload("whole", dependents: true)
        #expect(throws: LookupFailure.self) {
            try fixture.runtime.servable(named: "first", version: nil)
        }
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }
}
