package import ServingDomain

/// Arrivals per second, smoothed: each window of one second counts a quarter.
///
/// Integers only, no timer: windows that have passed are accounted for when it is looked at.
package struct RateMeter: Sendable {
    private static let window: Int64 = 1_000_000_000
    /// After this many empty windows nothing of an old rate is left.
    private static let memory: Int64 = 64

    private var windowBegan: Int64?
    private var inWindow: Int64 = 0
    private var smoothed: Int64 = 0

    /// Creates a meter that has seen nothing.
    package init() {}

    /// Counts one arrival at `now`. Cost: O(1).
    package mutating func count(at now: Instant) {
        roll(to: now)
        inWindow += 1
    }

    /// The rate in thousandths of a request per second, of the windows that have passed.
    package mutating func milliRate(at now: Instant) -> Int64 {
        roll(to: now)
        return smoothed
    }

    private mutating func roll(to now: Instant) {
        guard let began = windowBegan else {
            windowBegan = now.nanoseconds
            return
        }
        let passed = (now.nanoseconds &- began) / Self.window
        guard passed > 0 else { return }
        for place in 0..<min(passed, Self.memory) {
            let rate = place == 0 ? inWindow * 1_000 : 0
            smoothed += (rate - smoothed) / 4
        }
        if passed >= Self.memory { smoothed = 0 }
        inWindow = 0
        windowBegan = began &+ passed &* Self.window
    }
}
