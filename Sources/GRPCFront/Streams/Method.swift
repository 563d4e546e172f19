/// The procedures that the server knows, by their paths.
enum Method: Hashable, Sendable {
    case modelInfer, modelStreamInfer
    case serverLive, serverReady, modelReady, serverMetadata, modelMetadata
    case modelConfig, modelStatistics
    case repositoryIndex, repositoryModelLoad, repositoryModelUnload
    case systemSharedMemoryStatus, systemSharedMemoryRegister, systemSharedMemoryUnregister
    case cudaSharedMemoryStatus, cudaSharedMemoryRegister, cudaSharedMemoryUnregister
    case traceSetting, logSettings
    case healthCheck, healthWatch

    /// The method at a path; nil for one that isn't served.
    ///
    /// Cost: one hash of the path; none for the path of an inference.
    init?(path: String) {
        if path == Self.inferPath {
            self = .modelInfer
        } else if let found = Self.others[path] {
            self = found
        } else {
            return nil
        }
    }

    private static let inferPath = "/inference.GRPCInferenceService/ModelInfer"

    private static let others: [String: Method] = {
        let inference: [(String, Method)] = [
            ("ModelStreamInfer", .modelStreamInfer),
            ("ServerLive", .serverLive),
            ("ServerReady", .serverReady),
            ("ModelReady", .modelReady),
            ("ServerMetadata", .serverMetadata),
            ("ModelMetadata", .modelMetadata),
            ("ModelConfig", .modelConfig),
            ("ModelStatistics", .modelStatistics),
            ("RepositoryIndex", .repositoryIndex),
            ("RepositoryModelLoad", .repositoryModelLoad),
            ("RepositoryModelUnload", .repositoryModelUnload),
            ("SystemSharedMemoryStatus", .systemSharedMemoryStatus),
            ("SystemSharedMemoryRegister", .systemSharedMemoryRegister),
            ("SystemSharedMemoryUnregister", .systemSharedMemoryUnregister),
            ("CudaSharedMemoryStatus", .cudaSharedMemoryStatus),
            ("CudaSharedMemoryRegister", .cudaSharedMemoryRegister),
            ("CudaSharedMemoryUnregister", .cudaSharedMemoryUnregister),
            ("TraceSetting", .traceSetting),
            ("LogSettings", .logSettings),
        ]
        var table = ["/grpc.health.v1.Health/Check": Method.healthCheck]
        table["/grpc.health.v1.Health/Watch"] = .healthWatch
        for (name, method) in inference {
            table["/inference.GRPCInferenceService/\(name)"] = method
        }
        return table
    }()
}
