public import ServingDomain

/// What running side by side really costs on a virtual GPU: the truth that planners' linear
/// models are wrong about.
///
/// Four things slow a stage down, none of them linear in gpu-lets' features: the memory saturates
/// when all demands exceed it, and queues before that; others evict what it had in L2; stages on
/// the same processors share their issue slots; and every pair of models has a quirk, a seeded
/// factor on what it costs, that no feature explains. Demands saturate in the share too: half of
/// the processors already ask for all of the memory (the roofline's `memoryShare`).
///
/// The constants were set once so that the slowdowns of all pairs of gpu-lets' networks spread as
/// the published coefficients say (median and 90th percentile, `Docs/CALIBRATION.md`); the error
/// of a linear fit was not looked at.
public struct SaturatingContention: TrueContention {
    /// The constants of the four effects.
    public struct Constants: Hashable, Sendable {
        /// The part of the processors that can ask for all of the memory's bandwidth.
        public var memoryShare = 0.51
        /// The part of the peak bandwidth that mixed streams reach.
        public var memoryCapacity = 0.85
        /// What queueing costs per unit of others' demand, before the memory saturates.
        public var queueing = 0.15
        /// How much of its L2 throughput a stage loses when all of L2 is taken from it.
        public var eviction = 0.3
        /// The part of the issue slots that a network at its busiest fills.
        public var issueCapacity = 0.6
        /// What each co-runner costs whatever it does: launches, clocks.
        public var presence = 0.025
        /// Standard deviation of the logarithm of a pair's quirk.
        public var quirk = 0.35

        /// Creates the calibrated constants.
        public init() {}
    }

    /// The constants.
    public let constants: Constants
    /// Multiplies what contention costs beyond 1: 0 = nothing.
    public let strength: Double
    /// The factor of victim `v` beside `o` stands at `v x models + o`.
    private let quirks: [Double]
    private let models: Int

    /// The least rate of progress.
    public static let slowest = 0.2
    /// The most models; the quirks of all pairs are kept.
    public static let modelLimit = 2_000

    /// Creates a truth.
    ///
    /// - Parameters:
    ///   - models: The models' names by `ModelID`; a pair's quirk depends on its names, so it
    ///     stays the same when other models come and go.
    ///   - seed: Which quirks.
    ///   - strength: Multiplies what contention costs beyond 1.
    public init(
        models: [String],
        seed: UInt64,
        strength: Double = 1,
        constants: Constants = Constants()
    ) {
        precondition(strength >= 0 && models.count <= Self.modelLimit)
        self.constants = constants
        self.strength = strength
        self.models = models.count
        let keys = models.map { Self.hash($0) }
        quirks = keys.flatMap { victim in
            keys.map { Self.quirk(seed, victim, $0, spread: constants.quirk) }
        }
    }

    /// One over the slowdown of each stage beside all others. Cost: O(stages^2), no allocation.
    public func progress(of stages: [RunningStage], copies: Int32, into rates: inout [Double]) {
        for place in stages.indices {
            var sum = Sum()
            for other in stages.indices
            where other != place && !stages[place].isAccounted(stages[other]) {
                let isSibling = stages[other].lane == stages[place].lane
                add(stages[other].load, to: &sum, of: stages[place].load, isSibling: isSibling)
            }
            rates[place] = 1 / slowdown(of: stages[place].load, beside: sum)
        }
    }

    /// How much longer `victim` takes beside `others`, each on a lane of its own; 1...5.
    public func slowdown(of victim: ContentionLoad, beside others: [ContentionLoad]) -> Double {
        var sum = Sum()
        for other in others { add(other, to: &sum, of: victim, isSibling: false) }
        return slowdown(of: victim, beside: sum)
    }
}

extension SaturatingContention {
    /// What all co-runners do together to one victim.
    private struct Sum {
        var count = 0.0
        var dram = 0.0
        var l2 = 0.0
        /// Issue slots that are wanted on the victim's own processors.
        var issue = 0.0
        /// Quirks weighted by what each co-runner asks of the memory.
        var quirk = 0.0
        var weight = 0.0
        var shares = false
    }

    private func add(
        _ other: ContentionLoad,
        to sum: inout Sum,
        of victim: ContentionLoad,
        isSibling: Bool
    ) {
        let dram = other.dram * reach(other.fraction)
        sum.count += 1
        sum.dram += dram
        sum.l2 += other.l2 * reach(other.fraction)
        let weight = dram + 0.01
        sum.weight += weight
        sum.quirk += weight * quirk(victim.model, other.model)
        // Gpulets are disjoint as long as they fit; beyond that they overlap by what is too much.
        let common = isSibling ? 1 : (victim.fraction + other.fraction - 1) / victim.fraction
        if common > 1e-9 {
            sum.issue += min(1, common) * wanted(other)
            sum.shares = true
        }
    }

    private func slowdown(of victim: ContentionLoad, beside sum: Sum) -> Double {
        guard sum.count > 0, strength > 0 else { return 1 }
        let own = victim.dram * reach(victim.fraction) / constants.memoryCapacity
        let theirs = sum.dram / constants.memoryCapacity
        let load = own + theirs
        let waiting = max(0, load - 1) + constants.queueing * theirs * min(1, load)
        let ownL2 = victim.l2 * reach(victim.fraction)
        // Hyperbolic twice: it takes some traffic to evict anything, and not more than all.
        let pressure = sum.l2 / (sum.l2 + 0.15)
        let evicted = pressure * sum.l2 / (sum.l2 + ownL2 + 0.1)
        let memory =
            min(1, own) * waiting + constants.eviction * victim.l2 * evicted
            + constants.presence * sum.count
        let apart = 1 + memory * sum.quirk / sum.weight
        let together = (1 + wanted(victim) * sum.issue) * apart
        // Who shares processors is at worst as slow as if all took turns.
        let whole = sum.shares ? min(together, max(apart, 1 + sum.count)) : apart
        return min(1 / Self.slowest, 1 + strength * (whole - 1))
    }

    /// How much of the whole device's bandwidth a part of the processors can ask for.
    private func reach(_ fraction: Double) -> Double {
        min(1, fraction / constants.memoryShare)
    }

    /// The part of its own processors' issue slots that a stage wants.
    private func wanted(_ load: ContentionLoad) -> Double {
        min(1, load.sm / max(load.fraction, 0.01) / constants.issueCapacity)
    }

    private func quirk(_ victim: ModelID, _ other: ModelID) -> Double {
        guard victim.position < models, other.position < models else { return 1 }
        return quirks[victim.position * models + other.position]
    }

    private static func quirk(
        _ seed: UInt64,
        _ victim: UInt64,
        _ other: UInt64,
        spread: Double
    ) -> Double {
        guard spread > 0 else { return 1 }
        let noise = LatencyNoise(seed: seed ^ (victim &* 3 &+ other), spread: min(1, spread))
        return noise.factor(draw: 0)
    }

    /// FNV-1a (Fowler, Noll and Vo, 1991).
    private static func hash(_ name: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}
