import EngineEmulated
import Foundation
import Logging
import ServerCore
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

/// Engine calls that never come back.
@Suite(.timeLimit(.minutes(2))) struct HungLaneTests {
    @Test("A hung instance is replaced; when its call comes back, nothing of it is used")
    func replaced() async throws {
        let (control, log, journal) = (EmulatedControl(), LogLines(), JournalFile())
        let definition = RuntimeFixture.echo(maxBatch: 1)
        let model = EmulatedModel(signature: definition.signature, control: control)
        let fixture = try await RuntimeFixture([(definition, model)], logger: log.logger) {
            $0.core.limits.watchdogSeconds = 1
            $0.core.limits.graceSeconds = 1
            $0.journalPath = journal.path
        }
        #expect(await (try fixture.send(1)).exchange.ended().isServed)
        control.hangNext()
        let hung = try fixture.send(2).exchange
        await control.hanging(atLeast: 1)
        let waiting = try fixture.send(3).exchange
        guard case .failed = await hung.ended() else {
            Issue.record("a request that hung did not fail")
            return
        }
        #expect(await waiting.ended().isServed)
        #expect(waiting.output.allSatisfy { $0 == 3 })
        let lines = fixture.metrics()
        #expect(lines.contains("sluice_abandoned_instances_total 1.0"))
        #expect(lines.contains("sluice_hung_instances 1.0"))
        #expect(log.lines.count { $0.contains("is given up") && $0.contains("'echo'") } == 1)

        control.comeBack()
        await reached { fixture.metrics().contains("sluice_hung_instances 0.0") }
        #expect(hung.endings == 1)
        #expect(hung.output.isEmpty)
        #expect(log.lines.count { $0.contains("has come back") } == 1)
        #expect(await (try fixture.send(4)).exchange.ended().isServed)
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
        let events = try journal.replayed()
        #expect(events.contains { if case .instanceGone = $0 { true } else { false } })
    }

    @Test("When the last of four hangs, the model is left without, and the log says so")
    func bound() async throws {
        let (control, log) = (EmulatedControl(), LogLines())
        let definition = RuntimeFixture.echo(maxBatch: 1)
        let model = EmulatedModel(signature: definition.signature, control: control)
        let fixture = try await RuntimeFixture([(definition, model)], logger: log.logger) {
            $0.core.limits.watchdogSeconds = 1
            $0.core.limits.graceSeconds = 1
            $0.core.limits.abandonedInstances = 2
        }
        // The warm-up of the next instance must pass, so one at a time.
        for number in 1...2 {
            control.hangNext()
            let hung = try fixture.send(UInt8(number)).exchange
            #expect(!(await hung.ended().isServed))
            await reached {
                fixture.metrics().contains("sluice_abandoned_instances_total \(number).0")
            }
            if number == 1 { await reached { fixture.isServing } }
        }
        await reached { log.lines.contains { $0.contains("no further one is started") } }
        let (late, _) = try fixture.send(9)
        if case .refused(.notReady) = await late.ended() {} else { Issue.record("not refused") }
        control.comeBack()
        await reached { fixture.isServing }
        #expect(await (try fixture.send(4)).exchange.ended().isServed)
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }
}

extension RuntimeFixture {
    /// The lines of `/metrics`.
    func metrics() -> Set<String> {
        let text = String(decoding: runtime.metricsText(), as: UTF8.self)
        return Set(text.split(separator: "\n").map(String.init))
    }

    /// Whether an instance of `echo` can run a batch.
    var isServing: Bool {
        guard let servable = try? runtime.servable(named: "echo", version: nil) else {
            return false
        }
        return runtime.scaling(of: servable).ready > 0
    }
}

/// Returns once `condition` holds; the suite's time limit ends a test in which it never does.
func reached(_ condition: @Sendable () -> Bool) async {
    while !condition(), !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
}

/// A logger whose lines a test can read.
final class LogLines: Sendable {
    private struct Handler: LogHandler {
        let target: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            target.kept.withLock { $0.append("\(event.message)") }
        }
    }

    private let kept = Mutex<[String]>([])

    /// What was logged so far.
    var lines: [String] { kept.withLock { $0 } }

    /// Writes here.
    var logger: Logger { Logger(label: "test") { _ in Handler(target: self) } }
}

/// A journal in a file of its own, removed with this object.
final class JournalFile: Sendable {
    let path = FileManager.default.temporaryDirectory
        .appending(path: "sluice-\(UUID().uuidString).journal").path()

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// The events of the journal, each of which a fresh core answered with the same orders.
    func replayed() throws -> [Event] {
        let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
        let (header, start) = try Journal.header(of: bytes[...])
        var replay = try Replay(header)
        var events: [Event] = []
        var place = start
        while place < bytes.endIndex {
            let (entry, next) = try Journal.entry(of: bytes[place...])
            if case .event(let record) = entry {
                #expect(replay.feed(record) == nil, "event \(record.sequence)")
                events.append(record.event)
            }
            place = next
        }
        return events
    }
}
