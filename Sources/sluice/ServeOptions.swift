import ArgumentParser
import Documents
import Planning
import ServerCore
import ServingDomain

/// The flags of `serve` that Sluice shares with Triton, under Triton's names.
struct TritonOptions: ParsableArguments {
    @Option(
        name: [.customLong("model-repository"), .customLong("model-store")],
        help: "A folder of models in Triton's layout; may be given several times."
    )
    var repositories: [String] = []

    @Option(help: "The address of the HTTP endpoint.") var httpAddress = "0.0.0.0"
    @Option(help: "The port of the HTTP endpoint; 0 = any free one.") var httpPort = 8_000
    @Option(help: "Whether to serve HTTP.") var allowHttp = true
    @Option(help: "The address of the gRPC endpoint.") var grpcAddress = "0.0.0.0"
    @Option(help: "The port of the gRPC endpoint; 0 = any free one.") var grpcPort = 8_001
    @Option(help: "Whether to serve gRPC.") var allowGrpc = true
    @Option(help: "The address of the metrics endpoint; the HTTP address if not given.")
    var metricsAddress: String?
    @Option(help: "The port of the metrics endpoint; 0 = any free one.") var metricsPort = 8_002
    @Option(help: "Whether to serve metrics.") var allowMetrics = true

    @Option(help: "When models are loaded: none (all at the start), explicit or poll.")
    var modelControlMode = "none"
    @Option(help: "A model to load at the start in explicit mode; * = all. May be repeated.")
    var loadModel: [String] = []
    @Option(help: "Seconds between two looks at the repository in poll mode.")
    var repositoryPollSecs = 15
    @Option(help: "Use configs/NAME.pbtxt of a model's folder where it exists.")
    var modelConfigName: String?
    @Option(help: "The batch size of models that take batches and do not say how large.")
    var defaultMaxBatchSize: Int32 = 4
    @Option(help: "Whether the server is ready only when all models are.")
    var strictReadiness = true
    @Option(help: "Seconds that requests get to finish when the server stops.")
    var exitTimeoutSecs = 30

    @Option(help: "The most bytes of one HTTP request.") var httpMaxInputSize = 64 << 20
    @Option(help: "The most bytes of one gRPC message.") var grpcMaxMessageSize = 64 << 20
    @Option(help: "Endpoints that need a header: 'API[,API]:HEADER=VALUE'. May be repeated.")
    var httpRestrictedApi: [String] = []
    @Option(help: "Whether gRPC speaks TLS; wants --grpc-server-cert and --grpc-server-key.")
    var grpcUseSsl = false
    @Option(help: "The same, and clients need certificates; wants --grpc-root-cert as well.")
    var grpcUseSslMutual = false
    @Option(help: "The server's certificate chain for gRPC, a PEM file.")
    var grpcServerCert: String?
    @Option(help: "The private key of --grpc-server-cert, a PEM file.") var grpcServerKey: String?
    @Option(help: "What gRPC clients' certificates must be signed by, a PEM file.")
    var grpcRootCert: String?
    @Option(help: "Whether clients may register shared memory.") var allowClientShm = false

    @Option(help: "1 adds debug lines to the log, 2 trace lines.") var logVerbose: UInt32 = 0
    @Option(help: "Whether to log information.") var logInfo = true
    @Option(help: "Whether to log warnings.") var logWarning = true
    @Option(help: "Whether to log errors.") var logError = true
    @Option(help: "Times in the log: default or ISO8601.") var logFormat = "default"
    @Option(help: "Trace settings: 'triton,file=PATH' names the file. May be repeated.")
    var traceConfig: [String] = []
    @Option(help: "Engine settings: 'onnxruntime,KEY=VALUE'. May be repeated.")
    var backendConfig: [String] = []

    // Accepted so that a Triton command line starts as it is; each is named in the log.
    @Option(help: .hidden) var modelLoadThreadCount: String?
    @Option(help: .hidden) var cacheConfig: [String] = []
    @Option(help: .hidden) var hostPolicy: [String] = []
    @Option(help: .hidden) var metricsConfig: [String] = []
    @Option(help: .hidden) var metricsIntervalMs: String?
    @Option(help: .hidden) var allowCpuMetrics: String?
    @Option(help: .hidden) var allowGpuMetrics: String?
    @Option(help: .hidden) var cudaMemoryPoolByteSize: [String] = []
    @Option(help: .hidden) var pinnedMemoryPoolByteSize: String?
    @Option(help: .hidden) var minSupportedComputeCapability: String?
    @Option(help: .hidden) var backendDirectory: String?
    @Option(help: .hidden) var exitOnError: String?
    @Option(help: .hidden) var rateLimit: String?
    @Option(help: .hidden) var httpThreadCount: String?
    @Option(help: .hidden) var grpcInferAllocationPoolSize: String?
    @Option(help: .hidden) var disableAutoCompleteConfig: String?

    /// The flags that were given and do nothing here.
    var ignored: [String] {
        var names: [String] = []
        func note(_ name: String, _ given: Bool) { if given { names.append("--\(name)") } }
        note("model-load-thread-count", modelLoadThreadCount != nil)
        note("cache-config", !cacheConfig.isEmpty)
        note("host-policy", !hostPolicy.isEmpty)
        note("metrics-config", !metricsConfig.isEmpty)
        note("metrics-interval-ms", metricsIntervalMs != nil)
        note("allow-cpu-metrics", allowCpuMetrics != nil)
        note("allow-gpu-metrics", allowGpuMetrics != nil)
        note("cuda-memory-pool-byte-size", !cudaMemoryPoolByteSize.isEmpty)
        note("pinned-memory-pool-byte-size", pinnedMemoryPoolByteSize != nil)
        note("min-supported-compute-capability", minSupportedComputeCapability != nil)
        note("backend-directory", backendDirectory != nil)
        note("exit-on-error", exitOnError != nil)
        note("rate-limit", rateLimit != nil)
        note("http-thread-count", httpThreadCount != nil)
        note("grpc-infer-allocation-pool-size", grpcInferAllocationPoolSize != nil)
        note("disable-auto-complete-config", disableAutoCompleteConfig != nil)
        let isPlain = !grpcUseSsl && !grpcUseSslMutual
        note("grpc-server-cert without --grpc-use-ssl", isPlain && grpcServerCert != nil)
        note("grpc-server-key without --grpc-use-ssl", isPlain && grpcServerKey != nil)
        let isMutual = grpcUseSslMutual
        note("grpc-root-cert without --grpc-use-ssl-mutual", !isMutual && grpcRootCert != nil)
        return names
    }
}

/// The flags of `serve` that are Sluice's own.
struct SluiceOptions: ParsableArguments {
    @Option(help: "One word for all three layers: \(SystemName.words.joined(separator: ", ")).")
    var system: String?
    @Option(help: "How devices are split: \(PlannerCatalogue.names.joined(separator: ", ")).")
    var planner: String?
    @Option(help: "Which batch starts when: \(PolicyNames.known.joined(separator: ", ")).")
    var policy: String?
    @Option(
        help:
            "Who changes batch limits and instances: \(ScalerNames.known.joined(separator: ", "))."
    )
    var scaler: String?
    @Option(
        help: "Serve from devices that exist as arithmetic: COUNTxKIND[,...], as 4xrtx-2080ti."
    )
    var emulate: String?
    @Option(
        help: ArgumentHelp(
            "Keep measured latencies in this folder for the next start, or 'none': only while it "
                + "runs. Planners by demand alone need them. Usual: the user's cache folder.",
            valueName: "folder"
        )
    )
    var profileStore: String?
    @Option(
        help: "A folder of profiles that sluice profile measured here, or a file. May be repeated."
    )
    var profiles: [String] = []
    @Option(help: "Whether what planners only guess is measured in idle time.")
    var idleProfiling = true
    @Option(help: "Keep a journal of every decision in this file, for sluice replay.")
    var journal: String?
    @Option(help: "Seconds that the server still serves after it calls itself not ready.")
    var drainSeconds = 5
    @Flag(help: "On GPUs, capture a CUDA graph of every batch size at warm-up and replay it.")
    var cudaGraphs = false
    @Flag(help: "Answer with Triton's status codes where Sluice's differ.")
    var tritonCompatErrors = false
    @Option(help: "ONNX Runtime's shared library; found by itself if not given.")
    var onnxruntime: String?
    @Option(
        help: "Run a lone request on the network thread if it should take less (us); 0 = never."
    )
    var inlineBelowUs: Int64 = 100
    @Option(
        help: ArgumentHelp(
            "Whether low-priority batches on CPU cores run only while no high one wants the core; "
                + "needs CAP_SYS_NICE. Policies that know no classes ignore it."
        )
    )
    var lowGivesWay = true
    @Option(help: "The server's certificate chain, a PEM file: the HTTP endpoint speaks HTTPS.")
    var httpsCert: String?
    @Option(help: "The private key of --https-cert, a PEM file.") var httpsKey: String?
    @Option(help: "What HTTPS clients' certificates must be signed by, a PEM file; all need one.")
    var httpsClientCa: String?
    @Option(help: "The most requests in the server at once.") var maxRequests: Int32 = 16_384
    @Option(help: "The most requests of one model that may wait.") var maxQueue: Int32 = 4_096
    @Option(help: "The most connections per endpoint.") var maxConnections = 1_024

    /// Planner, scaler and policy after `--system` and the single flags.
    func layers() throws -> (planner: String, scaler: String, policy: String) {
        let word = system ?? "edf"
        guard let base = SystemName.layers(of: word) else {
            throw CommandFailure(
                OptionedName.unknown("system", word, known: SystemName.words)
            )
        }
        return (planner ?? base.planner, scaler ?? base.scaler, policy ?? base.policy)
    }
}
