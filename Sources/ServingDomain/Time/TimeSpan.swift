/// A signed length of time in whole nanoseconds.
///
/// Decisions use integers only, so the same inputs give the same decision on every machine.
public struct TimeSpan: Hashable, Comparable, Sendable {
    /// The length in nanoseconds; negative when it points to the past.
    public var nanoseconds: Int64

    /// No time at all.
    @inlinable public static var zero: TimeSpan { TimeSpan(nanoseconds: 0) }

    /// Creates a span from whole nanoseconds.
    @inlinable public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Creates a span from whole microseconds.
    public static func microseconds(_ count: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: saturating(count, times: 1_000))
    }

    /// Creates a span from whole milliseconds.
    public static func milliseconds(_ count: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: saturating(count, times: 1_000_000))
    }

    /// Creates a span from whole seconds.
    public static func seconds(_ count: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: saturating(count, times: 1_000_000_000))
    }

    /// Creates a span from milliseconds with decimals, rounded to the nearest nanosecond.
    ///
    /// Values beyond the range (and not-a-number) end at zero or at the largest span.
    public static func milliseconds(rounding count: Double) -> TimeSpan {
        let nanoseconds = (count * 1e6).rounded()
        guard nanoseconds == nanoseconds else { return .zero }
        if nanoseconds >= 9.2e18 { return TimeSpan(nanoseconds: .max) }
        if nanoseconds <= -9.2e18 { return TimeSpan(nanoseconds: .min) }
        return TimeSpan(nanoseconds: Int64(nanoseconds))
    }

    /// The span in milliseconds, for people and files; never for decisions.
    public var inMilliseconds: Double { Double(nanoseconds) / 1e6 }

    /// The span in seconds, for people and files; never for decisions.
    public var inSeconds: Double { Double(nanoseconds) / 1e9 }

    @inlinable public static func < (left: TimeSpan, right: TimeSpan) -> Bool {
        left.nanoseconds < right.nanoseconds
    }

    @inlinable public static func + (left: TimeSpan, right: TimeSpan) -> TimeSpan {
        TimeSpan(nanoseconds: left.nanoseconds &+ right.nanoseconds)
    }

    @inlinable public static func - (left: TimeSpan, right: TimeSpan) -> TimeSpan {
        TimeSpan(nanoseconds: left.nanoseconds &- right.nanoseconds)
    }

    public static func * (left: TimeSpan, right: Int64) -> TimeSpan {
        TimeSpan(nanoseconds: saturating(left.nanoseconds, times: right))
    }

    private static func saturating(_ count: Int64, times factor: Int64) -> Int64 {
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        guard overflow else { return product }
        return (count < 0) == (factor < 0) ? .max : .min
    }
}
