import ServingDomain

/// Feeds a journal's events to a fresh core and compares what it orders.
public struct Replay: ~Copyable {
    /// An event after which the fresh core ordered something else.
    public struct Mismatch: Hashable, Sendable {
        /// The record.
        public var record: JournalRecord
        /// The hash of what the fresh core ordered.
        public var orders: UInt64
        /// What the fresh core ordered.
        public var actions: [Action]
    }

    /// How many events have been fed.
    public private(set) var events: UInt64 = 0
    /// The hash over the orders of all events, for comparing whole runs.
    public var digest: UInt64 { total.value }

    /// What the fresh core ordered for the last event.
    public private(set) var buffer = ActionBuffer()

    private var core: ServerCore
    private var total = OrderHash()

    /// Creates a fresh core from what a journal says about the old one.
    ///
    /// - Throws: `ConfigurationError` when this build has no such policy, scaler or limits.
    public init(_ header: JournalHeader) throws(ConfigurationError) {
        core = try ServerCore(header.configuration)
    }

    /// Feeds one event.
    ///
    /// - Returns: What differs; nil when the orders are the same.
    public mutating func feed(_ record: JournalRecord) -> Mismatch? {
        buffer.removeAll()
        core.handle(record.event, at: record.now, into: &buffer)
        events += 1
        let orders = OrderHash.of(buffer)
        total.add(orders)
        guard orders != record.orders else { return nil }
        return Mismatch(record: record, orders: orders, actions: buffer.actions)
    }
}
