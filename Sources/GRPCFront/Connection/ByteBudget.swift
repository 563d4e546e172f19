import Synchronization

/// How many bytes of request messages the server holds, over all connections.
///
/// The bound is soft by what is already on its way: windows that were opened before it was
/// reached. Beyond it no window is opened any more.
final class ByteBudget: Sendable {
    private let limit: Int
    private let held = Atomic<Int>(0)

    /// Creates a budget of `limit` bytes.
    init(limit: Int) {
        self.limit = limit
    }

    /// Whether more may be asked for.
    var hasRoom: Bool { held.load(ordering: .relaxed) < limit }

    /// Counts bytes that have come.
    func take(_ count: Int) {
        held.wrappingAdd(count, ordering: .relaxed)
    }

    /// Counts bytes that are gone.
    func give(_ count: Int) {
        guard count != 0 else { return }
        let left = held.wrappingSubtract(count, ordering: .relaxed).newValue
        assert(left >= 0, "more bytes given back than taken")
    }
}
