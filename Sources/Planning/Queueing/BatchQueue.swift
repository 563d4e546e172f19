/// One lane's queue: how likely a request is to miss its objective.
///
/// Arrivals are Poisson, first come first served. As soon as the lane is free it takes what
/// waits, up to its batch limit; the time of a batch depends on its size. This is what every
/// work-conserving policy does with one model on a gpulet of its own.
/// Not so a policy that takes less than waits to save a late head (`edf`): near saturation its
/// batches, and with them its throughput, may shrink for a while.
///
/// The requests that wait when a batch starts form a Markov chain (a bulk-service queue embedded
/// at the starts: Bailey 1954), solved by elimination without subtractions (Grassmann, Taksar and
/// Heyman 1985) within the band that it fills. A request that arrives with others behind a given
/// queue is then late or not by arithmetic. Where something is simplified it is so upwards:
/// what joins the queue behind a full batch counts as if its own batch were full as well, queues
/// beyond the objective count as late, and a result beyond a tenth, where the cut at the longest
/// queue begins to matter, counts as 1.
///
/// Times are in any one unit, the rate in its inverse. Deterministic.
/// Cost: O(states x limit x spread of arrivals), some 10 us for batches of 8, 200 for 32.
struct BatchQueue {
    /// The time of a batch by its size, size 1 first; never falling, not empty.
    let times: [Double]
    /// Arrivals per unit of time.
    let rate: Double
    /// How long a request may take, waiting included.
    let objective: Double

    /// How many requests a chain may count, if at least three full batches fit; longer objectives
    /// count as shorter ones.
    static let mostStates = 200
    /// The largest share of late requests that is told from 1.
    static let mostViolation = 0.1

    /// The part of the requests that miss the objective, 0...1; 1 where the queue grows for ever.
    func violation() -> Double {
        guard let longest = times.last, let shortest = times.first else { return 1 }
        guard shortest <= objective else { return 1 }
        guard rate > 0, longest > 0 else { return 0 }
        guard rate * longest < Double(times.count) else { return 1 }
        let violation = Chain(self, longest: longest).violation()
        return violation <= Self.mostViolation ? violation : 1
    }

    /// The highest load, 0...1 of batches that are all full, within `target`, by bisection.
    ///
    /// `rate` of this value does not count. Cost: twelve chains.
    func highestLoad(within target: Double) -> Double {
        guard let longest = times.last, longest > 0 else { return 1 }
        let full = Double(times.count) / longest
        var (low, high) = (0.0, 1.0)
        for _ in 0..<12 {
            let middle = (low + high) / 2
            let tried = BatchQueue(times: times, rate: middle * full, objective: objective)
            if tried.violation() <= target { low = middle } else { high = middle }
        }
        return low
    }
}

/// The chain of one queue, with everything that its steps need.
private struct Chain {
    let times: [Double]
    let rate: Double
    let longest: Double
    /// The objective, or what the states can count.
    let objective: Double
    /// Full batches that fit into the objective: who has more before it is late for certain.
    let levels: Int
    let states: Int
    /// Arrivals during a batch, by its size.
    let arrivals: [PoissonCounts]

    var limit: Int { times.count }

    init(_ queue: BatchQueue, longest: Double) {
        times = queue.times
        rate = queue.rate
        self.longest = longest
        let most = max(3, BatchQueue.mostStates / queue.times.count - 2)
        let fitting = min(Double(most), queue.objective / longest)
        objective = min(queue.objective, fitting * longest)
        levels = max(1, Int(fitting))
        states = queue.times.count * (levels + 2)
        let rate = queue.rate
        arrivals = queue.times.map { PoissonCounts(mean: rate * $0) }
    }

    /// The chance of each number that waits at the start of a batch, up to a common factor.
    private func stationary() -> [Double] {
        // One batch takes at most `limit`.
        var chain = BandedChain(states: 1...states, band: limit)
        for waiting in 1...states {
            let size = min(waiting, limit)
            let counts = arrivals[size - 1]
            for (place, chance) in counts.weights.enumerated() {
                // An empty queue waits for one arrival, which then starts alone.
                let next = max(1, waiting - size + counts.low + place)
                chain.add(chance, from: waiting, to: next)
            }
        }
        return chain.stationary()
    }

    /// Late requests per batch over requests per batch.
    func violation() -> Double {
        let chances = stationary()
        var late = 0.0
        var all = 0.0
        let full = Lateness(self, size: limit)
        for waiting in 1...states where chances[waiting] > 0 {
            let size = min(waiting, limit)
            let lateness = size == limit ? full : Lateness(self, size: size)
            late += chances[waiting] * lateness.mean(behind: waiting - size)
            all += chances[waiting] * rate * times[size - 1]
            if waiting <= limit { all += chances[waiting] * arrivals[size - 1].ofNone }
        }
        return all > 0 ? min(1, max(0, late / all)) : 1
    }

    /// How many of those that arrive during a batch of one size will be late.
    private struct Lateness {
        let chain: Chain
        let size: Int
        /// What goes beyond each count: of all arrivals, and of those that come before the
        /// moment from which the only level that is late in part is in time.
        let all: PoissonCounts.Excesses
        let partial: (level: Int, early: PoissonCounts.Excesses)?

        init(_ chain: Chain, size: Int) {
            self.chain = chain
            self.size = size
            let length = chain.times[size - 1]
            all = chain.arrivals[size - 1].excesses()
            var partial: (Int, PoissonCounts.Excesses)?
            if chain.levels > 1 {
                for level in 1..<chain.levels {
                    let late = length + Double(level + 1) * chain.longest - chain.objective
                    guard late > 0, late < length else { continue }
                    partial = (level, PoissonCounts(mean: chain.rate * late).excesses())
                }
            }
            self.partial = partial
        }

        /// Behind `queue` requests that this batch leaves waiting.
        func mean(behind queue: Int) -> Double {
            let limit = chain.limit
            let length = chain.times[size - 1]
            var late = queue < limit ? first(behind: queue) : 0
            if chain.levels > 1 {
                for level in 1..<chain.levels where (level + 1) * limit > queue {
                    let from = max(0, level * limit - queue)
                    let to = (level + 1) * limit - queue
                    if length + Double(level + 1) * chain.longest - chain.objective >= length {
                        late += all.between(from, to)
                    } else if let partial, partial.level == level {
                        late += partial.early.between(from, to)
                    }
                }
            }
            return late + all.beyond(max(0, chain.levels * limit - queue))
        }

        /// Of those that still fit into the next batch, whose size follows from all that come.
        private func first(behind queue: Int) -> Double {
            let limit = chain.limit
            let length = chain.times[size - 1]
            guard length > 0, length + chain.longest > chain.objective else { return 0 }
            let counts = chain.arrivals[size - 1]
            var late = 0.0
            for (place, chance) in counts.weights.enumerated() {
                let count = counts.low + place
                guard count > 0 else { continue }
                let own = chain.times[min(queue + count, limit) - 1]
                let part = min(1, (length + own - chain.objective) / length)
                guard part > 0 else { continue }
                late += chance * min(Double(count) * part, Double(limit - queue))
            }
            return late
        }
    }
}
