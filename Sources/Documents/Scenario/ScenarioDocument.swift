public import ServingDomain
public import Workloads

/// Everything that a simulation is made from, as a scenario file says it, other files read in.
public struct ScenarioDocument: Hashable, Sendable {
    /// Requests for one model.
    public struct Load: Hashable, Sendable {
        /// The model.
        public var model: ModelID
        /// When they come.
        public var arrivals: ArrivalProcess
        /// Their class; nil = the model's.
        public var priority: PriorityClass?
        /// The items that each brings.
        public var items: Int32 = 1
        /// The client's own timeout; nil = it waits for ever.
        public var timeout: TimeSpan?
        /// Their objective; nil = the model's.
        public var slo: TimeSpan?

        /// Creates a load.
        public init(model: ModelID, arrivals: ArrivalProcess) {
            self.model = model
            self.arrivals = arrivals
        }
    }

    /// Requests for one application.
    public struct GraphLoad: Hashable, Sendable {
        /// The application.
        public var graph: Graph
        /// When they come.
        public var arrivals: ArrivalProcess

        /// Creates a load.
        public init(graph: Graph, arrivals: ArrivalProcess) {
            self.graph = graph
            self.arrivals = arrivals
        }
    }

    /// Something that goes wrong.
    public struct Fault: Hashable, Sendable {
        /// What goes wrong.
        public enum Kind: Hashable, Sendable {
            /// A device does not answer.
            case lost(DeviceID)
            /// A device takes longer, by this factor in thousandths.
            case slow(DeviceID, milli: Int32)
            /// Instances of a model can't be loaded.
            case failedLoad(ModelID)
            /// Batches of a model that start meanwhile never end by themselves.
            case hangs(ModelID)
            /// The same, and the engine does not end them when it is told to.
            case deaf(ModelID)
        }

        /// What goes wrong.
        public var kind: Kind
        /// When it begins, from the begin of the load.
        public var at: TimeSpan
        /// How long it lasts; nil = for good.
        public var duration: TimeSpan?

        /// Creates a fault.
        public init(kind: Kind, at: TimeSpan, duration: TimeSpan?) {
            self.kind = kind
            self.at = at
            self.duration = duration
        }
    }

    /// When plans are made anew because demand drifts.
    public struct Epochs: Hashable, Sendable {
        /// Whose rules they are.
        public enum Rules: String, Hashable, Sendable, CaseIterable {
            /// Ours.
            case standard
            /// gpu-lets' on-line loop.
            case gpulets
        }

        /// Whose rules they are.
        public var rules: Rules
        /// The length of an epoch; nil = as the rules have it.
        public var every: TimeSpan?

        /// Creates epochs.
        public init(_ rules: Rules, every: TimeSpan? = nil) {
            self.rules = rules
            self.every = every
        }
    }

    /// How reality differs from what was profiled.
    public struct Noise: Hashable, Sendable {
        /// What really happens when batches run side by side.
        public enum Contention: String, Hashable, Sendable, CaseIterable {
            /// Nobody disturbs anybody.
            case none
            /// Just what the devices' descriptions say.
            case described
            /// A truth that no linear model knows, for devices that share memory and caches.
            case saturating
        }

        /// Standard deviation of the logarithm of a run's time, 0...1.
        public var spread = 0.0
        /// What really happens side by side.
        public var contention = Contention.described
        /// Multiplies what contention costs beyond 1.
        public var strength = 1.0

        /// No noise; what devices' descriptions say is right.
        public init() {}
    }

    /// The seed of arrivals and noise.
    public var seed: UInt64 = 1
    /// The first part of the load, which does not count.
    public var warmUp = TimeSpan.zero
    /// The length of the load, `warmUp` included.
    public var duration: TimeSpan
    /// The devices.
    public var devices: [DeviceSpec]
    /// What planners are told of contention, by kind of device.
    public var contention: [PlanInputs.KindContention] = []
    /// The models, with the profiles that fit the devices.
    public var models: [ModelSpec]
    /// The rate of each model that planners are told, in thousandths of a request per second;
    /// nil = what the loads have on average.
    public var declared: [Int64?]
    /// Requests for models.
    public var loads: [Load]
    /// Requests for applications.
    public var graphs: [GraphLoad] = []
    /// The three layers, by name.
    public var planner: String, scaler: String, policy: String
    /// When plans are made anew because demand drifts; nil = only when devices or models change.
    public var epochs: Epochs?
    /// What goes wrong.
    public var faults: [Fault] = []
    /// How reality differs from what was profiled.
    public var noise = Noise()
    /// What looks wrong and is taken as it is, one line each.
    public var warnings: [String] = []
}
