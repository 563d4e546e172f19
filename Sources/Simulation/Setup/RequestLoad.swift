public import ServingDomain
public import Workloads

/// Requests for one model.
public struct RequestLoad: Hashable, Sendable {
    /// The model.
    public var model: ModelID
    /// When they come.
    public var process: ArrivalProcess
    /// Their level, 1 the highest; nil = what the model gives requests that name none.
    public var level: Int32?
    /// The items that each brings.
    public var items: Int32
    /// The client's own timeout; nil = it waits for ever.
    public var timeout: TimeSpan?
    /// The objective; nil = the model's own.
    public var slo: TimeSpan?

    /// Creates a load.
    public init(
        _ model: ModelID,
        _ process: ArrivalProcess,
        level: Int32? = nil,
        items: Int32 = 1,
        timeout: TimeSpan? = nil,
        slo: TimeSpan? = nil
    ) {
        self.model = model
        self.process = process
        self.level = level
        self.items = items
        self.timeout = timeout
        self.slo = slo
    }
}

/// Requests for a whole application.
public struct GraphLoad: Hashable, Sendable {
    /// The application.
    public var graph: Graph
    /// When they come.
    public var process: ArrivalProcess
    /// What each stage may take, for the deadlines of the stages before it; nil = as the plan
    /// expects.
    public var budgets: [TimeSpan]?

    /// Creates a load.
    public init(_ graph: Graph, _ process: ArrivalProcess, budgets: [TimeSpan]? = nil) {
        self.graph = graph
        self.process = process
        self.budgets = budgets
    }

    func flaw(models: Int) -> String? {
        if let flaw = process.flaw { return "graph '\(graph.name)': \(flaw)" }
        for stage in graph.stages where !(0..<models).contains(stage.model.position) {
            return "graph '\(graph.name)' asks for model \(stage.model.index); "
                + "there are \(models)"
        }
        if let budgets, budgets.count != graph.stages.count {
            return "graph '\(graph.name)' has \(budgets.count) budgets for "
                + "\(graph.stages.count) stages; give one each"
        }
        return nil
    }
}
