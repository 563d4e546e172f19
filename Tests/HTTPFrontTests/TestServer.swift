import EngineEmulated
import HTTPFront
import Logging
import NIOCore
import NIOPosix
import ServerRuntime
import ServingDomain
import Synchronization

/// Models that a test lists itself.
final class ListedModels: ModelSource {
    private let definitions: [String: ModelDefinition]
    /// What clients sent along with loads.
    let overrides = Mutex<[LoadOverride]>([])
    /// What a configuration that came along makes of a definition.
    let adapt = Mutex<@Sendable (String, inout ModelDefinition) -> Void>({ _, _ in })

    init(_ definitions: [ModelDefinition]) {
        self.definitions = Dictionary(uniqueKeysWithValues: definitions.map { ($0.name, $0) })
    }

    func names() throws(SourceError) -> [String] { definitions.keys.sorted() }

    func read(
        _ name: String,
        override: LoadOverride?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature
    ) throws(SourceError) -> ModelDefinition {
        if let override { overrides.withLock { $0.append(override) } }
        guard var definition = definitions[name] else {
            throw SourceError(.notFound, "there is no model '\(name)'")
        }
        if let config = override?.config { adapt.withLock { $0 }(config, &definition) }
        return definition
    }

    func fingerprint(_ name: String) throws(SourceError) -> UInt64 { 0 }
}

/// A model of a test: what it looks like, and a gate to hold its runs.
struct TestModel {
    var definition: ModelDefinition
    var control = EmulatedControl()

    /// A model that gives back what it gets.
    init(
        _ name: String,
        inputs: [TensorSpec],
        outputs: [TensorSpec],
        batched: Bool = true,
        maxBatch: Int32 = 8,
        slo: TimeSpan? = nil,
        queue: QueueRules = .standard
    ) {
        let signature = ModelSignature(inputs: inputs, outputs: outputs, batched: batched)
        definition = ModelDefinition(
            name: name,
            rules: ModelSpec(
                id: ModelID(0),
                name: name,
                maxBatch: maxBatch,
                batching: BatchingRules(dynamic: true),
                queues: [queue, queue],
                slo: slo
            ),
            signature: signature,
            versions: [ModelArtifact(name: name, version: 1, path: "", signature: signature)],
            configJSON: Array("{\"name\":\"\(name)\",\"max_batch_size\":\(maxBatch)}".utf8),
            configBytes: []
        )
    }

    /// One FP32 tensor of 16 numbers in and out.
    static func echo(
        _ name: String = "echo",
        slo: TimeSpan? = nil,
        queue: QueueRules = .standard
    ) -> TestModel {
        TestModel(
            name,
            inputs: [TensorSpec(name: "INPUT", type: .fp32, dims: [16])],
            outputs: [
                TensorSpec(name: "OUTPUT", type: .fp32, dims: [16], labels: ["zero", "one"])
            ],
            slo: slo,
            queue: queue
        )
    }

    /// One tensor of a type, any length, in and out.
    static func free(_ name: String, _ type: DataType, batched: Bool = true) -> TestModel {
        TestModel(
            name,
            inputs: [TensorSpec(name: "INPUT", type: type, dims: [-1])],
            outputs: [TensorSpec(name: "OUTPUT", type: type, dims: [-1])],
            batched: batched
        )
    }
}

/// A whole server on ports of its own: emulated engine, real sockets.
final class TestServer: Sendable {
    let runtime: ServingRuntime
    let front: HTTPFront
    let source: ListedModels
    private let group: MultiThreadedEventLoopGroup

    init(
        _ models: [TestModel] = [.echo()],
        policy: String = "edf",
        runtime changeRuntime: (inout RuntimeConfiguration) -> Void = { _ in },
        front changeFront: (inout HTTPConfiguration) -> Void = { _ in }
    ) async throws {
        var configuration = RuntimeConfiguration.host(policy: policy)
        configuration.control = .explicit(["*"])
        changeRuntime(&configuration)
        source = ListedModels(models.map(\.definition))
        var emulations: [String: EmulatedModel] = [:]
        for model in models {
            emulations[model.definition.name] = EmulatedModel(
                signature: model.definition.signature,
                control: model.control
            )
        }
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        runtime = try ServingRuntime(
            configuration,
            engine: EmulatedEngine(models: emulations),
            source: source,
            logger: logger
        )
        await runtime.start()
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var http = HTTPConfiguration()
        http.host = "127.0.0.1"
        http.port = 0
        http.metricsHost = "127.0.0.1"
        http.metricsPort = 0
        changeFront(&http)
        front = try await HTTPFront.start(
            runtime: runtime,
            configuration: http,
            group: group,
            logger: logger
        )
    }

    /// A new connection to the protocol's port.
    func connect(receiveBuffer: Int32? = nil) async throws -> RawClient {
        try await RawClient.connect(port: front.addresses.port, receiveBuffer: receiveBuffer)
    }

    /// One request on a connection of its own.
    func ask(
        _ method: String = "GET",
        _ path: String,
        headers: [String] = [],
        body: [UInt8] = []
    ) async throws -> RawReply {
        let client = try await connect()
        defer { client.close() }
        try await client.send(request(method, path, headers: headers, body: body))
        return try await client.reply()
    }

    func stop() async throws {
        await front.shutDown(gracePeriod: .seconds(5))
        await runtime.shutDown(patience: .seconds(5))
        try await group.shutdownGracefully()
    }
}

/// Runs a test against a server and stops the server, however the test ends.
func withServer(
    _ models: [TestModel] = [.echo()],
    policy: String = "edf",
    runtime: (inout RuntimeConfiguration) -> Void = { _ in },
    front: (inout HTTPConfiguration) -> Void = { _ in },
    _ test: (TestServer) async throws -> Void
) async throws {
    let server = try await TestServer(models, policy: policy, runtime: runtime, front: front)
    do {
        try await test(server)
    } catch {
        for model in models { model.control.open() }
        try await server.stop()
        throw error
    }
    for model in models { model.control.open() }
    try await server.stop()
}

/// The bytes of a request with a length.
func request(
    _ method: String,
    _ path: String,
    headers: [String] = [],
    body: [UInt8] = []
) -> [UInt8] {
    var text = "\(method) \(path) HTTP/1.1\r\nHost: test\r\n"
    for header in headers { text += header + "\r\n" }
    if !body.isEmpty || method == "POST" { text += "Content-Length: \(body.count)\r\n" }
    return Array((text + "\r\n").utf8) + body
}

/// A JSON request for `echo` with 16 numbers.
func echoJSON(_ value: String = "1", parameters: String = "{}", id: String = "") -> [UInt8] {
    let data = Array(repeating: value, count: 16).joined(separator: ",")
    return Array(
        (#"{"id":"\#(id)","parameters":\#(parameters),"inputs":[{"name":"INPUT","#
            + #""shape":[1,16],"datatype":"FP32","data":[\#(data)]}]}"#).utf8
    )
}

/// A binary request: the JSON, then the bytes of its one input.
func binary(_ shape: [Int64], _ type: String, _ data: [UInt8]) -> (json: [UInt8], all: [UInt8]) {
    let json = Array(
        (#"{"inputs":[{"name":"INPUT","shape":\#(shape),"datatype":"\#(type)","parameters":"#
            + #"{"binary_data_size":\#(data.count)}}],"parameters":{"binary_data_output":true}}"#)
            .utf8
    )
    return (json, json + data)
}

/// Little-endian bytes of numbers.
func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
}
