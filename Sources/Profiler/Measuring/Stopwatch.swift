import Glibc
public import ServingDomain

/// Where the time comes from; tests bring their own.
public struct Stopwatch: Sendable {
    /// The present moment; never goes back.
    public let now: @Sendable () -> Instant

    /// Creates a stopwatch.
    public init(now: @escaping @Sendable () -> Instant) { self.now = now }

    /// The system's monotonic clock.
    public static let system = Stopwatch {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }
}
