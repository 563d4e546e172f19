/// When the parts of a stage began and ended, by the driver's clock.
///
/// Parts that a stage does not have begin and end at the same point.
public struct StageTimes: Hashable, Sendable {
    /// Gather and copy to the device.
    public var copyInBegan: Instant, copyInEnded: Instant
    /// The engine's own run.
    public var runBegan: Instant, runEnded: Instant
    /// Copy from the device and scatter.
    public var copyOutBegan: Instant, copyOutEnded: Instant

    /// Creates the times of one stage.
    public init(
        copyInBegan: Instant,
        copyInEnded: Instant,
        runBegan: Instant,
        runEnded: Instant,
        copyOutBegan: Instant,
        copyOutEnded: Instant
    ) {
        self.copyInBegan = copyInBegan
        self.copyInEnded = copyInEnded
        self.runBegan = runBegan
        self.runEnded = runEnded
        self.copyOutBegan = copyOutBegan
        self.copyOutEnded = copyOutEnded
    }

    /// From the first copy to the last.
    public var total: TimeSpan { copyOutEnded - copyInBegan }
}
