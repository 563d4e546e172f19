import Synchronization

/// Which measurements are made once more, since others took the machine away meanwhile.
///
/// It goes by steal time alone, and never by what came out, so no system is favoured. How much
/// longer a part may take for that is bounded; what is spoiled beyond counts all the same.
final class Repeats: Sendable {
    /// Steal time that spoils a measurement, in per cent. On a calm shared machine it is below 8;
    /// beyond 15 a processor stands still for longer than short objectives allow.
    static let limit = 10.0

    private struct State {
        /// Seconds that repetitions may still take, in all and in the present share.
        var left: Double, share: Double
        var count = 0
        var worst = 0.0
    }

    private let state: Mutex<State>

    /// Begins with so many seconds for all repetitions.
    init(seconds: Double) { state = Mutex(State(left: seconds, share: seconds)) }

    /// From now on only this part of what is left may be used, 0...1; the rest is for others.
    func use(part: Double) { state.withLock { $0.share = $0.left * part } }

    /// How many measurements were made once more.
    var count: Int { state.withLock { $0.count } }

    /// The most steal time of a measurement that counts, in per cent.
    var worst: Double { state.withLock { $0.worst } }

    /// Measures, and once more where steal time spoiled that.
    ///
    /// - Parameters:
    ///   - steal: Reads steal time.
    ///   - spoiled: Told the steal time of a measurement that does not count, in per cent.
    func measure<Value>(
        _ measure: () async throws -> Value,
        steal: () -> StealTime = StealTime.now,
        spoiled: (Double) -> Void
    ) async throws -> Value {
        let clock = ContinuousClock()
        while true {
            let (before, began) = (steal(), clock.now)
            let value = try await measure()
            let stolen = steal().percent(since: before)
            let seconds = (clock.now - began) / .seconds(1)
            guard spoils(stolen, seconds: seconds) else { return value }
            spoiled(stolen)
        }
    }

    /// Judges a measurement that took so many seconds.
    ///
    /// - Returns: Whether it is to be made once more; else it counts.
    func spoils(_ stolenPercent: Double, seconds: Double) -> Bool {
        state.withLock { state in
            if stolenPercent > Self.limit, state.share >= seconds {
                state.share -= seconds
                state.left -= seconds
                state.count += 1
                return true
            }
            state.worst = max(state.worst, stolenPercent)
            return false
        }
    }
}
