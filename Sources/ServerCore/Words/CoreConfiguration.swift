public import ServingDomain

/// What a core is told once, when it is made; it stands in the journal's header.
public struct CoreConfiguration: Hashable, Sendable {
    /// The devices to serve from, in order of their identifiers.
    public var devices: [DeviceSpec]
    /// The dispatch policy by name, options included, such as `edf`.
    public var policy: String
    /// The scaler by name.
    public var scaler: String
    /// The planner by name; the driver runs it, the core only passes the name on.
    public var planner: String
    /// The capacities.
    public var limits: CoreLimits
    /// When plans are made anew because demand drifts; nil = never.
    public var epochs: EpochRules?
    /// What is known beforehand of what co-runners cost, per kind of device; where nothing is
    /// said the forecast begins with its prior.
    public var contention: [PlanInputs.KindContention]

    /// Creates a configuration.
    public init(
        devices: [DeviceSpec],
        policy: String = "edf",
        scaler: String = "none",
        planner: String = "whole",
        limits: CoreLimits = CoreLimits(),
        epochs: EpochRules? = nil,
        contention: [PlanInputs.KindContention] = []
    ) {
        self.devices = devices
        self.policy = policy
        self.scaler = scaler
        self.planner = planner
        self.limits = limits
        self.epochs = epochs
        self.contention = contention
    }
}
