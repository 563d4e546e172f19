import Documents
import EngineEmulated
import Foundation
import HTTPFront
import Logging
import NIOCore
import NIOPosix
import ServerRuntime
import ServingDomain
import Testing
import Workloads

@testable import LiveExperiments

/// Starting, driving and ending servers.
@Suite struct ServerTests {
    /// A program that says what a test wants instead of serving.
    static func bench(_ script: String) throws -> LiveBench {
        let place = try Workplace()
        let program = "\(place.path)/program"
        try "#!/bin/sh\n\(script)\n".write(toFile: program, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
        return LiveBench(options: LiveOptions(executable: program), place: place)
    }

    static func isThere(_ pid: Int32) -> Bool { kill(pid, 0) == 0 }

    static let command = ServerCommand("test", repository: "/nowhere")

    @Test("A server that says ready is used and then ended, also when its user fails")
    func life() async throws {
        let bench = try Self.bench(
            "echo '  HTTP     http://127.0.0.1:1'; echo ready; exec sleep 600"
        )
        defer { bench.place.remove() }
        let pid = try await bench.serve(Self.command) { server in
            #expect(server.url == "http://127.0.0.1:1")
            let pid = try #require(server.process?.pid)
            #expect(Self.isThere(pid))
            return pid
        }
        #expect(!Self.isThere(pid))
        var failed: Int32 = 0
        await #expect(throws: LiveError.self) {
            try await bench.serve(Self.command) { server in
                failed = server.process?.pid ?? 0
                throw LiveError("no")
            }
        }
        #expect(failed > 0 && !Self.isThere(failed))
    }

    @Test("A server that refuses is told from one that breaks, with its own words")
    func refusal() async throws {
        let bench = try Self.bench("echo 'Error: planner is not known' >&2; exit 1")
        defer { bench.place.remove() }
        do {
            try await bench.serve(Self.command) { _ in }
            Issue.record("it started")
        } catch let refusal as ServerRefusal {
            #expect(refusal.description == "test does not start: planner is not known")
        }
    }

    @Test("A cancelled experiment leaves no server behind")
    func cancellation() async throws {
        let bench = try Self.bench(
            "echo '  HTTP     http://127.0.0.1:1'; echo ready; exec sleep 600"
        )
        defer { bench.place.remove() }
        let (pids, stream) = AsyncStream.makeStream(of: Int32.self)
        let task = Task {
            try await bench.serve(Self.command) { server in
                stream.yield(server.process?.pid ?? 0)
                _ = try await Waiting.first(within: 60) { nil as Bool? }
            }
        }
        var iterator = pids.makeAsyncIterator()
        let pid = try #require(await iterator.next())
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(pid > 0 && !Self.isThere(pid))
    }

    @Test("A repository links each network once built, with its own configuration")
    func repository() throws {
        let place = try Workplace()
        defer { place.remove() }
        let folder = try place.repository("r", [("tiny", ModelSettings(sloMs: 30))])
        let other = try place.repository("r", [("tiny", ModelSettings())])
        func identity(_ path: String) throws -> NSNumber? {
            try FileManager.default.attributesOfItem(atPath: "\(path)/tiny/1/model.onnx")[
                .systemFileNumber
            ] as? NSNumber
        }
        let (one, two) = (try identity(folder), try identity(other))
        #expect(one != nil && one == two)
        let text = try String(contentsOfFile: "\(folder)/tiny/config.pbtxt", encoding: .utf8)
        #expect(text.contains("\"30\""))
        #expect(throws: LiveError.self) { try place.repository("r", [("tinny", .init())]) }
    }

    @Test("A load on a real server: every request is counted, here and there, and its plan is read")
    func drive() async throws {
        let served = try await EmulatedServer()
        let server = served.live
        let drive = Drive(
            traffic: [.init(model: "echo", process: .uniform(rate: 400), sloMs: 10_000)],
            warmUp: 0,
            seconds: 0.25,
            seed: 1
        )
        let report = try await drive.run(to: server.url)
        let tally = report.tally
        #expect(tally.judged > 50 && tally.violated == 0 && tally.lost == 0)
        let counts = try await server.statistics(of: "echo")
        #expect(counts.inferences == tally.served && counts.failures == 0)
        #expect(counts.sizes.reduce(0) { $0 + $1.items * $1.batches } == tally.served)
        try await server.settle()
        #expect(await server.requestsHere() == 0)
        var shared = drive
        shared.isShared = true
        let again = try await shared.run(to: server.url).tally
        #expect(again.judged > 50 && again.violated == 0, "inputs in shared memory")
        #expect(try await server.statistics(of: "echo").inferences == tally.served + again.served)
        let left = try await server.get("/v2/systemsharedmemory/status")
        #expect(String(decoding: left, as: UTF8.self) == "[]", "no region is left behind")
        let plan = try await server.plan()
        #expect(plan.plan.planner == "whole" && plan.sketch.contains("echo"))
        await #expect(throws: LiveError.self) { try await server.statistics(of: "nobody") }
        await served.end()
    }
}

/// A server in this process: real sockets, emulated engine, one model that gives back 16 numbers.
struct EmulatedServer {
    let runtime: ServingRuntime
    let front: HTTPFront
    let group: MultiThreadedEventLoopGroup

    init() async throws {
        let tensor = [TensorSpec(name: "x", type: .fp32, dims: [16])]
        let signature = ModelSignature(inputs: tensor, outputs: tensor, batched: true)
        let definition = ModelDefinition(
            name: "echo",
            rules: ModelSpec(
                id: ModelID(0),
                name: "echo",
                maxBatch: 8,
                batching: BatchingRules(dynamic: true)
            ),
            signature: signature,
            versions: [ModelArtifact(name: "echo", version: 1, path: "", signature: signature)],
            configJSON: Array("{\"name\":\"echo\",\"max_batch_size\":8}".utf8),
            configBytes: []
        )
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        var configuration = RuntimeConfiguration.host()
        configuration.control = .explicit(["*"])
        configuration.allowsSharedMemory = true
        runtime = try ServingRuntime(
            configuration,
            engine: EmulatedEngine(models: ["echo": EmulatedModel(signature: signature)]),
            source: OneModel(definition: definition),
            logger: logger
        )
        await runtime.start()
        group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        var http = HTTPConfiguration()
        http.host = "127.0.0.1"
        http.port = 0
        http.metricsHost = "127.0.0.1"
        http.metricsPort = 0
        front = try await HTTPFront.start(
            runtime: runtime,
            configuration: http,
            group: group,
            logger: logger
        )
    }

    var live: LiveServer {
        let metrics = front.addresses.metricsPort.map { "http://127.0.0.1:\($0)/metrics" }
        return LiveServer(
            name: "emulated",
            url: "http://127.0.0.1:\(front.addresses.port)",
            metrics: metrics,
            process: nil
        )
    }

    func end() async {
        await front.stopAccepting()
        _ = await runtime.shutDown(patience: .seconds(5))
        _ = await front.shutDown(gracePeriod: .zero)
        try? await group.shutdownGracefully()
    }
}

private struct OneModel: ModelSource {
    let definition: ModelDefinition

    func names() throws(SourceError) -> [String] { [definition.name] }

    func read(
        _ name: String,
        override: LoadOverride?,
        inspect: (ModelArtifact) throws(EngineError) -> DeclaredSignature
    ) throws(SourceError) -> ModelDefinition {
        guard name == definition.name else {
            throw SourceError(.notFound, "there is no model '\(name)'")
        }
        return definition
    }

    func fingerprint(_ name: String) throws(SourceError) -> UInt64 { 0 }
}
