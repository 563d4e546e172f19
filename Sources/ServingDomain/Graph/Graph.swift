/// An application of several models: stages that feed each other, one objective for the whole.
public struct Graph: Hashable, Sendable {
    /// One call of one model.
    public struct Stage: Hashable, Sendable {
        /// The model.
        public var model: ModelID
        /// The stages whose replies it needs, all before it in the list.
        public var after: [Int32]

        /// Creates a stage.
        public init(model: ModelID, after: [Int32] = []) {
            self.model = model
            self.after = after
        }
    }

    /// The application's name.
    public let name: String
    /// The objective from the first request to the last reply; nil = none.
    public let slo: TimeSpan?
    /// The stages; each comes after those that it needs.
    public let stages: [Stage]
    /// The class of its requests.
    public let priority: PriorityClass

    /// Creates a graph.
    ///
    /// - Returns: nil if it has no stage or more than 64, or a stage needs itself, a later one,
    ///   or one that there isn't: then there would be no order to walk it in.
    public init?(name: String, slo: TimeSpan?, stages: [Stage], priority: PriorityClass = .low) {
        guard (1...64).contains(stages.count) else { return nil }
        for (place, stage) in stages.enumerated() {
            guard stage.after.allSatisfy({ $0 >= 0 && Int($0) < place }) else { return nil }
        }
        self.name = name
        self.slo = slo
        self.stages = stages
        self.priority = priority
    }

    /// For each stage the time that the longest way behind it takes, by `expected` per stage.
    ///
    /// The deadline of a stage is the graph's deadline less this. Cost: O(stages + edges).
    ///
    /// - Precondition: `expected` has one entry per stage.
    public func rest(expected: [TimeSpan]) -> [TimeSpan] {
        precondition(expected.count == stages.count)
        var rest = Array(repeating: TimeSpan.zero, count: stages.count)
        for place in stages.indices.reversed() {
            for before in stages[place].after {
                rest[Int(before)] = max(rest[Int(before)], rest[place] + expected[place])
            }
        }
        return rest
    }

    /// Whether all that stage `place` needs is in `done`, a bit per stage.
    public func isReady(_ place: Int, done: UInt64) -> Bool {
        stages[place].after.allSatisfy { done & (1 << UInt64($0)) != 0 }
    }
}
