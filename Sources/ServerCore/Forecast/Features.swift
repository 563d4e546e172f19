package import ServingDomain

/// The features of contention of one victim, in the order of `LossContention.feature`.
package typealias Features = InlineArray<10, Double>

extension InlineArray where Element == Double {
    /// The sum of products with `other`.
    package func dot(_ other: borrowing Self) -> Double {
        var sum = 0.0
        for place in indices { sum += self[place] * other[place] }
        return sum
    }

    /// The sum of absolute values.
    package var magnitude: Double {
        var sum = 0.0
        for place in indices { sum += abs(self[place]) }
        return sum
    }
}

/// How busy something keeps a device, as far as others feel it.
package struct Pressure: Hashable, Sendable {
    /// Of the SMs, of the L2 cache's throughput and of the memory's, each 0...1 of the device.
    package var sm = 0.0, l2 = 0.0, dram = 0.0

    /// No pressure.
    package static let none = Pressure()

    /// Creates a pressure.
    package init(sm: Double = 0, l2: Double = 0, dram: Double = 0) {
        self.sm = sm
        self.l2 = l2
        self.dram = dram
    }

    /// What batches of a profile press a device with, on `fraction` of it.
    package init(_ utilization: Utilization, fraction: Double) {
        sm = utilization.sm * fraction
        l2 = utilization.l2 * fraction
        dram = utilization.dram * fraction
    }

    package static func += (left: inout Pressure, right: Pressure) {
        left.sm += right.sm
        left.l2 += right.l2
        left.dram += right.dram
    }

    package static func - (left: Pressure, right: Pressure) -> Pressure {
        Pressure(sm: left.sm - right.sm, l2: left.l2 - right.l2, dram: left.dram - right.dram)
    }

    package static func * (left: Pressure, right: Double) -> Pressure {
        Pressure(sm: left.sm * right, l2: left.l2 * right, dram: left.dram * right)
    }

    /// The features of a victim of this pressure beside `count` others of pressure `others`.
    ///
    /// Written out, since it runs for every running batch at every step of a forecast; a test
    /// holds it against `LossContention.feature`.
    @inline(__always)
    package func features(beside others: Pressure, count: Double) -> Features {
        guard count > 0 else { return Features(repeating: 0) }
        return [
            others.sm, others.l2, others.dram,
            sm * others.sm, l2 * others.l2, dram * others.dram,
            max(0, sm + others.sm - 1), max(0, l2 + others.l2 - 1),
            max(0, dram + others.dram - 1),
            count,
        ]
    }

    /// The part of its progress that such a victim loses, by `weights`.
    @inline(__always)
    package func loss(
        beside others: Pressure,
        count: Double,
        weights: borrowing Features
    ) -> Double {
        guard count > 0 else { return 0 }
        var loss = weights[9] * count
        loss += others.sm * (weights[0] + weights[3] * sm)
        loss += others.l2 * (weights[1] + weights[4] * l2)
        loss += others.dram * (weights[2] + weights[5] * dram)
        loss += max(0, sm + others.sm - 1) * weights[6]
        loss += max(0, l2 + others.l2 - 1) * weights[7]
        loss += max(0, dram + others.dram - 1) * weights[8]
        return loss
    }
}
