public import ServingDomain

/// How long a model's batches take on a device that exists as arithmetic.
public struct VirtualModel: Hashable, Sendable {
    /// Median latency by batch and units.
    public var surface: LatencySurface
    /// What varies from run to run.
    public var noise: LatencyNoise
    /// Pieces of equal length into which a run may be cut, at least 1.
    public var segments: Int32

    /// Creates a model.
    public init(surface: LatencySurface, noise: LatencyNoise = .none, segments: Int32 = 1) {
        precondition(segments >= 1)
        self.surface = surface
        self.noise = noise
        self.segments = segments
    }

    /// The time of a whole run; nil beyond the profile, where nothing is known.
    ///
    /// - Parameters:
    ///   - batch: Items in the batch.
    ///   - units: Units of the device that it runs on.
    ///   - draw: The number of the run, which picks its noise.
    public func latency(batch: Int32, units: Int32, draw: UInt64) -> TimeSpan? {
        surface.latency(batch: batch, units: units).map { noise.apply(to: $0, draw: draw) }
    }

    /// The time of the given segments of a run; the segments of a run sum to the whole of it.
    public func latency(
        batch: Int32,
        units: Int32,
        segments part: Range<Int32>,
        draw: UInt64
    ) -> TimeSpan? {
        precondition(part.lowerBound >= 0 && part.upperBound <= segments)
        guard let whole = latency(batch: batch, units: units, draw: draw) else { return nil }
        let count = Int64(segments)
        let end =
            whole.nanoseconds / count * Int64(part.upperBound) + remainder(whole, part.upperBound)
        let begin =
            whole.nanoseconds / count * Int64(part.lowerBound) + remainder(whole, part.lowerBound)
        return TimeSpan(nanoseconds: end - begin)
    }

    /// What integer division left over, for the first `boundary` segments.
    private func remainder(_ whole: TimeSpan, _ boundary: Int32) -> Int64 {
        let count = Int64(segments)
        return whole.nanoseconds % count * Int64(boundary) / count
    }
}
