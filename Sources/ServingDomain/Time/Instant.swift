/// A point on the one monotonic time line of a driver, in nanoseconds since its start.
///
/// Its arithmetic is inlined into other rooms: the core does a dozen of these per event.
/// In the server it is `CLOCK_MONOTONIC`; in the simulator it is virtual time from zero.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the time line began.
    public var nanoseconds: Int64

    /// Where the time line begins.
    @inlinable public static var zero: Instant { Instant(nanoseconds: 0) }

    /// Later than anything that happens.
    @inlinable public static var distantFuture: Instant { Instant(nanoseconds: .max) }

    /// Creates the point that lies `nanoseconds` after the beginning.
    @inlinable public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    @inlinable public static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    /// The point `span` later; it ends at `distantFuture` instead of overflowing.
    @inlinable public static func + (left: Instant, right: TimeSpan) -> Instant {
        let (sum, overflow) = left.nanoseconds.addingReportingOverflow(right.nanoseconds)
        guard overflow else { return Instant(nanoseconds: sum) }
        return right.nanoseconds > 0 ? .distantFuture : Instant(nanoseconds: .min)
    }

    /// The point `span` earlier.
    @inlinable public static func - (left: Instant, right: TimeSpan) -> Instant {
        let (difference, overflow) = left.nanoseconds.subtractingReportingOverflow(
            right.nanoseconds
        )
        guard overflow else { return Instant(nanoseconds: difference) }
        return right.nanoseconds < 0 ? .distantFuture : Instant(nanoseconds: .min)
    }

    /// The time from `right` to `left`.
    @inlinable public static func - (left: Instant, right: Instant) -> TimeSpan {
        TimeSpan(nanoseconds: left.nanoseconds &- right.nanoseconds)
    }
}
