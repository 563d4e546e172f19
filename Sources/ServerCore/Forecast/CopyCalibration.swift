public import ServingDomain

/// Finds what a device's copies take from copies that were timed at start-up.
///
/// The time of a copy is linear in its bytes; least squares over the probes of one direction
/// alone give set-up and bandwidth, the probes with both directions busy what is left of it, those
/// beside other devices the capacity of the shared link (notes on Strait, section 2(a)).
public struct CopyCalibration: Hashable, Sendable {
    /// One timed copy.
    public struct Probe: Hashable, Sendable {
        /// How much was moved.
        public var bytes: Int64
        /// How long it took.
        public var span: TimeSpan
        /// Whether the other direction was busy all the while.
        public var bothWays: Bool
        /// How many other devices on the same link copied in this direction all the while.
        public var neighbours: Int32

        /// Creates a probe.
        public init(
            bytes: Int64,
            span: TimeSpan,
            bothWays: Bool = false,
            neighbours: Int32 = 0
        ) {
            self.bytes = bytes
            self.span = span
            self.bothWays = bothWays
            self.neighbours = neighbours
        }
    }

    /// What was found; as `CopySpec` wants it.
    public var copy: CopySpec
    /// The largest relative error of the line over the probes of one direction alone.
    public var worstError: Double

    /// Fits a line through `probes`; nil when they do not determine one (fewer than two sizes
    /// alone, or times that fall with the size).
    ///
    /// - Parameter uplink: The number of the link that the device shares; -1 = none.
    /// Errors are weighed by size, so that small copies fix the set-up. Cost: O(probes).
    public init?(_ probes: [Probe], uplink: Int32 = -1) {
        let alone = probes.filter {
            !$0.bothWays && $0.neighbours == 0 && $0.bytes > 0 && $0.span > .zero
        }
        guard let line = Self.line(alone) else { return nil }
        var ratios: [Double] = []
        var capacity = 0.0
        for probe in probes where probe.bytes >= 1 << 20 && probe.span > .zero {
            let rate = Double(probe.bytes) / max(1, Double(probe.span.nanoseconds) - line.setup)
            if probe.bothWays, probe.neighbours == 0 { ratios.append(rate / line.rate) }
            if probe.neighbours > 0, !probe.bothWays, rate < line.rate * 0.98 {
                capacity = max(capacity, rate * Double(probe.neighbours + 1))
            }
        }
        let kept = ratios.isEmpty ? 1 : ratios.reduce(0, +) / Double(ratios.count)
        copy = CopySpec(
            setup: TimeSpan(nanoseconds: Int64(line.setup.rounded())),
            bytesPerSecond: max(1, Int64((line.rate * 1e9).rounded())),
            bothWaysMilli: Int32((min(1, max(0.001, kept)) * 1_000).rounded()),
            uplink: uplink,
            uplinkBytesPerSecond: Int64((capacity * 1e9).rounded())
        )
        worstError = 0
        for probe in alone {
            let fitted = line.setup + Double(probe.bytes) / line.rate
            let error = abs(fitted / Double(probe.span.nanoseconds) - 1)
            worstError = max(worstError, error)
        }
    }

    /// Weighted least squares of span = setup + bytes / rate; each weighs 1 / span^2.
    private static func line(_ probes: [Probe]) -> (setup: Double, rate: Double)? {
        var (weight, sizes, times, squares, products) = (0.0, 0.0, 0.0, 0.0, 0.0)
        for probe in probes {
            let (size, time) = (Double(probe.bytes), Double(probe.span.nanoseconds))
            let factor = 1 / (time * time)
            weight += factor
            sizes += factor * size
            times += factor * time
            squares += factor * size * size
            products += factor * size * time
        }
        let determinant = weight * squares - sizes * sizes
        guard determinant > 1e-9 * weight * squares else { return nil }
        let slope = (weight * products - sizes * times) / determinant
        guard slope > 0 else { return nil }
        return (max(0, (times - slope * sizes) / weight), 1 / slope)
    }
}
