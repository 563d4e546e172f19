package import ServerCore
package import ServingDomain

/// What a closed loop saw: windows of latencies, the trajectory of the knobs, what it cost.
package struct LoopLedger: Sendable {
    /// A stretch of at least five seconds and a hundred batches.
    package struct Window: Hashable, Sendable {
        /// When it began and ended.
        package var began: Instant, ended: Instant
        /// The objective while it lasted.
        package var objective: TimeSpan
        /// The mean, the 95th and the 99th percentile of its batches.
        package var mean: TimeSpan, p95: TimeSpan, p99: TimeSpan
        /// Items answered in it.
        package var items: Int64

        /// Whether the 95th percentile missed the objective.
        package var isViolated: Bool { p95 > objective }
        /// How long it lasted.
        package var length: TimeSpan { ended - began }
    }

    /// One setting of the knobs, from when it was ordered.
    package struct Move: Hashable, Sendable {
        /// When.
        package var at: Instant
        /// What.
        package var setting: LaneSetting
    }

    /// The fewest batches and the shortest time of a window.
    package static let batches = 100
    /// The shortest time of a window.
    package static let span = TimeSpan.seconds(5)

    /// The objective that counts from now on.
    package var objective = TimeSpan.zero {
        didSet { if oldValue != objective, windowBegan != nil { cut = true } }
    }
    /// The windows that have ended.
    package private(set) var windows: [Window] = []
    /// Every setting, from the first.
    package private(set) var moves: [Move] = []
    /// The time that instances took to come, summed.
    package private(set) var startTime = TimeSpan.zero
    /// Requests that came, and how they ended.
    package private(set) var submitted = 0, served = 0, late = 0, lost = 0

    private var cut = false
    private var windowBegan: Instant?
    private var samples: [Int64] = []
    private var items: Int64 = 0

    mutating func arrived() { submitted += 1 }

    mutating func ended(_ outcome: Outcome) {
        switch outcome {
        case .served: served += 1
        case .late: late += 1
        default: lost += 1
        }
    }

    mutating func started(_ span: TimeSpan) { startTime = startTime + span }

    mutating func note(_ setting: LaneSetting, at now: Instant) {
        if moves.last?.setting != setting { moves.append(Move(at: now, setting: setting)) }
    }

    mutating func finished(_ count: Int32, _ latency: TimeSpan, at now: Instant) {
        if cut { close(at: now) }
        // Windows do not overlap: with several instances a batch began before the last one ended.
        if windowBegan == nil { windowBegan = max(now - latency, windows.last?.ended ?? .zero) }
        samples.append(latency.nanoseconds)
        items += Int64(count)
        if let began = windowBegan, samples.count >= Self.batches, now - began >= Self.span {
            close(at: now)
        }
    }

    mutating func close(at now: Instant) {
        cut = false
        guard let began = windowBegan, !samples.isEmpty else { return }
        samples.sort()
        let sum = samples.reduce(0, +)
        windows.append(
            Window(
                began: began,
                ended: now,
                objective: objective,
                mean: TimeSpan(nanoseconds: sum / Int64(samples.count)),
                p95: percentile(95),
                p99: percentile(99),
                items: items
            )
        )
        windowBegan = nil
        samples.removeAll(keepingCapacity: true)
        items = 0
    }

    private func percentile(_ percent: Int) -> TimeSpan {
        let rank = (samples.count * percent + 99) / 100
        return TimeSpan(nanoseconds: samples[max(1, rank) - 1])
    }

    // MARK: Sums

    /// Items per second of the windows that began after `start`.
    package func rate(after start: Instant) -> Double {
        let counted = windows.filter { $0.began >= start }
        let time = counted.reduce(0) { $0 + $1.length.inSeconds }
        return time > 0 ? Double(counted.reduce(0) { $0 + $1.items }) / time : 0
    }

    /// The time in windows that missed the objective.
    package func violationTime(after start: Instant = .zero) -> TimeSpan {
        windows.filter { $0.began >= start && $0.isViolated }
            .reduce(.zero) { $0 + $1.length }
    }

    /// The part of the windows after `start` that missed the objective, 0...1.
    package func violatedShare(after start: Instant) -> Double {
        let counted = windows.filter { $0.began >= start }
        guard !counted.isEmpty else { return 0 }
        return Double(counted.count { $0.isViolated }) / Double(counted.count)
    }

    /// A percentile in ms, the mean over the windows after `start`.
    package func tail(_ part: KeyPath<Window, TimeSpan>, after start: Instant) -> Double {
        let counted = windows.filter { $0.began >= start }
        guard !counted.isEmpty else { return 0 }
        return counted.reduce(0) { $0 + $1[keyPath: part].inMilliseconds } / Double(counted.count)
    }

    /// The moves up to `end` or of all the time: how often a knob was set.
    package func decisions(until end: Instant = .distantFuture) -> Int {
        moves.count { $0.at <= end }
    }
}
