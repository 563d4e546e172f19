/// What a planner is told: demand, devices, models, and the plan that stands.
public struct PlanInputs: Hashable, Sendable {
    /// The devices that are there, in order of their identifiers.
    public var devices: [DeviceSpec]
    /// The models to place, in order of their identifiers, with their latest surfaces.
    public var models: [ModelSpec]
    /// The rate of each model in thousandths of a request per second, in the order of `models`.
    public var milliRates: [Int64]
    /// The plan that stands; nil before the first.
    public var present: Plan?

    /// Creates the inputs of one planning run.
    public init(
        devices: [DeviceSpec],
        models: [ModelSpec],
        milliRates: [Int64],
        present: Plan?
    ) {
        precondition(models.count == milliRates.count)
        self.devices = devices
        self.models = models
        self.milliRates = milliRates
        self.present = present
    }
}
