extension DeviceProfile {
    /// Takes measured latencies over.
    ///
    /// A guessed row that is measured is a guess no more. All rows that still are, and what was
    /// not measured of this one, become as much slower or faster as the guess was off. Cost:
    /// O(points of the surface x points).
    public mutating func take(_ points: [LatencySurface.Point]) {
        for units in estimatedUnits where points.contains(where: { $0.units == units }) {
            let ratio = milliRatio(of: points, to: units)
            surface = LatencySurface(
                surface.points.map { point in
                    guard estimatedUnits.contains(point.units) else { return point }
                    var scaled = point
                    scaled.latency = Self.scale(point.latency, ratio)
                    scaled.p99 = point.p99.map { Self.scale($0, ratio) }
                    return scaled
                }
            )
            estimatedUnits.removeAll { $0 == units }
        }
        for point in points { surface.set(point) }
    }

    /// Takes all of a measured profile over: its rows, row by row so that each scales what is still
    /// guessed, and whatever else it says; what it leaves out stays. Cost: as `take` of the points,
    /// for each number of units.
    public mutating func take(_ measured: DeviceProfile) {
        let points = measured.surface.points
        for units in Set(points.map(\.units)).sorted() { take(points.filter { $0.units == units }) }
        if measured.memory != MemoryFootprint() { memory = measured.memory }
        if !measured.utilization.isEmpty { utilization = measured.utilization }
        if measured.coldStart > .zero { coldStart = measured.coldStart }
        if measured.warmStart > .zero { warmStart = measured.warmStart }
        if measured.segments > 1 { segments = measured.segments }
    }

    /// Measured / guessed on `units`, over all batches that both know, in thousandths.
    private func milliRatio(of points: [LatencySurface.Point], to units: Int32) -> Int64 {
        var (measured, guessed) = (0.0, 0.0)
        for point in points where point.units == units && point.instances == 1 {
            guard let guess = surface.latency(batch: point.batch, units: units),
                guess > .zero, point.latency > .zero
            else { continue }
            // Each batch counts the same, however long it takes.
            measured += Double(point.latency.nanoseconds) / Double(guess.nanoseconds)
            guessed += 1
        }
        guard guessed > 0 else { return 1_000 }
        return Int64(min(1_000_000, max(1, (measured / guessed * 1_000).rounded())))
    }

    private static func scale(_ span: TimeSpan, _ milli: Int64) -> TimeSpan {
        let (product, overflow) = span.nanoseconds.multipliedReportingOverflow(by: milli)
        return overflow ? span : TimeSpan(nanoseconds: product / 1_000)
    }
}

extension ModelSpec {
    /// Whether some batch was really measured on exactly `units` of a device of `kind`. Cost:
    /// O(points).
    public func isMeasured(on kind: String, units: Int32) -> Bool {
        guard let surface = surface(on: kind) else { return false }
        if profile(on: kind)?.estimatedUnits.contains(units) == true { return false }
        return surface.points.contains { $0.units == units }
    }
}

extension LatencySurface.Point {
    /// Whether it can be a measurement at all.
    public var isSound: Bool {
        batch >= 1 && units >= 1 && instances >= 1 && latency >= .zero && p99 ?? .zero >= .zero
    }
}
