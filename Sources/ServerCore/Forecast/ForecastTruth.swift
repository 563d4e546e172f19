public import ServingDomain

/// What a simulator can tell in advance (policy `oracle`): nothing else may know it. An object,
/// since it goes wherever settings go.
public protocol ForecastTruth: AnyObject, Sendable {
    /// Real / profiled time alone of the batch of `model` that will be launched as number `draw`.
    func factor(of model: ModelID, draw: UInt64) -> Double

    /// The rates of progress of stages that run side by side on a device, 0...1 each.
    func progress(of stages: [TrueStage], into rates: inout [Double])
}

/// A running stage, as far as a truth must know it.
public struct TrueStage: Hashable, Sendable {
    /// The model.
    public var model: ModelID
    /// Items in the batch.
    public var items: Int32
    /// Whether it is of class high.
    public var isHigh: Bool

    /// Creates a stage.
    public init(model: ModelID, items: Int32, isHigh: Bool) {
        self.model = model
        self.items = items
        self.isHigh = isHigh
    }
}
