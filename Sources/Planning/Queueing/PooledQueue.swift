/// Several servers behind one queue: how likely a request is to wait too long before it starts.
///
/// Poisson arrivals, first come first served, each server busy for the same time with each
/// request: M/D/k (Crommelin 1932). With R = what is left of those in the queue after one service
/// time, R' = max(0, R + arrivals - k), and for w = j x time + u a wait is longer than w exactly if
/// R and the arrivals of time - u are at least (j + 1) k (Franx 2001).
///
/// Lanes of one model are such servers, on one gpulet or on several, since a request belongs to no
/// lane before it starts. Where batches start as soon as a server is free, it is a bound from above
/// for batches of any limit that take `time` at most, whatever server takes which: by induction
/// no request starts later than the one of the same number here, whose k-th predecessor stands in
/// the same or an earlier batch of the server that becomes free. So it ignores what batches gain,
/// which is the price for one queue in place of k; `BatchQueue` has the gain and one server.
///
/// Times are in any one unit, the rate in its inverse. Deterministic.
/// Cost: O(states x servers x spread of arrivals), some 100 us for eight servers.
struct PooledQueue {
    /// Arrivals per unit of time.
    let rate: Double
    /// How long a server is busy with one request.
    let time: Double
    /// Servers, at least 1.
    let servers: Int

    /// Beyond this load, where the cut at the longest queue begins to matter, everything counts as
    /// late.
    static let mostLoad = 0.9

    /// The busy part of the servers' time.
    var load: Double { rate * time / Double(servers) }

    /// The part of the requests that wait longer than `window` before they start, 0...1.
    func later(than window: Double) -> Double {
        guard window >= 0, load < Self.mostLoad, servers >= 1 else { return 1 }
        guard rate > 0, time > 0 else { return 0 }
        let rounds = min((window / time).rounded(.down), 64)
        let rest = min(time, max(0, window - rounds * time))
        let most = (Int(rounds) + 1) * servers
        let waiting = stationary(states: most + 6 * servers + 96)
        let early = PoissonCounts(mean: rate * (time - rest))
        // Above each count of arrivals: P(count >= n).
        var above = Array(repeating: 0.0, count: most + 1)
        for (place, chance) in early.weights.enumerated() {
            let count = min(early.low + place, most)
            above[count] += chance
        }
        for count in stride(from: most - 1, through: 0, by: -1) { above[count] += above[count + 1] }
        var late = 0.0
        for (queue, chance) in waiting.enumerated() { late += chance * above[max(0, most - queue)] }
        return min(1, max(0, late))
    }

    /// The chances of what is left of the queue after one service time; the last state stands for
    /// all beyond.
    private func stationary(states: Int) -> [Double] {
        let arrivals = PoissonCounts(mean: rate * time)
        var chain = BandedChain(states: 0...states, band: servers)
        for queue in 0...states {
            for (place, weight) in arrivals.weights.enumerated() {
                chain.add(weight, from: queue, to: max(0, queue + arrivals.low + place - servers))
            }
        }
        let chances = chain.stationary()
        let sum = chances.reduce(0, +)
        return chances.map { $0 / sum }
    }

    /// The highest load, 0...1, of `servers` at which at most `target` wait longer than `window`.
    ///
    /// Cost: twelve times that of `later(than:)`.
    static func highestLoad(
        servers: Int,
        time: Double,
        window: Double,
        target: Double
    ) -> Double {
        var (low, high) = (0.0, mostLoad)
        for _ in 0..<12 {
            let middle = (low + high) / 2
            let tried = PooledQueue(
                rate: middle * Double(servers) / time,
                time: time,
                servers: servers
            )
            if tried.later(than: window) <= target { low = middle } else { high = middle }
        }
        return low
    }
}
