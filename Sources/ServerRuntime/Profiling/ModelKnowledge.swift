public import ServingDomain

/// What is known of model files before they have run here: what was measured earlier, and guesses.
///
/// All calls read or write files and may take long; the runtime makes them on its loading threads
/// only.
public protocol ModelKnowledge: Sendable {
    /// Latencies of a model on a device, rows that nobody has measured marked as such
    /// (`DeviceProfile.estimatedUnits`); nil where nothing is known.
    func profile(of artifact: ModelArtifact, on device: DeviceSpec) -> DeviceProfile?

    /// The largest batch whose latency on so many units was measured, and not guessed; nil where
    /// none was.
    func largestMeasured(
        of artifact: ModelArtifact,
        on device: DeviceSpec,
        units: Int32
    ) -> Int32?

    /// Keeps what was measured, for the next start. A failure is logged, not thrown: serving goes
    /// on without.
    func keep(
        _ points: [LatencySurface.Point],
        of artifact: ModelArtifact,
        on device: DeviceSpec
    )

    /// Keeps what co-runners were seen to cost, per kind of device, for the next start. A failure
    /// is logged, not thrown.
    func keep(_ contention: [PlanInputs.KindContention], on devices: [DeviceSpec])
}

extension ModelKnowledge {
    /// Nothing is known to have run.
    public func largestMeasured(
        of artifact: ModelArtifact,
        on device: DeviceSpec,
        units: Int32
    ) -> Int32? { nil }

    /// Keeps nothing.
    public func keep(_ contention: [PlanInputs.KindContention], on devices: [DeviceSpec]) {}
}
