import ServingDomain

/// Where plans, rollouts and removals stand.
struct ControlState: Sendable {
    /// Whether the server is going down.
    var isDraining = false
    /// The number of the last plan asked for.
    var epoch = Epoch.none
    /// When it was asked for.
    var asked = Instant.zero
    /// Whether rows were measured that it did not know.
    var hasNewRows = false
    /// Whether what stands is not what the last plan says, since something failed.
    var isGivenUp = false
    /// How many steps and starts have failed since a layout stood as planned, and when the last
    /// one did.
    var failures: Int64 = 0, failed = Instant.zero
    /// Whether its answer has not come yet.
    var isPlanning = false
    /// Whether something has changed since it was asked for.
    var needsPlan = false
    /// A plan that has come and is not being rolled out yet.
    var pending: (epoch: Epoch, plan: Plan)?
    /// The rollout under way.
    var rollout: Rollout?
    /// The step that a driver has in hand; nothing else is ordered until it reports.
    var awaited: (epoch: Epoch, step: RolloutStep, task: RolloutTask)?
    /// Models on their way out.
    var removing: [ModelID] = []
    /// When plans are made anew because demand drifts; nil = never.
    let rules: EpochRules?
    /// What is asked of each model; empty without rules.
    var demand: [DemandMeter]
    /// The units that scalers wished for when the last epoch ended, by gpulet; 0 = no fewer.
    var wishes: [Int32] = []
    /// When the present epoch ends; `distantFuture` without rules or before the first event.
    var epochEnd = Instant.distantFuture
    /// Engine calls that were told to end and have not.
    var hung: [HungCall] = []
    /// Instances that were given up and have not come back.
    var abandoned: [AbandonedInstance] = []
    /// Whether an instance could not be started for want of memory.
    var isStarved = false
    /// Whether memory has become free since, so that it is to be tried again.
    var hasNewMemory = false
    /// Whether the next plan is to be made without a look at the present one.
    var beginsAnew = false

    init(_ configuration: CoreConfiguration) {
        rules = configuration.epochs
        let models = rules == nil ? 0 : Int(configuration.limits.models)
        demand = Array(repeating: DemandMeter(), count: models)
    }

    /// Whether what failed is due to be tried again: ten seconds later under live rules, then
    /// twice as long each time, up to 64 times.
    func isRetryDue(at now: Instant) -> Bool {
        guard failures > 0 else { return true }
        guard let rules else { return false }
        return now - failed >= max(rules.calm, rules.period) * (1 << min(failures - 1, 6))
    }

    /// Takes note that a step, or the start of a lane's only instance, has failed.
    mutating func noteFailure(at now: Instant) {
        isGivenUp = true
        failures += 1
        failed = now
    }

    /// Takes note that a layout is given up, since a model would lose its last instances. What
    /// failed of it has mostly been noted; a model that may start nothing fails nowhere.
    mutating func noteStrand(at now: Instant) {
        if failures == 0 || failed < asked { noteFailure(at: now) }
        isGivenUp = true
    }

    /// Whether the control step has anything to do.
    var isBusy: Bool {
        needsPlan || pending != nil || rollout != nil || hasNewMemory || !removing.isEmpty
    }
}

/// An engine call that was told to end, and when it has had time enough.
struct HungCall: Sendable {
    var instance: InstanceID
    /// Its batch; nil = that has gone to another device, the instance is to stop.
    var batch: BatchID?
    var due: Instant
}

/// An instance that was given up: it holds memory until it comes back, whatever becomes of its
/// lane and its model meanwhile.
struct AbandonedInstance: Sendable {
    var instance: InstanceID
    var model: ModelID
    var device: DeviceID
    /// What it holds, by what was known of its model; 0 = nothing was.
    var weightsKiB: Int64, workspaceKiB: Int64
}

/// What is left to do of one plan.
struct Rollout: Sendable {
    /// The plan's number.
    var epoch: Epoch
    /// The changes of gpulets that have not been made; others have.
    var tasks: [RolloutTask]
}

/// One change of one gpulet.
enum RolloutTask: Hashable, Sendable {
    /// A new gpulet.
    case open(DeviceID, Plan.GpuletLayout)
    /// Other units for a gpulet that is there: it drains first.
    case resize(GpuletID, Plan.GpuletLayout)
    /// An end for a gpulet: it drains, its instances stop.
    case retire(GpuletID)
    /// An end for the lanes and instances of a gpulet that its layout does not have, once
    /// everything new stands.
    case trim(GpuletID, Plan.GpuletLayout)
}

extension CoreConfiguration {
    /// Refuses limits and devices that make no sense.
    func validate() throws(ConfigurationError) {
        if let flaw = epochs?.flaw { throw ConfigurationError(flaw) }
        let positive: [(String, Int32)] = [
            ("requests", limits.requests), ("queue", limits.queue), ("models", limits.models),
            ("levels", limits.levels), ("devices", limits.devices), ("gpulets", limits.gpulets),
            ("lanes", limits.lanes), ("instances", limits.instances),
            ("instancesPerLane", limits.instancesPerLane), ("batchItems", limits.batchItems),
            ("watchdogSeconds", limits.watchdogSeconds), ("graceSeconds", limits.graceSeconds),
            ("abandonedInstances", limits.abandonedInstances),
        ]
        for (name, value) in positive where value < 1 || value > 1 << 24 {
            throw ConfigurationError(
                "Limit '\(name)' is \(value), but must lie in 1...\(1 << 24); correct it."
            )
        }
        guard limits.models <= 1 << 16, limits.levels <= 256 else {
            throw ConfigurationError(
                "Limits models (\(limits.models)) and levels (\(limits.levels)) may be at most "
                    + "65536 and 256; lower them."
            )
        }
        guard devices.count <= Int(limits.devices) else {
            throw ConfigurationError(
                "\(devices.count) devices are configured, the limit is \(limits.devices); "
                    + "leave some out."
            )
        }
        for (place, device) in devices.enumerated() where device.id.position != place {
            throw ConfigurationError(
                "Device '\(device.name)' has number \(device.id.index), but stands at \(place); "
                    + "number devices from 0 in order."
            )
        }
    }
}
