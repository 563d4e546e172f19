/// A place in the driver's request table, and which use of that place is meant.
///
/// The generation makes a late answer to an earlier use of the same slot harmless.
public struct RequestID: Hashable, Comparable, Sendable {
    /// The slot in the table, from zero.
    public let slot: Int32
    /// How often the slot had been used before.
    public let generation: UInt32

    /// Names use `generation` of `slot`.
    @inlinable public init(slot: Int32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    @inlinable public static func < (left: RequestID, right: RequestID) -> Bool {
        (left.slot, left.generation) < (right.slot, right.generation)
    }
}

/// A place in the core's batch table, and which use of that place is meant.
public struct BatchID: Hashable, Comparable, Sendable {
    /// The slot in the table, from zero.
    public let slot: Int32
    /// How often the slot had been used before.
    public let generation: UInt32

    /// Names use `generation` of `slot`.
    @inlinable public init(slot: Int32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    @inlinable public static func < (left: BatchID, right: BatchID) -> Bool {
        (left.slot, left.generation) < (right.slot, right.generation)
    }
}

/// The number of a plan; orders and reports of an earlier plan are ignored.
public struct Epoch: Hashable, Comparable, Sendable {
    /// Counts plans from 1; 0 is before the first.
    public let number: Int64

    /// Before the first plan.
    public static let none = Epoch(0)

    /// Creates the epoch of plan `number`.
    @inlinable public init(_ number: Int64) { self.number = number }

    /// The epoch after this one.
    @inlinable public var next: Epoch { Epoch(number + 1) }

    @inlinable public static func < (left: Epoch, right: Epoch) -> Bool {
        left.number < right.number
    }
}
