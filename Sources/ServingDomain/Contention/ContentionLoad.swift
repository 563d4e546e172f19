/// What one running stage does to its device, as far as others on it feel it.
public struct ContentionLoad: Hashable, Sendable {
    /// The model, for tables of pairs.
    public var model: ModelID
    /// Items in its batch.
    public var batch: Int32
    /// How busy the batch keeps a whole device while alone, each 0...1.
    public var sm: Double, l2: Double, dram: Double
    /// The part of the device that its gpulet has, 0...1.
    public var fraction: Double
    /// Its class.
    public var priority: PriorityClass

    /// Creates a load.
    public init(
        model: ModelID,
        batch: Int32,
        utilization: Utilization,
        fraction: Double,
        priority: PriorityClass = .low
    ) {
        self.model = model
        self.batch = batch
        sm = utilization.sm
        l2 = utilization.l2
        dram = utilization.dram
        self.fraction = fraction
        self.priority = priority
    }
}
