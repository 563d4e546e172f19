import EngineEmulated
import ServerCore
import ServerRuntime
import ServingDomain
import Synchronization
import Testing
import VirtualDevices

/// What a server learned of co-runners is kept when it ends.
@Suite(.timeLimit(.minutes(2))) struct KeptLearningTests {
    private final class Book: ModelKnowledge {
        let kept = Mutex<[PlanInputs.KindContention]>([])

        func profile(of artifact: ModelArtifact, on device: DeviceSpec) -> DeviceProfile? { nil }

        func keep(
            _ points: [LatencySurface.Point],
            of artifact: ModelArtifact,
            on device: DeviceSpec
        ) {}

        func keep(_ contention: [PlanInputs.KindContention], on devices: [DeviceSpec]) {
            kept.withLock { $0 = contention }
        }
    }

    @Test("At the end the knowledge gets what company was seen to cost; nothing without company")
    func kept() async throws {
        let book = Book()
        let point = LatencySurface.Point(batch: 1, units: 4, latency: .milliseconds(2))
        let timing = VirtualModel(surface: LatencySurface([point]))
        let fixture = try await RuntimeFixture(
            ["one", "two"].map {
                (RuntimeFixture.echo($0, maxBatch: 1), EmulatedModel(timing: timing))
            }
        ) { $0.knowledge = book }
        #expect(await (try fixture.send(1, to: "one")).exchange.ended().isServed)
        #expect(book.kept.withLock { $0 } == [])
        for value in 0..<250 {
            let pair = try ["one", "two"].map {
                try fixture.send(UInt8(value), to: $0).exchange
            }
            for exchange in pair { #expect(await exchange.ended().isServed) }
        }
        #expect(await fixture.runtime.shutDown(patience: .seconds(10)) == 0)
        #expect(book.kept.withLock { $0.map(\.kind) } == ["emulated"])
    }
}
