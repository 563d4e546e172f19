import Logging
import ServerCore
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

@testable import EngineONNX

extension OnStandIn {
    /// The whole way of a request: core, lanes, engine, the stand-in's copies and streams.
    @Suite(.enabled(if: Bench.engine != nil, Bench.skip), .timeLimit(.minutes(2)))
    struct Serving {
        /// Proves that every client gets its own rows from a GPU, high ones in one go and low ones
        /// in stages; and that when the GPU is lost under load every request ends once, those
        /// that ran with the reason, without a crash.
        @Test
        func load() async throws {
            let standIn = try StandIn()
            let path = try Bench.file(ModelBytes.chain(length: 2).bytes)
            defer { Bench.remove(path) }
            let runtime = try runtime(standIn, path)
            await runtime.start()
            let served = try (0..<24).map { try send($0, to: runtime, timeout: nil) }
            for (value, exchange) in served.enumerated() {
                guard case .completed = await exchange.ended() else {
                    Issue.record("request \(value) was not served")
                    continue
                }
                // Two products turn each row by two places.
                #expect(exchange.output == Self.row(value, turned: 2))
                #expect(exchange.endings == 1)
            }
            #expect(standIn["violations"] == 0, "\(standIn.log.suffix(2_000))")
            standIn["lost"] = 1
            let lost = try (0..<8).map {
                try send($0, to: runtime, timeout: .milliseconds(400))
            }
            var reasons = 0
            for exchange in lost {
                switch await exchange.ended() {
                // Who waits for a model that no device is left for fails for the same reason.
                case .failed(let reason), .noDevice(let reason):
                    #expect(reason.contains("GPU 0 is lost"))
                    #expect(reason.contains("restart the server once nvidia-smi shows"))
                    reasons += 1
                case .completed: Issue.record("a lost GPU served a request")
                default: break
                }
                #expect(exchange.endings == 1)
            }
            #expect(reasons >= 1)
            let later = try send(1, to: runtime, timeout: nil)
            guard case .noDevice(let reason) = await later.ended() else {
                Issue.record("a request was taken in without a device")
                return
            }
            #expect(reason.contains("device gpu0 was lost and no device is left"))
            #expect(!runtime.isReady)
            #expect(await runtime.shutDown(patience: .seconds(10)) == 0)
        }

        private func runtime(_ standIn: StandIn, _ path: String) throws -> ServingRuntime {
            let engine = try ONNXEngine(gpus: standIn.request(), log: LogLines().logger)
            var configuration = RuntimeConfiguration(
                core: CoreConfiguration(devices: engine.gpuSpecs, policy: "strait"),
                unitNumbers: engine.gpuSpecs.map { Array(0..<$0.units) }
            )
            configuration.control = .explicit(["*"])
            return try ServingRuntime(
                configuration,
                engine: engine,
                source: OneModel(path: path),
                logSettings: LogSettings(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            )
        }

        private static func row(_ value: Int, turned: Int = 0) -> [UInt8] {
            floats((0..<256).map { Float(($0 + 256 - turned) % 256 + 1_000 * value) })
        }

        private func send(
            _ value: Int,
            to runtime: ServingRuntime,
            timeout: TimeSpan?
        ) throws -> RowExchange {
            let servable = try runtime.servable(named: "chain", version: nil)
            let exchange = RowExchange(Self.row(value))
            let ticket = Ticket(
                items: 1,
                shapes: InputShapes([[256]]),
                priority: value % 2 == 0 ? 1 : 2,
                timeout: timeout,
                arrival: ServingRuntime.now()
            )
            runtime.submit(exchange, to: servable, ticket)
            return exchange
        }
    }
}

/// A repository with one model.
private struct OneModel: ModelSource {
    let path: String

    func names() throws(SourceError) -> [String] { ["chain"] }

    func read(
        _ name: String,
        override: LoadOverride?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature
    ) throws(SourceError) -> ModelDefinition {
        let signature = ModelSignature(
            inputs: [TensorSpec(name: "x", type: .fp32, dims: [256])],
            outputs: [TensorSpec(name: "y", type: .fp32, dims: [256])],
            batched: true
        )
        return ModelDefinition(
            name: name,
            rules: ModelSpec(
                id: ModelID(0),
                name: name,
                maxBatch: 4,
                batching: BatchingRules(dynamic: true, maxQueueDelay: .zero),
                queues: [.standard, .standard],
                slo: nil,
                instances: 2
            ),
            signature: signature,
            versions: [ModelArtifact(name: name, version: 1, path: path, signature: signature)],
            configJSON: Array("{}".utf8),
            configBytes: []
        )
    }

    func fingerprint(_ name: String) throws(SourceError) -> UInt64 { 0 }
}

/// One request with one row, whose end a test can wait for.
private final class RowExchange: InferenceExchange {
    private struct State {
        var output: [UInt8] = []
        var ending: Ending?
        var endings = 0
        var waiter: CheckedContinuation<Ending, Never>?
    }

    private let bytes: [UInt8]
    private let state = Mutex(State())

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func byteCount(input index: Int) -> Int { bytes.count }

    func gather(input index: Int, into target: UnsafeMutableRawBufferPointer) {
        target.copyBytes(from: bytes)
    }

    func wants(output index: Int) -> Bool { true }

    func scatter(output index: Int, shape: [Int64], bytes: UnsafeRawBufferPointer) {
        state.withLock { $0.output = Array(bytes) }
    }

    func finish(_ ending: Ending) {
        let waiter = state.withLock { state in
            state.ending = state.ending ?? ending
            state.endings += 1
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume(returning: ending)
    }

    func ended() async -> Ending {
        await withCheckedContinuation { continuation in
            let ending = state.withLock { state in
                if state.ending == nil { state.waiter = continuation }
                return state.ending
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }

    var output: [UInt8] { state.withLock { $0.output } }
    var endings: Int { state.withLock { $0.endings } }
}
