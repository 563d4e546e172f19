import CONNXRuntime
public import Logging
public import ServerRuntime
public import ServingDomain
import Synchronization

/// Runs ONNX models with ONNX Runtime, which is found at run time: on the CPU, and on NVIDIA GPUs
/// where they are asked for and found.
///
/// A model's file is read once and its sessions are shared as far as they can be: all instances
/// that run on one core use one session; an instance with several cores has a session, and so a
/// pool of threads, of its own (platform notes, G.3b).
public final class ONNXEngine: Engine {
    private let library: ONNXLibrary
    private let processors: Processors
    let gpus: [GPUDevice]
    private let provider: GPUProvider
    /// The version of NVIDIA's driver; nil where no GPU was taken.
    public let driverVersion: String?
    private let resident = Mutex<[WeightsKey: WeakWeights]>([:])

    /// Finds and opens ONNX Runtime.
    ///
    /// Call it on a thread of normal priority, before threads are pinned: the calling thread's
    /// cores are those that may be used, its priority that of the threads that will serve. The
    /// process's heap takes large blocks from the system from now on.
    /// - Parameters:
    ///   - library: The path of `libonnxruntime.so`; nil = what the environment variable
    ///     `SLUICE_ONNXRUNTIME` names, else `.engine` of the working directory or the executable's
    ///     checkout, else the system's.
    ///   - gpus: The GPUs to take; the server's process has them from now on.
    ///   - log: Where what was found is said.
    /// - Throws: `unavailable` where the library is missing or too old, or where GPUs that were
    ///   named can't be had.
    public convenience init(
        library: String? = nil,
        gpus: GPURequest = GPURequest(.none),
        log: Logger = Logger(label: "sluice.gpu")
    ) throws(EngineError) {
        let provider = GPUProvider(isHost: gpus.runsOnHost, capturesGraphs: gpus.cudaGraphs)
        try self.init(library: library, gpus: gpus, provider: provider, log: log)
    }

    /// The same with a provider of the caller's choice.
    init(
        library: String?,
        gpus: GPURequest,
        provider: GPUProvider,
        log: Logger
    ) throws(EngineError) {
        // Made here, by a thread of normal priority.
        _ = ThreadNursery.shared
        _ = ThreadNursery.mayRaise
        connx_map_large_blocks()
        self.library = try ONNXLibrary.open(library)
        processors = Processors()
        self.provider = provider
        (self.gpus, driverVersion) =
            try GPUSupport(request: gpus, library: self.library, log: log).devices()
        if provider.capturesGraphs, !self.gpus.isEmpty {
            try GPUSupport.checkGraphs(version: self.library.version)
            CaptureGate.use()
        }
    }

    /// The GPUs that were taken, as planner and core see them; none where the CPU serves.
    public var gpuSpecs: [DeviceSpec] { gpus.map(\.spec) }

    /// The version of ONNX Runtime that was found, such as `1.31.1`.
    public var libraryVersion: String { library.version }

    /// The path of the library that was found.
    public var libraryPath: String { library.path }

    /// The word that clients see.
    public var platform: String { "onnxruntime_onnx" }

    /// Reads a model, or finds it in memory when the same file is loaded with the same options.
    ///
    /// `artifact.signature` nil means the file's own order, batched when every input and output
    /// has a free first dimension.
    public func load(_ artifact: ModelArtifact) throws(EngineError) -> any LoadedModel {
        let file = try ModelFile(artifact)
        let settings = try SessionSettings(artifact.options)
        let key = WeightsKey(path: file.path, identity: file.identity, settings: settings)
        let known = resident.withLock { $0[key]?.weights }
        let weights: ModelWeights
        if let known {
            weights = known
        } else {
            weights = try ModelWeights(file: file, settings: settings, library: library)
            resident.withLock { table in
                table = table.filter { $0.value.weights != nil }
                table[key] = WeakWeights(weights: weights)
            }
        }
        let layout = try TensorLayout(artifact.signature, of: weights, title: file.title)
        return ONNXModel(
            weights: weights,
            layout: layout,
            processors: processors,
            gpus: gpus,
            provider: provider
        )
    }
}

/// What makes two loads the same.
private struct WeightsKey: Hashable {
    var path: String
    var identity: [Int64]
    var settings: SessionSettings
}

private struct WeakWeights {
    weak var weights: ModelWeights?
}
