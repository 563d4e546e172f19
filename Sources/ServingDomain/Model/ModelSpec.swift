/// What the core must know of one version of one model to decide about its requests.
public struct ModelSpec: Hashable, Sendable {
    /// The model's place in the core's tables.
    public var id: ModelID
    /// The model's name, for people and files.
    public var name: String
    /// The model's version.
    public var version: Int64
    /// The most items in one batch, at least 1.
    public var maxBatch: Int32
    /// How requests are put together.
    public var batching: BatchingRules
    /// The levels that requests may name.
    public var priorities: PriorityRules
    /// The rules of each level's queue; position 0 is level 1; as many as there are levels.
    public var queues: [QueueRules]
    /// The latency objective of every request; nil = none.
    public var slo: TimeSpan?
    /// The percentile that the objective speaks of: 99 allows 1 % violations.
    public var percentile: Double
    /// How many instances to start with, and the most there may be.
    public var instances: Int32, instanceLimit: Int32
    /// The smallest and the largest part of a device that a plan may give, in per cent.
    public var minShare: Double, maxShare: Double
    /// Latency by batch and units on a device of a kind without a profile of its own; nil until
    /// something has been measured.
    public var surface: LatencySurface?
    /// What is known of it on each kind of device, in any order, at most one per kind.
    public var profiles: [DeviceProfile]
    /// Latencies that were estimated from a few probes, for the scaler; empty = none.
    public var estimates: [LatencyEstimate]
    /// Bytes of one item's inputs and outputs; 0 = not known.
    public var inputBytes: Int64, outputBytes: Int64
    /// What it counts beside models of the same class, in thousandths (policy `confluence`).
    public var weightMilli: Int32

    /// Creates a description; the defaults are those of a bare model file.
    public init(
        id: ModelID,
        name: String,
        version: Int64 = 1,
        maxBatch: Int32 = 1,
        batching: BatchingRules = .standard,
        priorities: PriorityRules = .standard,
        queues: [QueueRules]? = nil,
        slo: TimeSpan? = nil,
        percentile: Double = 99,
        instances: Int32 = 1,
        instanceLimit: Int32? = nil,
        minShare: Double = 0,
        maxShare: Double = 100,
        surface: LatencySurface? = nil,
        profiles: [DeviceProfile] = [],
        estimates: [LatencyEstimate] = [],
        inputBytes: Int64 = 0,
        outputBytes: Int64 = 0,
        weightMilli: Int32 = 1_000
    ) {
        precondition(maxBatch >= 1 && instances >= 1)
        self.id = id
        self.name = name
        self.version = version
        self.maxBatch = maxBatch
        self.batching = batching
        self.priorities = priorities
        self.queues =
            queues ?? Array(repeating: .standard, count: Int(priorities.levels))
        precondition(self.queues.count == Int(priorities.levels))
        self.slo = slo
        self.percentile = percentile
        self.instances = instances
        self.instanceLimit = instanceLimit ?? instances
        self.minShare = minShare
        self.maxShare = maxShare
        self.surface = surface
        self.profiles = profiles
        self.estimates = estimates
        self.inputBytes = inputBytes
        self.outputBytes = outputBytes
        self.weightMilli = weightMilli
    }

    /// What is known of it on devices of `kind`; nil if that is nothing. Cost: O(profiles).
    public func profile(on kind: String) -> DeviceProfile? {
        profiles.first { $0.kind == kind }
    }

    /// Its latencies on devices of `kind`: its profile's, else those of no kind in particular.
    public func surface(on kind: String) -> LatencySurface? {
        profile(on: kind)?.surface ?? surface
    }

    /// Takes over a profile, in place of the one of the same kind.
    public mutating func set(_ profile: DeviceProfile) {
        if let place = profiles.firstIndex(where: { $0.kind == profile.kind }) {
            profiles[place] = profile
        } else {
            profiles.append(profile)
        }
    }

    /// The class of requests that name no level.
    public var priority: PriorityClass { PriorityClass(level: priorities.defaultLevel) }
}
