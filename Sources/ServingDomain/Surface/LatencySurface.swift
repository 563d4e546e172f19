/// Measured latency of a model by batch and units, with one stated interpolation.
///
/// A profiled point counts as it is. Between two profiled batches latency is linear in the
/// batch. Units that were not profiled count as the next smaller profiled number. Beyond the
/// profile there is no answer: nothing is extrapolated (design, section 4, rule 1).
public struct LatencySurface: Hashable, Sendable {
    /// One measurement: the median latency of a batch on a share of a device.
    public struct Point: Hashable, Sendable {
        /// Items in the batch, at least 1.
        public var batch: Int32
        /// Units of the device that the batch ran on, at least 1.
        public var units: Int32
        /// The median latency.
        public var latency: TimeSpan

        /// Creates one measured point.
        public init(batch: Int32, units: Int32, latency: TimeSpan) {
            self.batch = batch
            self.units = units
            self.latency = latency
        }
    }

    /// All points, ascending by units, then by batch.
    public private(set) var points: [Point]

    /// Creates a surface; of several points at the same place the last one counts.
    ///
    /// Cost: O(n log n).
    public init(_ points: [Point]) {
        self.points = []
        self.points.reserveCapacity(points.count)
        for point in points { set(point) }
    }

    /// Adds a point, or replaces the one at its place. Cost: O(n).
    public mutating func set(_ point: Point) {
        precondition(point.batch >= 1 && point.units >= 1 && point.latency >= .zero)
        let place = firstPlace(notBefore: point.batch, units: point.units)
        if place < points.count, points[place].batch == point.batch,
            points[place].units == point.units
        {
            points[place] = point
        } else {
            points.insert(point, at: place)
        }
    }

    /// The latency of `batch` items on `units`; nil beyond the profile.
    ///
    /// Cost: O(log n), no allocation.
    public func latency(batch: Int32, units: Int32) -> TimeSpan? {
        guard let row = profiledUnits(atMost: units) else { return nil }
        let place = firstPlace(notBefore: batch, units: row)
        guard place < points.count, points[place].units == row else { return nil }
        let upper = points[place]
        if upper.batch == batch { return upper.latency }
        guard place > 0, points[place - 1].units == row else { return nil }
        let lower = points[place - 1]
        let rise = upper.latency - lower.latency
        let steps = Int64(batch - lower.batch)
        return lower.latency
            + TimeSpan(nanoseconds: rise.nanoseconds * steps / Int64(upper.batch - lower.batch))
    }

    /// The largest batch profiled for `units`; nil if there is none.
    public func largestBatch(units: Int32) -> Int32? {
        guard let row = profiledUnits(atMost: units) else { return nil }
        let end = firstPlace(notBefore: .max, units: row)
        return points[end - 1].batch
    }

    private func profiledUnits(atMost units: Int32) -> Int32? {
        let end = firstPlace(notBefore: .max, units: units)
        return end == 0 ? nil : points[end - 1].units
    }

    private func firstPlace(notBefore batch: Int32, units: Int32) -> Int {
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if (points[middle].units, points[middle].batch) < (units, batch) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }
}
