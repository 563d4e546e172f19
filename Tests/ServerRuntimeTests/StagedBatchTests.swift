import EngineEmulated
import ServerCore
import ServerRuntime
import ServingDomain
import Testing
import VirtualDevices

/// Batches that go chunk by chunk over a device with copy engines.
@Suite(.timeLimit(.minutes(2))) struct StagedBatchTests {
    static let gpu = DeviceSpec(
        id: DeviceID(0),
        name: "gpu0",
        kind: "toy",
        units: 4,
        copyEngines: 2,
        copy: CopySpec(setup: .zero, bytesPerSecond: 12_000_000_000)
    )

    /// A model whose item has 3 MiB in and out, so two chunks each way and three segments.
    static func model() -> (definition: ModelDefinition, emulation: EmulatedModel) {
        let floats: Int64 = 3 << 18
        let signature = ModelSignature(
            inputs: [TensorSpec(name: "INPUT", type: .fp32, dims: [floats])],
            outputs: [TensorSpec(name: "OUTPUT", type: .fp32, dims: [floats])],
            batched: true
        )
        var definition = RuntimeFixture.echo("large", maxBatch: 2)
        definition.signature = signature
        definition.versions[0].signature = signature
        let points = [Int32(1), 2].map {
            LatencySurface.Point(batch: $0, units: 4, latency: .milliseconds(3))
        }
        let truth = ModelTruth(
            profiles: [
                DeviceProfile(kind: "toy", surface: LatencySurface(points), segments: 3)
            ],
            inputBytes: floats * 4,
            outputBytes: floats * 4
        )
        return (definition, EmulatedModel(signature: signature, truth: truth))
    }

    @Test("A low batch in stages gives each client its own rows, and high ones go whole beside it")
    func rows() async throws {
        let (definition, emulation) = Self.model()
        let devices = EmulatedDevices(devices: [Self.gpu], truths: [NoContention()])
        var configuration = RuntimeConfiguration(
            core: CoreConfiguration(devices: [Self.gpu], policy: "strait"),
            unitNumbers: [[0, 1, 2, 3]]
        )
        configuration.control = .explicit(["*"])
        let runtime = try ServingRuntime(
            configuration,
            engine: EmulatedEngine(models: ["large": emulation], devices: devices),
            source: ListedModels([definition]),
            logSettings: LogSettings(),
            logger: RuntimeFixture.silence
        )
        await runtime.start()
        let servable = try runtime.servable(named: "large", version: nil)
        let size = 3 << 20
        var sent: [(exchange: TestExchange, value: UInt8)] = []
        for value in UInt8(1)...6 {
            let exchange = TestExchange(Array(repeating: value, count: size))
            let ticket = Ticket(
                items: 1,
                shapes: InputShapes([[Int64(size / 4)]]),
                priority: value % 3 == 0 ? 1 : 2,
                arrival: ServingRuntime.now()
            )
            _ = runtime.submit(exchange, to: servable, ticket)
            sent.append((exchange, value))
        }
        for (exchange, value) in sent {
            #expect(await exchange.ended().isServed)
            #expect(exchange.output.count == size)
            #expect(exchange.output.allSatisfy { $0 == value })
            #expect(exchange.endings == 1)
        }
        let counted = servable.statistics.snapshot()
        #expect(counted.inferences == 6)
        #expect(await runtime.shutDown(patience: .seconds(10)) == 0)
    }
}
