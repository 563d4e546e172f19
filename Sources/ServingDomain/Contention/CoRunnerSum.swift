/// The co-runners of one victim, added one by one: what they cost it together, without a list.
public struct CoRunnerSum: Sendable {
    /// Who suffers.
    public let victim: ContentionLoad
    /// How many were added.
    public private(set) var count = 0
    /// What each of them costs by itself, summed: the slowdown beside it, less 1. Only of
    /// `ContentionModel.linear`.
    public private(set) var pairs = 0.0
    /// The largest slowdown of a pair.
    private var worst = 1.0
    /// Their loads, each times its part of the device.
    private var sum = (sm: 0.0, l2: 0.0, dram: 0.0)
    /// The progress that measured pairs leave.
    private var rate = 1.0

    /// Begins without any.
    public init(beside victim: ContentionLoad) { self.victim = victim }

    /// Adds one. Cost: O(1), with measured pairs O(log pairs); no allocation.
    public mutating func add(_ other: ContentionLoad, by model: ContentionModel) {
        count += 1
        switch model {
        case .none: break
        case .linear(let linear):
            let slowdown = linear.slowdown(of: victim, beside: other)
            pairs += slowdown - 1
            worst = max(worst, slowdown)
        case .loss:
            sum.sm += other.sm * other.fraction
            sum.l2 += other.l2 * other.fraction
            sum.dram += other.dram * other.fraction
        case .table(let table):
            rate -= 1 - 1 / table.slowdown(of: victim.model, beside: other.model)
        }
    }

    /// How much longer the victim takes beside all that were added, by the model that they were
    /// added by: what that says of a list of them.
    public func slowdown(by model: ContentionModel) -> Double {
        switch model {
        case .none: 1
        case .linear: worst
        case .loss(let loss): loss.slowdown(of: victim, beside: sum, count: count)
        case .table: 1 / min(1, max(LossContention.slowest, rate))
        }
    }
}
