public import Planning
public import ServerCore
public import ServingDomain
public import VirtualDevices
import Workloads

/// Everything that a simulation is made from; the same setup gives the same run, order by order.
///
/// Times of loads, faults and windows count from the begin of the load: before it models are
/// loaded and the first plan is rolled out, which takes virtual time too.
public struct SimulationSetup: Sendable {
    /// Where plans come from.
    public enum Plans: Sendable {
        /// A planner of the catalogue by name, options included.
        case planner(String)
        /// A planner that need not have a name.
        case custom(any Planner)
        /// One plan for ever, less the devices that are lost.
        case fixed(Plan)
    }

    /// The seed of arrivals and noise.
    public var seed: UInt64 = 1
    /// The devices, in order of their identifiers.
    public var devices: [DeviceSpec]
    /// What really happens when stages run side by side, by device; empty = nobody disturbs
    /// anybody.
    public var truths: [any TrueContention] = []
    /// The models, in order of their identifiers.
    public var models: [SimulatedModel]
    /// Who sends requests.
    public var loads: [RequestLoad]
    /// Who sends requests to whole applications.
    public var graphs: [GraphLoad] = []
    /// Where plans come from.
    public var plans = Plans.planner("whole")
    /// The dispatch policy by name, options included.
    public var policy = "edf"
    /// The scaler by name.
    public var scaler = "none"
    /// When plans are made anew because demand drifts; nil = never.
    public var epochs: EpochRules?
    /// What planners are told of contention; what is missing costs nothing.
    public var beliefs: [PlanInputs.KindContention] = []
    /// What the core's forecast begins with; what is missing begins with its own prior.
    public var priors: [PlanInputs.KindContention] = []
    /// What planners are told of models that are slower than profiled.
    public var corrections: [PlanInputs.Correction] = []
    /// The rate of each model in thousandths of a request per second, as planners are told
    /// before there is anything to measure; nil = what loads and graphs have on average.
    public var declared: [Int64]?
    /// What goes wrong.
    public var faults: [Fault] = []
    /// How long loading, planning and changing take.
    public var durations = ControlDurations()
    /// The first part of the load, which does not count.
    public var warmUp = TimeSpan.zero
    /// The length of the load, `warmUp` included.
    public var duration: TimeSpan
    /// How long after the load's end requests may take to end.
    public var patience = TimeSpan.seconds(120)
    /// The core's capacities.
    public var limits = CoreLimits()
    /// Whether every event is audited.
    public var audits = true
    /// The length of one window of the ledger's series.
    public var window = TimeSpan.seconds(1)
    /// How many stages the timeline keeps, the first ones after `warmUp`; 0 = none.
    public var timelineLimit = 0

    /// Creates a setup from what has no usual value.
    public init(
        devices: [DeviceSpec],
        models: [SimulatedModel],
        loads: [RequestLoad],
        duration: TimeSpan
    ) {
        self.devices = devices
        self.models = models
        self.loads = loads
        self.duration = duration
    }

    /// What is wrong, in one line: what, the limit, the next step; nil when it can be run.
    public var flaw: String? {
        if devices.isEmpty { return "there are no devices; give at least one" }
        if models.isEmpty { return "there are no models; give at least one" }
        if loads.isEmpty && graphs.isEmpty { return "nobody sends requests; give a load" }
        if duration <= .zero || duration > .seconds(1_000_000) {
            return "the duration is \(duration.inSeconds) s, but must lie within 0 (excluded) "
                + "to 1000000 s"
        }
        if warmUp < .zero || warmUp >= duration {
            return "the warm-up (\(warmUp.inSeconds) s) must be shorter than the duration "
                + "(\(duration.inSeconds) s)"
        }
        if window < .milliseconds(1) { return "windows must be at least 1 ms long" }
        if !truths.isEmpty && truths.count != devices.count {
            return "there are \(truths.count) truths about \(devices.count) devices; give one each"
        }
        if let declared, declared.count != models.count {
            return "\(declared.count) rates are declared for \(models.count) models; give one each"
        }
        return flawOfParts
    }

    private var flawOfParts: String? {
        for (place, device) in devices.enumerated() where device.id.position != place {
            return "device '\(device.name)' has number \(device.id.index), but stands at \(place)"
        }
        for (place, model) in models.enumerated() where model.spec.id.position != place {
            let spec = model.spec
            return "model '\(spec.name)' has number \(spec.id.index), but stands at \(place)"
        }
        for load in loads {
            guard models.indices.contains(load.model.position) else {
                return "a load asks for model \(load.model.index); there are \(models.count)"
            }
            if let flaw = load.process.flaw {
                return "load of '\(models[load.model.position].spec.name)': \(flaw)"
            }
            if load.items < 1 { return "a load brings \(load.items) items; it must be at least 1" }
        }
        for load in graphs {
            if let flaw = load.flaw(models: models.count) { return flaw }
        }
        return nil
    }
}

/// One model: what the core is told of it, and how it really behaves.
public struct SimulatedModel: Sendable {
    /// What the core and planners are told.
    public var spec: ModelSpec
    /// How it behaves.
    public var truth: ModelTruth

    /// Creates a model; without a truth, what is told is right.
    public init(_ spec: ModelSpec, truth: ModelTruth? = nil) {
        self.spec = spec
        self.truth = truth ?? ModelTruth(of: spec)
    }
}

/// How long everything takes that is not a batch.
public struct ControlDurations: Hashable, Sendable {
    /// From the question for a plan until the answer.
    public var planning = TimeSpan.milliseconds(10)
    /// Opening a gpulet.
    public var open = TimeSpan.milliseconds(50)
    /// Changing the units of a drained gpulet.
    public var pin = TimeSpan.milliseconds(20)
    /// Closing a drained gpulet.
    public var close = TimeSpan.milliseconds(20)
    /// Loading an instance whose profile says nothing of it.
    public var start = TimeSpan.milliseconds(500)
    /// Ending an instance.
    public var stop = TimeSpan.milliseconds(10)
    /// From a launch until its lane thread begins.
    public var launch = TimeSpan.zero
    /// Between client and server, there and back: clients count it, the core doesn't see it.
    public var transport = TimeSpan.zero
    /// From `terminate` until the engine gives up.
    public var terminate = TimeSpan.milliseconds(1)

    /// The usual durations.
    public init() {}
}
