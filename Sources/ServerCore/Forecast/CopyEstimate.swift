package import ServingDomain

/// What copies to and from one device take, as calibrated and as seen since.
///
/// A copy takes a set-up and its bytes at the bandwidth of its direction, times what is left of
/// it while the other direction is busy (notes on Strait, section 2(a)).
package struct CopyEstimate: Hashable, Sendable {
    /// Nanoseconds that every copy takes, however small.
    package var setup: Double
    /// Bytes per nanosecond to the device and back.
    package var inward: Double, outward: Double
    /// What is left of them while both directions are busy, 0...1.
    package var bothWays: Double
    /// Copy engines: with one, the directions exclude each other; without, nothing moves.
    package var engines: Int32
    /// Bytes per nanosecond of the link that several devices share; 0 = no limit.
    package var uplink: Double

    private static let smallest: Int64 = 1 << 20

    /// What the description of a device says.
    package init(_ device: DeviceSpec) {
        let copy = device.copy
        engines = copy == nil ? 0 : max(0, device.copyEngines)
        setup = Double(copy?.setup.nanoseconds ?? 0)
        inward = Double(copy?.bytesPerSecond ?? 1) / 1e9
        outward = inward
        bothWays = Double(copy?.bothWaysMilli ?? 1_000) / 1_000
        uplink = Double(copy?.uplinkBytesPerSecond ?? 0) / 1e9
    }

    /// Nanoseconds of one copy by itself.
    package func time(bytes: Double, inward isInward: Bool) -> Double {
        guard engines > 0, bytes > 0 else { return 0 }
        return setup + bytes / (isInward ? inward : outward)
    }

    /// Nanoseconds of `bytes` in chunks, by themselves.
    package func time(bytes: Double, chunk: Double, inward isInward: Bool) -> Double {
        guard engines > 0, bytes > 0 else { return 0 }
        let more = chunk > 0 ? (bytes / chunk).rounded(.up) - 1 : 0
        return time(bytes: bytes, inward: isInward) + max(0, more) * setup
    }

    /// Takes note that a copy of `bytes`, with nothing else under way, took `span`.
    ///
    /// Small copies say little about bandwidth; what is over five times off is no measurement.
    /// - Returns: Whether it was taken into account.
    package mutating func learn(bytes: Int64, span: TimeSpan, inward isInward: Bool) -> Bool {
        guard engines > 0, bytes > Self.smallest else { return false }
        let time = Double(span.nanoseconds) - setup
        guard time > 0 else { return false }
        let seen = Double(bytes) / time
        let known = isInward ? inward : outward
        guard seen < known * 5, seen > known / 5 else { return false }
        let next = 0.95 * known + 0.05 * seen
        if isInward { inward = next } else { outward = next }
        return true
    }
}

/// How a link is shared by copies that each want some of it (progressive filling).
package enum UplinkShare {
    /// The max-min fair rates of `wanted` on a link of `capacity`; all of them where it is 0.
    ///
    /// Cost: O(n^2), allocates; for tests and the calibration. Forecasts use `rate`.
    package static func rates(_ wanted: [Double], capacity: Double) -> [Double] {
        guard capacity > 0, wanted.reduce(0, +) > capacity else { return wanted }
        var rates = Array(repeating: 0.0, count: wanted.count)
        var open = Array(wanted.indices)
        var left = capacity
        while !open.isEmpty {
            let share = left / Double(open.count)
            let satisfied = open.filter { wanted[$0] <= share }
            if satisfied.isEmpty {
                for place in open { rates[place] = share }
                return rates
            }
            for place in satisfied {
                rates[place] = wanted[place]
                left -= wanted[place]
            }
            open.removeAll { wanted[$0] <= share }
        }
        return rates
    }

    /// The rate of one copy that wants `wanted`, beside `count` others that want `others` each.
    package static func rate(
        _ wanted: Double,
        beside count: Double,
        wanting others: Double,
        capacity: Double
    ) -> Double {
        guard capacity > 0, count > 0, wanted + count * others > capacity else {
            return capacity > 0 ? min(wanted, capacity) : wanted
        }
        let even = capacity / (count + 1)
        if wanted <= even { return wanted }
        if others <= even { return max(even, capacity - count * others) }
        return even
    }
}
