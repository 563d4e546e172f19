public import ServingDomain

/// The orders of one event, in storage that is used again for the next.
public struct ActionBuffer: Sendable {
    /// The orders, in the order to carry them out.
    public private(set) var actions: [Action]
    /// The requests that launches refer to by range.
    public private(set) var requests: [RequestID]

    /// Creates an empty buffer with room for a usual event's orders.
    public init() {
        actions = []
        requests = []
        actions.reserveCapacity(256)
        requests.reserveCapacity(1_024)
    }

    /// Appends an order.
    public mutating func append(_ action: Action) {
        actions.append(action)
    }

    /// Appends a request of the launch that is being put together.
    public mutating func append(_ request: RequestID) {
        requests.append(request)
    }

    /// Empties the buffer and keeps its storage.
    public mutating func removeAll() {
        actions.empty()
        requests.empty()
    }
}
