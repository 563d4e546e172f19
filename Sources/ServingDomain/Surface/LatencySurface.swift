/// Measured latency of a model by batch, units and instances, with one stated interpolation.
///
/// A profiled point counts as it is. Between two profiled batches latency is linear in the
/// batch. Units that were not profiled count as the next smaller profiled number. Beyond the
/// profile there is no answer: nothing is extrapolated (design, section 4, rule 1). Where k
/// instances at once were not profiled, each counts as k times slower than one alone.
public struct LatencySurface: Hashable, Sendable {
    /// One measurement: the median latency of a batch on a share of a device.
    public struct Point: Hashable, Sendable {
        /// Items in the batch, at least 1.
        public var batch: Int32
        /// Units of the device that the batch ran on, at least 1.
        public var units: Int32
        /// Batches of the model that ran on these units at once, this one included.
        public var instances: Int32
        /// The median latency.
        public var latency: TimeSpan
        /// The 99th percentile; nil = not known.
        public var p99: TimeSpan?

        /// Creates one measured point.
        public init(
            batch: Int32,
            units: Int32,
            instances: Int32 = 1,
            latency: TimeSpan,
            p99: TimeSpan? = nil
        ) {
            self.batch = batch
            self.units = units
            self.instances = instances
            self.latency = latency
            self.p99 = p99
        }

        fileprivate var place: (Int32, Int32, Int32) { (instances, units, batch) }
    }

    /// All points, ascending by instances, then by units, then by batch.
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
        precondition(point.batch >= 1 && point.units >= 1 && point.instances >= 1)
        precondition(point.latency >= .zero && point.p99.map { $0 >= .zero } ?? true)
        let place = firstPlace(notBefore: point.place)
        if place < points.count, points[place].place == point.place {
            points[place] = point
        } else {
            points.insert(point, at: place)
        }
    }

    /// The median latency of `batch` items on `units`; nil beyond the profile.
    ///
    /// - Parameter instances: Batches of the model that run on these units at once, this one
    ///   included; without rows of their own they take turns.
    ///
    /// Cost: O(log n), no allocation.
    public func latency(batch: Int32, units: Int32, instances: Int32 = 1) -> TimeSpan? {
        value(batch, units, instances) { $0.latency }
    }

    /// The 99th percentile of the same; nil beyond the profile or where it was not measured.
    public func p99(batch: Int32, units: Int32, instances: Int32 = 1) -> TimeSpan? {
        value(batch, units, instances) { $0.p99 }
    }

    /// The largest batch profiled for `units`; nil if there is none.
    public func largestBatch(units: Int32) -> Int32? {
        guard let row = profiledUnits(atMost: units, instances: 1) else { return nil }
        let end = firstPlace(notBefore: (1, row, .max))
        return points[end - 1].batch
    }

    private func value(
        _ batch: Int32,
        _ units: Int32,
        _ instances: Int32,
        of part: (Point) -> TimeSpan?
    ) -> TimeSpan? {
        if let found = profiled(batch, units, instances, of: part) { return found }
        guard instances > 1 else { return nil }
        return profiled(batch, units, 1, of: part).map { $0 * Int64(instances) }
    }

    private func profiled(
        _ batch: Int32,
        _ units: Int32,
        _ instances: Int32,
        of part: (Point) -> TimeSpan?
    ) -> TimeSpan? {
        guard let row = profiledUnits(atMost: units, instances: instances) else { return nil }
        let place = firstPlace(notBefore: (instances, row, batch))
        guard place < points.count, isRow(place, instances, row) else { return nil }
        let upper = points[place]
        if upper.batch == batch { return part(upper) }
        guard place > 0, isRow(place - 1, instances, row), let high = part(upper),
            let low = part(points[place - 1])
        else { return nil }
        let lower = points[place - 1].batch
        let rise = (high - low).nanoseconds
        let (product, overflow) = rise.multipliedReportingOverflow(by: Int64(batch - lower))
        let width = Int64(upper.batch - lower)
        let step = overflow ? rise / width &* Int64(batch - lower) : product / width
        return low + TimeSpan(nanoseconds: step)
    }

    private func isRow(_ place: Int, _ instances: Int32, _ units: Int32) -> Bool {
        points[place].instances == instances && points[place].units == units
    }

    private func profiledUnits(atMost units: Int32, instances: Int32) -> Int32? {
        let end = firstPlace(notBefore: (instances, units, .max))
        guard end > 0, points[end - 1].instances == instances else { return nil }
        return points[end - 1].units
    }

    private func firstPlace(notBefore place: (Int32, Int32, Int32)) -> Int {
        var low = 0
        var high = points.count
        while low < high {
            let middle = (low + high) / 2
            if points[middle].place < place { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
