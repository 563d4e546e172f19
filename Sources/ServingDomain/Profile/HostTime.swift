/// What the host takes around a batch, while the device does nothing for it: from the launch
/// until the device has it, and from the device's end until the server knows. A line over the
/// batch's items: threads wake up once, inputs are put together item by item.
public struct HostTime: Hashable, Sendable {
    /// What every batch costs.
    public let fixed: TimeSpan
    /// What each of its items adds.
    public let perItem: TimeSpan

    /// Creates a line; what is below zero counts as zero, what is above an hour as an hour.
    public init(fixed: TimeSpan, perItem: TimeSpan) {
        self.fixed = min(max(.zero, fixed), .seconds(3_600))
        self.perItem = min(max(.zero, perItem), .seconds(3_600))
    }

    /// No time at all.
    public static let none = Self(fixed: .zero, perItem: .zero)

    /// The host's time for a batch of `items`.
    public func span(items: Int32) -> TimeSpan {
        TimeSpan(nanoseconds: fixed.nanoseconds &+ perItem.nanoseconds &* Int64(items))
    }
}
