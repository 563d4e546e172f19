/// A latency that was estimated, not measured, with how far it is to be trusted.
///
/// `Planning/Fit` completes a few probes with what a library of profiled models shows; scalers
/// start from the result instead of trying every setting.
public struct LatencyEstimate: Hashable, Sendable {
    /// Items in the batch, at least 1.
    public var batch: Int32
    /// Units of the device, at least 1.
    public var units: Int32
    /// Batches of the model that run on these units at once, this one included.
    public var instances: Int32
    /// The estimated mean latency.
    public var latency: TimeSpan
    /// One standard deviation of the relative error, in thousandths; 0 = measured after all.
    public var spreadMilli: Int32

    /// Creates an estimate.
    public init(
        batch: Int32,
        units: Int32,
        instances: Int32,
        latency: TimeSpan,
        spreadMilli: Int32
    ) {
        precondition(batch >= 1 && units >= 1 && instances >= 1 && spreadMilli >= 0)
        self.batch = batch
        self.units = units
        self.instances = instances
        self.latency = latency
        self.spreadMilli = spreadMilli
    }
}
