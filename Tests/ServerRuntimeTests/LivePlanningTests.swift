import EngineEmulated
import Foundation
import ServerCore
import ServerRuntime
import ServingDomain
import Synchronization
import Testing
import VirtualDevices

/// Planners by demand steer a server that is up: every model has a seat from the start, what was
/// guessed is measured in idle time, and plans follow what is asked.
@Suite(.timeLimit(.minutes(2))) struct LivePlanningTests {
    /// What is known beforehand, and what was kept.
    private final class Notebook: ModelKnowledge {
        private let known: DeviceProfile?
        private let kept = Mutex<[LatencySurface.Point]>([])

        private let limit: Int32

        /// - Parameter limit: Larger batches count as guesses.
        init(_ known: DeviceProfile? = nil, upTo limit: Int32 = .max) {
            self.known = known
            self.limit = limit
        }

        func profile(of artifact: ModelArtifact, on device: DeviceSpec) -> DeviceProfile? { known }

        func largestMeasured(
            of artifact: ModelArtifact,
            on device: DeviceSpec,
            units: Int32
        ) -> Int32? {
            guard let known, !known.estimatedUnits.contains(units) else { return nil }
            return known.surface.largestBatch(units: units).map { min($0, limit) }
        }

        func keep(
            _ points: [LatencySurface.Point],
            of artifact: ModelArtifact,
            on device: DeviceSpec
        ) {
            kept.withLock { $0 += points }
        }

        var batches: Set<Int32> { Set(kept.withLock { $0 }.map(\.batch)) }
        var units: Set<Int32> { Set(kept.withLock { $0 }.map(\.units)) }
    }

    /// 8 ms an item on one of four units, a quarter of that on all.
    private static let surface: LatencySurface = {
        var surface = LatencySurface([])
        for units in [Int32(1), 2, 4] {
            for batch in [Int32(1), 2, 4, 8] {
                let us = 8_000 * Int64(batch) / Int64(units)
                surface.set(.init(batch: batch, units: units, latency: .microseconds(us)))
            }
        }
        return surface
    }()

    private func fixture(
        _ names: [String] = ["echo"],
        control: EmulatedControl = EmulatedControl(),
        timing: VirtualModel? = nil,
        planner: String = "confluence",
        slo: TimeSpan = .seconds(60),
        knowledge: Notebook = Notebook()
    ) async throws -> RuntimeFixture {
        try await RuntimeFixture(
            names.map { name in
                (
                    RuntimeFixture.echo(name, slo: slo),
                    EmulatedModel(timing: timing, control: control)
                )
            }
        ) { configuration in
            configuration.core.planner = planner
            configuration.core.epochs = .live
            configuration.core.epochs?.period = .milliseconds(100)
            configuration.core.epochs?.sample = .milliseconds(20)
            configuration.knowledge = knowledge
            configuration.profilesInIdleTime = true
        }
    }

    /// Lets others work until `isDone`; five minutes at most. It takes no core meanwhile: what is
    /// waited for gives way to all else, to every test beside it, too.
    private func wait(
        _ what: Comment,
        until isDone: () throws -> Bool
    ) async rethrows {
        let end = ServingRuntime.now() + .seconds(300)
        while try !isDone() {
            guard ServingRuntime.now() < end else {
                Issue.record(what)
                return
            }
            try? await Task.sleep(for: .milliseconds(5))
        }
    }

    /// The plan that stands, as text.
    private func plan(_ fixture: RuntimeFixture) throws -> String {
        String(decoding: try fixture.runtime.presentPlan(), as: UTF8.self)
    }

    /// How many gpulets the plan that stands has.
    private func gpulets(_ fixture: RuntimeFixture) throws -> Int {
        try plan(fixture).split(separator: "\"share\"").count - 1
    }

    @Test(
        "A model that nothing is known of is served at once, under every planner by demand",
        arguments: ["temporal", "elastic", "self-tuning", "confluence"]
    )
    func cold(planner: String) async throws {
        let fixture = try await fixture(["one", "two"], planner: planner)
        for name in ["one", "two", "one"] {
            let (exchange, _) = try fixture.send(7, to: name)
            #expect(await exchange.ended().isServed)
            #expect(exchange.output == Array(repeating: 7, count: 64))
        }
        let plan = try plan(fixture)
        #expect(plan.contains("\"model\":\"one\"") && plan.contains("\"model\":\"two\""))
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("What planners know by guess is measured in idle time, row by row, and kept")
    func idle() async throws {
        var guess = DeviceProfile(kind: "emulated", surface: Self.surface)
        guess.estimatedUnits = [1, 2, 4]
        let notebook = Notebook(guess)
        let fixture = try await fixture(knowledge: notebook)
        await wait("rows were not measured: \(notebook.units)") { notebook.units == [1, 2, 4] }
        // Requests are answered afterwards as before.
        let (exchange, _) = try fixture.send(3)
        #expect(await exchange.ended().isServed)
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("What was kept is not measured again, unless this machine is faster than that")
    func kept() async throws {
        // Emulated runs end at once, so a kept row of 2 ms an item is found to be wrong.
        let wrong = Notebook(DeviceProfile(kind: "emulated", surface: Self.surface))
        let first = try await fixture(knowledge: wrong)
        await wait("the wrong row was believed") { !wrong.units.isEmpty }
        #expect(await first.runtime.shutDown(patience: .seconds(10)) == 0)
        // The same row where runs really take that long: nothing is measured, nothing kept.
        let right = Notebook(DeviceProfile(kind: "emulated", surface: Self.surface))
        let second = try await fixture(
            timing: VirtualModel(surface: Self.surface),
            knowledge: right
        )
        let (exchange, _) = try second.send(3)
        #expect(await exchange.ended().isServed)
        #expect(right.units.isEmpty)
        #expect(await second.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("What a measured row only guesses of larger batches is measured, and kept")
    func largerBatches() async throws {
        let book = Notebook(DeviceProfile(kind: "emulated", surface: Self.surface), upTo: 2)
        let fixture = try await fixture(
            timing: VirtualModel(surface: Self.surface),
            knowledge: book
        )
        await wait("larger batches were not measured") { !book.batches.isEmpty }
        #expect(book.batches == [4, 8])
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("The first request that comes ends the probe under way")
    func yields() async throws {
        let control = EmulatedControl()
        let notebook = Notebook()
        let fixture = try await fixture(control: control, knowledge: notebook)
        control.close()
        // A probe hangs at the gate: nothing but probes runs here.
        await control.blocked(atLeast: 1)
        let before = notebook.units
        let (exchange, _) = try fixture.send(5)
        await wait("the probe still runs") { control.runs.contains { !$0.succeeded } }
        #expect(notebook.units == before)
        control.open()
        #expect(await exchange.ended().isServed)
        await wait("the row was given up") { notebook.units == [1, 2, 4] }
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }

    @Test("Two models that need much each get a part of their own, and nobody is lost on the way")
    func split() async throws {
        let fixture = try await fixture(
            ["one", "two"],
            timing: VirtualModel(surface: Self.surface),
            planner: "elastic",
            slo: .milliseconds(500),
            knowledge: Notebook(DeviceProfile(kind: "emulated", surface: Self.surface))
        )
        #expect(try gpulets(fixture) == 1)
        var sent = 0
        // Some hundred requests a second each, by a closed loop of four.
        let end = ServingRuntime.now() + .seconds(60)
        while try gpulets(fixture) < 2, ServingRuntime.now() < end {
            let batch = try ["one", "two", "one", "two"].map {
                try fixture.send(1, to: $0).exchange
            }
            for exchange in batch {
                // On a busy machine it may be late, but it is answered.
                guard case .completed = await exchange.ended() else {
                    Issue.record("a request was lost")
                    continue
                }
                sent += 1
            }
        }
        #expect(try gpulets(fixture) >= 2, "the plan did not follow the demand")
        #expect(sent > 0)
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
    }
}
