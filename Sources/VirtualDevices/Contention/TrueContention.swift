public import ServingDomain

/// What really happens when stages run side by side on one device: the ground truth of a
/// simulation, which neither the core nor a planner ever reads.
public protocol TrueContention: Sendable {
    /// Whether copies to or from the device change what `progress` answers.
    var feelsCopies: Bool { get }

    /// The rate of progress of each running stage: 1 = as if alone, 0.5 = twice as long.
    ///
    /// Asked whenever the set of running stages changes; must not allocate.
    /// - Parameters:
    ///   - stages: What runs on the device now, at least one.
    ///   - copies: How many copies to or from it are under way.
    ///   - rates: One place per stage; each is to be set to a number within 0...1.
    func progress(of stages: [RunningStage], copies: Int32, into rates: inout [Double])
}

extension TrueContention {
    /// Copies and kernels do not disturb each other unless a truth says so.
    public var feelsCopies: Bool { false }
}

/// A stage that runs on a device now, as its neighbours feel it.
public struct RunningStage: Hashable, Sendable {
    /// What it does to the device.
    public var load: ContentionLoad
    /// Its lane.
    public var lane: Int32
    /// Whether its profile says by itself what more instances of its lane cost.
    public var knowsSiblings: Bool

    /// Creates a stage.
    public init(load: ContentionLoad, lane: Int32, knowsSiblings: Bool = false) {
        self.load = load
        self.lane = lane
        self.knowsSiblings = knowsSiblings
    }

    /// Whether `other` is a batch of the same lane whose cost the profile tells already.
    @inlinable public func isAccounted(_ other: RunningStage) -> Bool {
        lane == other.lane && knowsSiblings
    }
}

/// Lanes do not disturb each other; batches of one lane take turns, unless their profile says
/// what several at once cost.
public struct NoContention: TrueContention {
    /// Creates it.
    public init() {}

    /// Batches of one lane share its progress; all others go on as if alone.
    public func progress(of stages: [RunningStage], copies: Int32, into rates: inout [Double]) {
        for place in stages.indices {
            let stage = stages[place]
            guard stages.count > 1, !stage.knowsSiblings else {
                rates[place] = 1
                continue
            }
            var siblings = 0
            for other in stages.indices where stages[other].lane == stage.lane { siblings += 1 }
            rates[place] = 1 / Double(siblings)
        }
    }
}

/// A contention model of the planners taken for the truth: predictions are exact then.
public struct ModelledContention: TrueContention {
    /// The model.
    public let model: ContentionModel

    /// Creates a truth that a planner can know.
    public init(_ model: ContentionModel) { self.model = model }

    /// 1 / slowdown, by the model.
    public func progress(of stages: [RunningStage], copies: Int32, into rates: inout [Double]) {
        guard stages.count > 1 else {
            rates[0] = 1
            return
        }
        switch model {
        case .none: NoContention().progress(of: stages, copies: copies, into: &rates)
        case .linear(let linear): Self.worstPair(linear, stages, &rates)
        case .loss(let loss): Self.sums(loss, stages, &rates)
        case .table(let table): Self.pairs(table, stages, &rates)
        }
    }

    private static func worstPair(
        _ linear: LinearContention,
        _ stages: [RunningStage],
        _ rates: inout [Double]
    ) {
        for place in stages.indices {
            var slowdown = 1.0
            for other in stages.indices
            where other != place && !stages[place].isAccounted(stages[other]) {
                slowdown = max(
                    slowdown,
                    linear.slowdown(of: stages[place].load, beside: stages[other].load)
                )
            }
            rates[place] = 1 / slowdown
        }
    }

    private static func pairs(
        _ table: PairContention,
        _ stages: [RunningStage],
        _ rates: inout [Double]
    ) {
        for place in stages.indices {
            var rate = 1.0
            for other in stages.indices
            where other != place && !stages[place].isAccounted(stages[other]) {
                let load = stages[other].load
                rate -= 1 - 1 / table.slowdown(of: stages[place].load.model, beside: load.model)
            }
            rates[place] = min(1, max(LossContention.slowest, rate))
        }
    }

    private static func sums(
        _ loss: LossContention,
        _ stages: [RunningStage],
        _ rates: inout [Double]
    ) {
        for place in stages.indices {
            let victim = stages[place].load
            var sum = (sm: 0.0, l2: 0.0, dram: 0.0)
            var count = 0.0
            for other in stages.indices
            where other != place && !stages[place].isAccounted(stages[other]) {
                let load = stages[other].load
                sum.sm += load.sm * load.fraction
                sum.l2 += load.l2 * load.fraction
                sum.dram += load.dram * load.fraction
                count += 1
            }
            let part = victim.fraction
            let own = (sm: victim.sm * part, l2: victim.l2 * part, dram: victim.dram * part)
            var lost = 0.0
            for index in 0..<LossContention.featureCount {
                lost +=
                    loss.weights[index]
                    * LossContention.feature(index, of: own, beside: sum, count: count)
            }
            rates[place] = count > 0 ? min(1, max(LossContention.slowest, 1 - lost)) : 1
        }
    }
}
