import EngineEmulated
import Foundation
import ServerCore
import ServerRuntime
import ServingDomain
import Testing

/// Settings that change while their model serves.
@Suite(.timeLimit(.minutes(2))) struct SettingsTests {
    private static func changed(_ change: (inout ModelSpec) -> Void) -> ModelDefinition {
        var definition = RuntimeFixture.echo(slo: .seconds(20))
        change(&definition.rules)
        definition.configJSON = Array(#"{"changed":true}"#.utf8)
        return definition
    }

    @Test("Another objective, class or limit holds at once, is planned for, and loads nothing")
    func settings() async throws {
        let (control, log, journal) = (EmulatedControl(), LogLines(), JournalFile())
        let definition = RuntimeFixture.echo(slo: .seconds(20))
        let fixture = try await RuntimeFixture(
            [(definition, EmulatedModel(signature: definition.signature, control: control))],
            logger: log.logger
        ) { $0.journalPath = journal.path }
        #expect(await (try fixture.send(1)).exchange.ended().isServed)
        let before = try fixture.runtime.servable(named: "echo", version: nil)
        let runs = control.endedCount
        fixture.source.set(
            Self.changed {
                $0.slo = .seconds(10)
                $0.percentile = 95
                $0.priorities.defaultLevel = 1
                $0.maxBatch = 4
                $0.instanceLimit = 3
            }
        )
        try await fixture.runtime.load("echo", override: nil)
        let after = try fixture.runtime.servable(named: "echo", version: nil)
        #expect(after.id == before.id)
        #expect(after.statistics === before.statistics)
        #expect(after.spec.slo == .seconds(10))
        #expect(after.configJSON == Array(#"{"changed":true}"#.utf8))
        // Nothing was warmed: no run but those of requests.
        #expect(control.endedCount == runs)
        await reached { (try? fixture.planText().contains(#""sloMs":10000"#)) == true }
        #expect(try fixture.planText().contains(#""priority":"high""#))
        #expect(await (try fixture.send(2)).exchange.ended().isServed)
        #expect(
            log.lines.contains {
                $0.contains("slo.latency_ms 20000.0 -> 10000.0")
                    && $0.contains("batch.limit 8 -> 4")
            }
        )
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
        let specs = try journal.replayed().compactMap { event -> ModelSpec? in
            if case .modelChanged(let spec) = event { spec } else { nil }
        }
        #expect(specs.map(\.slo) == [.seconds(10)])
        #expect(specs.first?.priority == .high)
    }

    @Test("What needs other instances is loaded anew: batches beyond the warmed ones, other files")
    func reloads() async throws {
        let definition = RuntimeFixture.echo(slo: .seconds(20))
        let model = EmulatedModel(signature: definition.signature)
        let fixture = try await RuntimeFixture([(definition, model)])
        var last = try fixture.runtime.servable(named: "echo", version: nil).id
        var touched = Self.changed { $0.slo = .seconds(10) }
        touched.versions[0].mark = 7
        let others = [
            Self.changed { $0.maxBatch = 16 }, Self.changed { $0.instances = 2 }, touched, touched,
        ]
        for other in others {
            fixture.source.set(other)
            try await fixture.runtime.load("echo", override: nil)
            let next = try fixture.runtime.servable(named: "echo", version: nil).id
            #expect(next != last)
            last = next
        }
        await fixture.runtime.shutDown(patience: .seconds(10))
    }

    @Test("Under traffic a change of the objective every few requests loses none")
    func traffic() async throws {
        let definition = RuntimeFixture.echo(slo: .seconds(20))
        let model = EmulatedModel(signature: definition.signature)
        let fixture = try await RuntimeFixture([(definition, model)])
        var sent: [TestExchange] = []
        for number in Int64(1)...20 {
            for value in UInt8(0)..<5 { sent.append(try fixture.send(value).exchange) }
            fixture.source.set(Self.changed { $0.slo = .seconds(20 + number) })
            try await fixture.runtime.load("echo", override: nil)
        }
        for exchange in sent {
            #expect(await exchange.ended().isServed)
            #expect(exchange.endings == 1)
        }
        await fixture.runtime.shutDown(patience: .seconds(10))
    }
}

extension RuntimeFixture {
    /// What `GET /v1/plan` says.
    func planText() throws -> String { String(decoding: try runtime.presentPlan(), as: UTF8.self) }
}
