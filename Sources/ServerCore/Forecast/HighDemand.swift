import ServingDomain

/// Which models get high-priority requests, how often, and how long those may take.
///
/// Gaps between arrivals are smoothed (each counts a sixteenth); a model that has been silent for
/// longer counts by its silence.
package struct HighDemand: Sendable {
    /// What is known of one model.
    package struct Entry: Sendable {
        /// When its last high request came; below 0 = never.
        package fileprivate(set) var last: Int64 = -1
        /// The mean gap between them in nanoseconds.
        package fileprivate(set) var gap = 1e12
        /// The shortest time that recent ones had from arrival to deadline, in nanoseconds.
        package fileprivate(set) var allowance = Int64.max
    }

    /// By model.
    package private(set) var entries: [Entry]
    /// The models that had a high request lately.
    package private(set) var active: [Int32] = []
    /// When the last high request of any model came; below 0 = never.
    package private(set) var last: Int64 = -1
    /// Arrivals of both classes, each counting less the older it is: mean gaps in nanoseconds.
    package private(set) var highGap = 1e12, lowGap = 1e12
    private var lastLow: Int64 = -1
    private var sinceSweep = 0

    /// A model without a high request for so long is not expected to get one.
    package static let memory: Int64 = 10_000_000_000

    init(models: Int) {
        entries = Array(repeating: Entry(), count: models)
        active.reserveCapacity(models)
    }

    /// Takes note of an arrival.
    mutating func note(_ model: ModelID, _ priority: PriorityClass, allowance: Int64, at now: Int64)
    {
        guard priority == .high else {
            if lastLow >= 0 { lowGap += (Double(now - lastLow) - lowGap) / 64 }
            if lowGap > 1e12 { lowGap = 1e12 }
            lastLow = now
            return
        }
        if last >= 0 { highGap += (Double(now - last) - highGap) / 64 }
        last = now
        let place = model.position
        if entries[place].last < 0 || !active.contains(model.index) {
            entries[place].gap = 1e10
            entries[place].allowance = .max
            if active.count < active.capacity { active.append(model.index) }
        } else {
            let gap = Double(now - entries[place].last)
            entries[place].gap += (gap - entries[place].gap) / (entries[place].gap > 9e9 ? 1 : 16)
        }
        entries[place].last = now
        if allowance > 0 {
            let known = entries[place].allowance
            // Falls at once, rises slowly: what was asked for lately may be asked for again.
            entries[place].allowance =
                allowance <= known || known == .max ? allowance : known + (allowance - known) / 16
        }
        sinceSweep += 1
        if sinceSweep >= 1_024 { sweep(at: now) }
    }

    private mutating func sweep(at now: Int64) {
        sinceSweep = 0
        active.removeAll { now - entries[Int($0)].last > Self.memory }
    }

    /// The mean gap of `model`'s high requests at `now`, in nanoseconds.
    package func gap(of model: Int32, at now: Int64) -> Double {
        let entry = entries[Int(model)]
        return max(entry.gap, Double(now - entry.last) / 3)
    }

    /// Forgets a model.
    mutating func forget(_ model: ModelID) {
        entries[model.position] = Entry()
        active.removeAll { $0 == model.index }
    }
}

/// The part of recent requests with a deadline that missed it, by class: each counts a 256th.
package struct ViolationMeter: Sendable {
    /// 0...1.
    package private(set) var high = 0.0, low = 0.0

    init() {}

    mutating func note(_ priority: PriorityClass, isViolation: Bool) {
        let sample = isViolation ? 1.0 : 0.0
        switch priority {
        case .high: high += (sample - high) / 256
        case .low: low += (sample - low) / 256
        }
    }
}
