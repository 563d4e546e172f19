import EngineEmulated
import ServerCore
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

/// An engine that notes where instances are placed.
private final class NotingEngine: Engine {
    private let inner: EmulatedEngine
    private let noted = Mutex<[Placement]>([])

    init(_ inner: EmulatedEngine) { self.inner = inner }

    var platform: String { inner.platform }
    var placements: [Placement] { noted.withLock { $0 } }

    func load(_ artifact: ModelArtifact) throws(EngineError) -> any LoadedModel {
        Model(inner: try inner.load(artifact), engine: self)
    }

    private final class Model: LoadedModel {
        let inner: any LoadedModel
        let engine: NotingEngine

        init(inner: any LoadedModel, engine: NotingEngine) {
            (self.inner, self.engine) = (inner, engine)
        }

        var declared: DeclaredSignature { inner.declared }
        var weightsMiB: Int64 { inner.weightsMiB }

        func makeInstance(_ placement: Placement) throws(EngineError) -> any EngineInstance {
            engine.noted.withLock { $0.append(placement) }
            return try inner.makeInstance(placement)
        }
    }
}

/// What an instance is told of its place.
@Suite(.timeLimit(.minutes(2))) struct PlacementTests {
    /// A runtime that has loaded the model.
    private func serve(
        _ definition: ModelDefinition,
        _ engine: NotingEngine,
        _ configuration: RuntimeConfiguration
    ) async throws -> ServingRuntime {
        var configuration = configuration
        configuration.control = .explicit(["*"])
        let runtime = try ServingRuntime(
            configuration,
            engine: engine,
            source: ListedModels([definition]),
            logSettings: LogSettings(),
            logger: RuntimeFixture.silence
        )
        await runtime.start()
        return runtime
    }

    @Test("An instance is told the memory that its profile gives it, and none without a profile")
    func memory() async throws {
        for (workspace, expected) in [(Int64(2_500), Int64(103)), (nil, 0)] {
            var definition = RuntimeFixture.echo(maxBatch: 8)
            if let workspace {
                // 100 MiB of weights, and up to 2.5 MB for a batch of eight: 103 MiB, rounded up.
                definition.rules.set(
                    DeviceProfile(
                        kind: "emulated",
                        surface: LatencySurface([]),
                        memory: MemoryFootprint(
                            weightsKiB: 100 << 10,
                            workspace: [.init(batch: 1, kib: 10), .init(batch: 8, kib: workspace)]
                        )
                    )
                )
            }
            let model = EmulatedModel(signature: definition.signature)
            let engine = NotingEngine(EmulatedEngine(models: ["echo": model]))
            let device = DeviceSpec(id: DeviceID(0), name: "emu0", kind: "emulated", units: 4)
            let configuration = RuntimeConfiguration(
                core: CoreConfiguration(devices: [device]),
                unitNumbers: [[0, 1, 2, 3]]
            )
            let runtime = try await serve(definition, engine, configuration)
            #expect(engine.placements.map(\.memoryMiB) == [expected])
            #expect(await runtime.shutDown(patience: .seconds(10)) == 0)
        }
    }

    @Test("A batch on a part of the cores has so many threads, and may run on any of the cores")
    func width() async throws {
        var definition = RuntimeFixture.echo(maxBatch: 1)
        definition.rules.slo = .milliseconds(100)
        let points = [(Int32(1), 8), (2, 5), (4, 4)].map { units, ms in
            LatencySurface.Point(batch: 1, units: units, latency: .milliseconds(Int64(ms)))
        }
        definition.rules.set(
            DeviceProfile(kind: "emulated", surface: LatencySurface(points))
        )
        let model = EmulatedModel(signature: definition.signature)
        let engine = NotingEngine(EmulatedEngine(models: ["echo": model]))
        let device = DeviceSpec(
            id: DeviceID(0),
            name: "cpu0",
            kind: "emulated",
            units: 4,
            maxGpulets: 1,
            preemptsLow: true
        )
        var core = CoreConfiguration(devices: [device])
        core.planner = "confluence"
        core.epochs = .live
        let configuration = RuntimeConfiguration(core: core, unitNumbers: [[4, 5, 6, 7]])
        let runtime = try await serve(definition, engine, configuration)
        let first = try #require(engine.placements.first)
        #expect(first.width == 1 && first.own == [4, 5, 6, 7] && first.units == first.own)
        await runtime.shutDown(patience: .seconds(10))
    }
}
