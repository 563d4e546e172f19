public import ServingDomain
public import Workloads

/// What one model is asked.
public struct ModelLoad: Hashable, Sendable {
    /// The model's name.
    public var name: String
    /// The version; nil = the server's choice.
    public var version: Int64?
    /// When requests are sent.
    public var process: ArrivalProcess
    /// The priority that requests name; 0 = none.
    public var priority: UInt64
    /// The timeout that requests name; nil = none.
    public var timeout: TimeSpan?
    /// An answer that takes longer counts as late, whatever the server says of it; nil = the
    /// server's word alone. For servers that don't know the objective themselves.
    public var objective: TimeSpan?

    /// Creates the load of one model.
    public init(
        name: String,
        version: Int64? = nil,
        process: ArrivalProcess,
        priority: UInt64 = 0,
        timeout: TimeSpan? = nil,
        objective: TimeSpan? = nil
    ) {
        self.name = name
        self.version = version
        self.process = process
        self.priority = priority
        self.timeout = timeout
        self.objective = objective
    }
}

extension ArrivalProcess {
    /// When the process ends by itself; nil where it does not.
    var lastTime: TimeSpan? {
        if case .trace(let times) = self { times.last } else { nil }
    }

    /// The clients of a closed loop; nil for an open one.
    var clients: Int? {
        if case .closed(let concurrency) = self { concurrency } else { nil }
    }
}
