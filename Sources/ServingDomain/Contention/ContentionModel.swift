/// What running beside others costs: features and weights give a slowdown of at least 1.
public enum ContentionModel: Hashable, Sendable {
    /// Nobody disturbs anybody.
    case none
    /// gpu-lets' linear form; of several co-runners the worst pair counts.
    case linear(LinearContention)
    /// Lost progress linear in features of all co-runners together.
    case loss(LossContention)
    /// Measured pairs; of several co-runners the lost progress adds up.
    case table(PairContention)

    /// How much longer `victim` takes beside `others` than alone; at least 1.
    ///
    /// Cost: O(others), no allocation.
    public func slowdown(of victim: ContentionLoad, beside others: [ContentionLoad]) -> Double {
        switch self {
        case .none: 1
        case .linear(let linear): linear.slowdown(of: victim, beside: others)
        case .loss(let loss): loss.slowdown(of: victim, beside: others)
        case .table(let table): table.slowdown(of: victim, beside: others)
        }
    }

    /// The same beside a single other.
    public func slowdown(of victim: ContentionLoad, beside other: ContentionLoad) -> Double {
        if case .linear(let linear) = self { return linear.slowdown(of: victim, beside: other) }
        var sum = CoRunnerSum(beside: victim)
        sum.add(other, by: self)
        return sum.slowdown(by: self)
    }
}

/// Slowdown linear in L2 and memory throughput of both sides, each scaled by its side's part of
/// the device (gpu-lets, ATC'22; coefficients are per kind of device).
public struct LinearContention: Hashable, Sendable {
    /// Weights of the victim's and of the co-runner's L2 throughput.
    public var l2Self: Double, l2Other: Double
    /// Weights of the victim's and of the co-runner's memory throughput.
    public var dramSelf: Double, dramOther: Double
    /// What is added.
    public var constant: Double

    /// Creates the model.
    public init(
        l2Self: Double,
        l2Other: Double,
        dramSelf: Double,
        dramOther: Double,
        constant: Double
    ) {
        self.l2Self = l2Self
        self.l2Other = l2Other
        self.dramSelf = dramSelf
        self.dramOther = dramOther
        self.constant = constant
    }

    /// The slowdown beside one other, at least 1.
    public func slowdown(of victim: ContentionLoad, beside other: ContentionLoad) -> Double {
        let own = (l2Self * victim.l2 + dramSelf * victim.dram) * victim.fraction
        let theirs = (l2Other * other.l2 + dramOther * other.dram) * other.fraction
        return max(1, own + theirs + constant)
    }

    /// The largest slowdown over the pairs; 1 without co-runners.
    public func slowdown(of victim: ContentionLoad, beside others: [ContentionLoad]) -> Double {
        others.reduce(1) { max($0, slowdown(of: victim, beside: $1)) }
    }
}

/// Lost progress linear in ten features of victim and co-runners (design of Strait's notes,
/// section 2(b)): rate of progress = 1 - weights . features.
public struct LossContention: Hashable, Sendable {
    /// How many features there are.
    public static let featureCount = 10
    /// The least rate of progress that is ever assumed.
    public static let slowest = 0.2

    /// The weights, in the order of `features`.
    public var weights: [Double]

    /// Creates the model.
    ///
    /// - Precondition: there are `featureCount` weights.
    public init(weights: [Double]) {
        precondition(weights.count == Self.featureCount)
        self.weights = weights
    }

    /// Each co-runner costs 35 % of the progress, whatever it does.
    public static let prior = LossContention(
        weights: Array(repeating: 0, count: featureCount - 1) + [0.35]
    )

    /// Feature number `index` of `victim` beside co-runners whose loads sum to `sum`.
    ///
    /// 0-2: the sums of sm, l2, dram; 3-5: their products with the victim's own; 6-8: what goes
    /// beyond 1 together; 9: how many there are.
    @inlinable public static func feature(
        _ index: Int,
        of victim: (sm: Double, l2: Double, dram: Double),
        beside sum: (sm: Double, l2: Double, dram: Double),
        count: Double
    ) -> Double {
        switch index {
        case 0: sum.sm
        case 1: sum.l2
        case 2: sum.dram
        case 3: victim.sm * sum.sm
        case 4: victim.l2 * sum.l2
        case 5: victim.dram * sum.dram
        case 6: count > 0 ? max(0, victim.sm + sum.sm - 1) : 0
        case 7: count > 0 ? max(0, victim.l2 + sum.l2 - 1) : 0
        case 8: count > 0 ? max(0, victim.dram + sum.dram - 1) : 0
        default: count
        }
    }

    /// The slowdown of `victim`, at least 1, at most 1 / `slowest`.
    public func slowdown(of victim: ContentionLoad, beside others: [ContentionLoad]) -> Double {
        var sum = (sm: 0.0, l2: 0.0, dram: 0.0)
        for other in others {
            sum.sm += other.sm * other.fraction
            sum.l2 += other.l2 * other.fraction
            sum.dram += other.dram * other.fraction
        }
        return slowdown(of: victim, beside: sum, count: others.count)
    }

    /// The same beside `count` others whose loads, each times its part of the device, sum to `sum`.
    public func slowdown(
        of victim: ContentionLoad,
        beside sum: (sm: Double, l2: Double, dram: Double),
        count: Int
    ) -> Double {
        guard count > 0 else { return 1 }
        let part = victim.fraction
        let own = (sm: victim.sm * part, l2: victim.l2 * part, dram: victim.dram * part)
        var loss = 0.0
        for index in 0..<Self.featureCount {
            loss +=
                weights[index]
                * Self.feature(index, of: own, beside: sum, count: Double(count))
        }
        return 1 / min(1, max(Self.slowest, 1 - loss))
    }
}

/// Slowdowns of pairs of models as they were measured.
public struct PairContention: Hashable, Sendable {
    /// One measured pair.
    public struct Pair: Hashable, Sendable {
        /// Who was slowed down, and by whom.
        public var victim: ModelID, other: ModelID
        /// How much longer the victim took, at least 1.
        public var slowdown: Double

        /// Creates a pair.
        public init(victim: ModelID, other: ModelID, slowdown: Double) {
            self.victim = victim
            self.other = other
            self.slowdown = slowdown
        }

        fileprivate var place: (ModelID, ModelID) { (victim, other) }
    }

    /// The pairs, ascending by victim and co-runner.
    public let pairs: [Pair]
    /// The slowdown of a pair that was not measured.
    public let unknown: Double

    /// Creates a table; of several entries for a pair the first counts.
    public init(_ pairs: [Pair], unknown: Double = 1) {
        var seen: [Pair] = []
        for pair in pairs.sorted(by: { $0.place < $1.place })
        where seen.last?.place ?? (ModelID(-1), ModelID(-1)) != pair.place {
            seen.append(pair)
        }
        self.pairs = seen
        self.unknown = max(1, unknown)
    }

    /// The slowdown beside one other, at least 1. Cost: O(log pairs).
    public func slowdown(of victim: ModelID, beside other: ModelID) -> Double {
        var low = 0
        var high = pairs.count
        while low < high {
            let middle = (low + high) / 2
            if pairs[middle].place < (victim, other) { low = middle + 1 } else { high = middle }
        }
        guard low < pairs.count, pairs[low].place == (victim, other) else { return unknown }
        return max(1, pairs[low].slowdown)
    }

    /// What each pair takes of the progress adds up; a fifth of it is always left.
    public func slowdown(of victim: ContentionLoad, beside others: [ContentionLoad]) -> Double {
        var rate = 1.0
        for other in others { rate -= 1 - 1 / slowdown(of: victim.model, beside: other.model) }
        return 1 / min(1, max(LossContention.slowest, rate))
    }
}
