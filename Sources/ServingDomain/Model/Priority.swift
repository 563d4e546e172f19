/// The two classes that every layer sees.
public enum PriorityClass: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    /// Goes first.
    case high
    /// Takes what is left.
    case low

    /// The class of a wire level: 1 is high, every other is low (design, section 1).
    public init(level: Int32) {
        self = level == 1 ? .high : .low
    }

    public static func < (left: PriorityClass, right: PriorityClass) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Which levels a model's requests may name, and what those get that name none.
public struct PriorityRules: Hashable, Sendable {
    /// The number of levels, 1 the highest; at least 2, since a model without
    /// `priority_levels` takes 1 and 2.
    public var levels: Int32
    /// The level of a request that names none, or one that does not exist.
    public var defaultLevel: Int32

    /// Two levels, low by default.
    public static let standard = PriorityRules(levels: 2, defaultLevel: 2)

    /// Creates rules for `levels` levels.
    public init(levels: Int32, defaultLevel: Int32) {
        precondition(levels >= 1 && (1...levels).contains(defaultLevel))
        self.levels = levels
        self.defaultLevel = defaultLevel
    }

    /// The level of a request that asks for `priority` (0 = none asked for).
    public func level(of priority: UInt64) -> Int32 {
        guard priority >= 1, priority <= UInt64(levels) else { return defaultLevel }
        return Int32(priority)
    }
}
