public import ServingDomain

/// What one model takes on the devices of one kind, learned corrections included.
///
/// This is L(batch, share) of the rules for valid plans (design, section 4, rule 1), so planners
/// and audit can't disagree about it.
public struct ModelLatencies: Sendable {
    /// The model's place in the inputs.
    public let place: Int
    /// The largest batch that the model takes at all.
    public let maxBatch: Int32
    /// Measured / profiled, in thousandths.
    public let correctionMilli: Int64
    /// What the host takes around each batch.
    public let host: HostTime
    /// What was measured; nil where the model has no profile on this kind of device.
    public let profile: DeviceProfile?

    private let surface: LatencySurface

    /// The latencies of model number `place` of `inputs` on devices of `kind`; nil without any.
    public init?(of place: Int, on kind: String, in inputs: PlanInputs) {
        let model = inputs.models[place]
        guard let surface = model.surface(on: kind), !surface.points.isEmpty else { return nil }
        self.place = place
        self.surface = surface
        profile = model.profile(on: kind)
        maxBatch = model.maxBatch
        correctionMilli = Int64(max(1, inputs.correctionMilli(of: model.id, on: kind)))
        host = inputs.hostTime(of: model.id, on: kind)
    }

    /// The latency of `batch` items on `units` while `instances` batches run at once, the host's
    /// time included: a gpulet waits for it between two batches.
    ///
    /// nil beyond the profile or beyond the model's largest batch. Cost: O(log points).
    public func latency(batch: Int32, units: Int32, instances: Int32 = 1) -> TimeSpan? {
        guard batch >= 1, batch <= maxBatch, instances >= 1,
            let profiled = surface.latency(batch: batch, units: units, instances: instances)
        else { return nil }
        let (product, overflow) = profiled.nanoseconds
            .multipliedReportingOverflow(by: correctionMilli)
        let device = TimeSpan(nanoseconds: overflow ? .max / 4 : product / 1_000)
        return device + host.span(items: batch)
    }

    /// How much longer than `time` the slowest of a hundred batches take: as measured, else
    /// `ConfluenceProblem.assumedSpread`. In the unit of `time`.
    func spread(of time: Double, batch: Int32, units: Int32, instances: Int32 = 1) -> Double {
        guard
            let slowest = surface.p99(batch: batch, units: units, instances: instances),
            let median = surface.latency(batch: batch, units: units, instances: instances),
            median > .zero
        else { return time * ConfluenceProblem.assumedSpread }
        let ratio = Double(slowest.nanoseconds) / Double(median.nanoseconds)
        return time * max(0, ratio - 1)
    }

    /// Whether a batch of exactly this size was measured on exactly these units, or on those
    /// that they count as.
    func isProfiled(batch: Int32, units: Int32) -> Bool {
        var row: Int32 = 0
        for point in surface.points where point.instances == 1 && point.units <= units {
            row = max(row, point.units)
        }
        return surface.points.contains {
            $0.instances == 1 && $0.units == row && $0.batch == batch
        }
    }

    /// The largest batch that may be planned on `units`; 0 if there is none.
    public func largestBatch(units: Int32) -> Int32 {
        min(maxBatch, surface.largestBatch(units: units) ?? 0)
    }

    /// The latencies of batches 1, 2, ... on `units` in nanoseconds; `unplannable` where the
    /// profile does not reach. Cost: O(largest batch x log points).
    public func curve(units: Int32) -> [Int64] {
        let largest = largestBatch(units: units)
        guard largest >= 1 else { return [] }
        return (1...largest).map { batch in
            latency(batch: batch, units: units)?.nanoseconds ?? Self.unplannable
        }
    }

    /// Stands for a latency that nobody measured: longer than any objective, yet safe to add up.
    public static let unplannable: Int64 = .max / 1_024
}
