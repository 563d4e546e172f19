import CHost
import EngineEmulated
import Logging
import ServerCore
import ServerRuntime
import ServingDomain
import Synchronization

/// Models that a test lists itself; each may be changed and loaded anew.
final class ListedModels: ModelSource {
    private let definitions: Mutex<[String: ModelDefinition]>

    init(_ definitions: [ModelDefinition]) {
        self.definitions = Mutex(
            Dictionary(uniqueKeysWithValues: definitions.map { ($0.name, $0) })
        )
    }

    func set(_ definition: ModelDefinition) {
        definitions.withLock { $0[definition.name] = definition }
    }

    func names() throws(SourceError) -> [String] {
        definitions.withLock { $0.keys.sorted() }
    }

    func read(
        _ name: String,
        override: LoadOverride?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature
    ) throws(SourceError) -> ModelDefinition {
        guard let definition = definitions.withLock({ $0[name] }) else {
            throw SourceError(.notFound, "there is no model '\(name)'")
        }
        return definition
    }

    func fingerprint(_ name: String) throws(SourceError) -> UInt64 { 0 }
}

/// One request with one input, whose end a test can wait for.
final class TestExchange: InferenceExchange {
    private struct State {
        var output: [UInt8] = []
        var shape: [Int64] = []
        var ending: Ending?
        var endings = 0
        /// How the thread was run that brought the result.
        var pace = HOST_PACE_NONE
        var waiters: [CheckedContinuation<Ending, Never>] = []
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
        state.withLock { state in
            state.output = Array(bytes)
            state.shape = shape
            state.pace = host_pace_of(0)
        }
    }

    func finish(_ ending: Ending) {
        let waiters = state.withLock { state in
            state.ending = state.ending ?? ending
            state.endings += 1
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: ending) }
    }

    /// How the thread was run that brought the result.
    var pace: host_pace { state.withLock { $0.pace } }

    /// The request's end, once it is there.
    func ended() async -> Ending {
        await withCheckedContinuation { continuation in
            let ending = state.withLock { state in
                if state.ending == nil { state.waiters.append(continuation) }
                return state.ending
            }
            if let ending { continuation.resume(returning: ending) }
        }
    }

    var output: [UInt8] { state.withLock { $0.output } }
    var shape: [Int64] { state.withLock { $0.shape } }
    var endings: Int { state.withLock { $0.endings } }
}

/// A runtime over one emulated device with the models of a test.
struct RuntimeFixture {
    let runtime: ServingRuntime
    let source: ListedModels

    init(
        _ models: [(definition: ModelDefinition, emulation: EmulatedModel)],
        policy: String = "edf",
        logger: Logger = silence,
        devices: EmulatedDevices? = nil,
        change: (inout RuntimeConfiguration) -> Void = { _ in }
    ) async throws {
        let device = DeviceSpec(id: DeviceID(0), name: "emu0", kind: "emulated", units: 4)
        var configuration = RuntimeConfiguration(
            core: CoreConfiguration(devices: [device], policy: policy),
            unitNumbers: [[0, 1, 2, 3]]
        )
        configuration.control = .explicit(["*"])
        change(&configuration)
        source = ListedModels(models.map(\.definition))
        var emulations: [String: EmulatedModel] = [:]
        for model in models { emulations[model.definition.name] = model.emulation }
        runtime = try ServingRuntime(
            configuration,
            engine: EmulatedEngine(models: emulations, devices: devices),
            source: source,
            logSettings: LogSettings(),
            logger: logger
        )
        await runtime.start()
    }

    /// Where the log of tests goes.
    static let silence = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// Sends one request of `items` rows of 16 numbers, all of them `value`.
    func send(
        _ value: UInt8,
        to name: String = "echo",
        items: Int32 = 1,
        priority: UInt64 = 0,
        timeout: TimeSpan? = nil
    ) throws -> (exchange: TestExchange, request: RequestID?) {
        let servable = try runtime.servable(named: name, version: nil)
        return send(value, to: servable, items: items, priority: priority, timeout: timeout)
    }

    /// Sends one request to a version that was looked up before.
    func send(
        _ value: UInt8,
        to servable: Servable,
        items: Int32 = 1,
        priority: UInt64 = 0,
        timeout: TimeSpan? = nil
    ) -> (exchange: TestExchange, request: RequestID?) {
        let exchange = TestExchange(Array(repeating: value, count: 64 * Int(items)))
        let ticket = Ticket(
            items: items,
            shapes: InputShapes([[16]]),
            priority: priority,
            timeout: timeout,
            arrival: ServingRuntime.now()
        )
        return (exchange, runtime.submit(exchange, to: servable, ticket))
    }

    /// A model `echo` that gives back what it gets: one input of 16 numbers.
    static func echo(
        _ name: String = "echo",
        version: Int64 = 1,
        maxBatch: Int32 = 8,
        instances: Int32 = 1,
        slo: TimeSpan? = nil,
        queue: QueueRules = .standard,
        delay: TimeSpan = .zero
    ) -> ModelDefinition {
        let signature = ModelSignature(
            inputs: [TensorSpec(name: "INPUT", type: .fp32, dims: [16])],
            outputs: [TensorSpec(name: "OUTPUT", type: .fp32, dims: [16])],
            batched: true
        )
        return ModelDefinition(
            name: name,
            rules: ModelSpec(
                id: ModelID(0),
                name: name,
                maxBatch: maxBatch,
                batching: BatchingRules(dynamic: true, maxQueueDelay: delay),
                queues: [queue, queue],
                slo: slo,
                instances: instances
            ),
            signature: signature,
            versions: [ModelArtifact(name: name, version: version, path: "", signature: signature)],
            configJSON: Array("{}".utf8),
            configBytes: []
        )
    }
}

extension Ending {
    /// Whether the request got its result in time.
    var isServed: Bool {
        if case .completed(late: false, _) = self { true } else { false }
    }
}
