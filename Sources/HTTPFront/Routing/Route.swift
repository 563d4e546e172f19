import NIOHTTP1

/// What a path asks for.
enum Route: Hashable, Sendable {
    /// `/v2`.
    case server
    /// `/v2/health/live` and `/v2/health/ready`.
    case live, ready
    /// A model's endpoint.
    case model(ModelCall, name: String, version: Int64?)
    /// `/v2/models/stats`.
    case allStatistics
    /// Trace settings, of all models or of one.
    case trace(model: String?)
    /// Log settings.
    case logging
    /// The repository's index.
    case index
    /// Load or unload.
    case repository(RepositoryCall, name: String)
    /// A repository by name, which there is none of.
    case namedRepository
    /// Shared memory.
    case memory(MemoryKind, MemoryCall, region: String?)
    /// `/v1/plan`: what the server does and why; with a demand, what it would do.
    case plan
    /// `/v1/devices`: what there is to run models on.
    case devices
    /// `/v1/devices/NAME/lost` and `/back`.
    case device(name: String, isBack: Bool)
    /// `/metrics`, on its own listener.
    case metrics

    /// What is asked of a model.
    enum ModelCall: Hashable, Sendable {
        case metadata, ready, infer, config, statistics, generate
    }

    /// What is asked of the repository about a model.
    enum RepositoryCall: Hashable, Sendable { case load, unload }

    /// The two kinds of shared memory.
    enum MemoryKind: Hashable, Sendable { case system, cuda }

    /// What is asked of shared memory.
    enum MemoryCall: Hashable, Sendable { case status, register, unregister }

    /// Whether a verb goes with the path.
    func takes(_ method: HTTPMethod) -> Bool {
        switch self {
        case .trace, .logging, .plan: method == .GET || method == .POST
        default: method == (isPost ? .POST : .GET)
        }
    }

    /// The verbs that go with the path, as the `Allow` header says them.
    var verbs: String {
        switch self {
        case .trace, .logging, .plan: "GET, POST"
        default: isPost ? "POST" : "GET"
        }
    }

    /// The group that restrictions name; nil for what can't be restricted.
    var group: APIGroup? {
        switch self {
        case .server, .model(.metadata, _, _): .metadata
        case .live, .ready, .model(.ready, _, _): .health
        case .model(.infer, _, _), .model(.generate, _, _): .inference
        case .model(.config, _, _), .plan: .modelConfig
        case .model(.statistics, _, _), .allStatistics: .statistics
        case .trace: .trace
        case .logging: .logging
        case .index, .repository, .namedRepository, .devices, .device: .modelRepository
        case .memory: .sharedMemory
        case .metrics: nil
        }
    }

    private var isPost: Bool {
        switch self {
        case .model(.infer, _, _), .model(.generate, _, _), .index, .repository,
            .namedRepository, .device, .memory(_, .register, _), .memory(_, .unregister, _):
            true
        default: false
        }
    }
}
