import ServingTestKit

/// A tiny event simulation of one gpulet: the ground truth of the queueing tests.
///
/// Every lane has Poisson arrivals and one batch runs at a time. Nothing is shared with
/// `Planning`, so that a mistake there cannot hide here.
struct LaneSimulation {
    struct Lane {
        /// Batch times by size, size 1 first.
        var times: [Double]
        var rate: Double
        var objective: Double
    }
    /// Which lane's turn it is when several could start.
    enum Order { case oldest, deadline, turns }

    var lanes: [Lane]
    var order = Order.oldest
    /// How long a batch that is not full waits for more, from its first request on.
    var gather = 0.0

    /// The part of each lane's requests that ended late, over about `count` requests in all.
    func violations(count: Int, seed: UInt64) -> [Double] {
        var dice = SeededGenerator(seed: seed)
        let total = lanes.reduce(0) { $0 + $1.rate }
        let end = Double(count) / total
        let arrivals = lanes.map { lane -> [Double] in
            var times: [Double] = []
            var now = 0.0
            while now < end {
                now += dice.exponential() / lane.rate
                times.append(now)
            }
            return times
        }
        var heads = lanes.map { _ in 0 }
        var late = lanes.map { _ in 0 }
        var now = 0.0
        var last = 0
        while let start = nextStart(after: now, heads, arrivals, last) {
            guard start.time < end else { break }
            let lane = lanes[start.lane]
            var size = 0
            while size < lane.times.count, heads[start.lane] + size < arrivals[start.lane].count,
                arrivals[start.lane][heads[start.lane] + size] <= start.time
            { size += 1 }
            now = start.time + lane.times[size - 1]
            for place in 0..<size
            where now - arrivals[start.lane][heads[start.lane] + place] > lane.objective {
                late[start.lane] += 1
            }
            heads[start.lane] += size
            last = start.lane
        }
        return zip(late, heads).map { $1 > 0 ? Double($0) / Double($1) : 0 }
    }

    private func ready(_ lane: Int, _ heads: [Int], _ arrivals: [[Double]]) -> Double? {
        let head = heads[lane]
        guard head < arrivals[lane].count else { return nil }
        let limit = lanes[lane].times.count
        let gathered = arrivals[lane][head] + gather
        guard head + limit - 1 < arrivals[lane].count else { return gathered }
        return min(gathered, arrivals[lane][head + limit - 1])
    }

    private func nextStart(
        after now: Double,
        _ heads: [Int],
        _ arrivals: [[Double]],
        _ last: Int
    ) -> (lane: Int, time: Double)? {
        let readies = lanes.indices.map { ready($0, heads, arrivals) }
        guard let first = readies.compactMap({ $0 }).min() else { return nil }
        let time = max(now, first)
        let able = lanes.indices.filter { (readies[$0] ?? .infinity) <= time }
        let key = { (lane: Int) -> Double in
            switch order {
            case .oldest: readies[lane] ?? 0
            case .deadline: arrivals[lane][heads[lane]] + lanes[lane].objective
            case .turns: Double((lane - last - 1 + 2 * lanes.count) % lanes.count)
            }
        }
        return able.min { (key($0), $0) < (key($1), $1) }.map { ($0, time) }
    }
}

extension SeededGenerator {
    /// A number in 0..<1.
    mutating func fraction() -> Double { Double(next() >> 11) / 9_007_199_254_740_992 }

    /// A gap of a Poisson stream of rate 1, by von Neumann's comparison of uniform numbers, which
    /// needs no logarithm.
    mutating func exponential() -> Double {
        var whole = 0.0
        while true {
            let first = fraction()
            var last = first
            var count = 1
            while true {
                let next = fraction()
                if next >= last { break }
                last = next
                count += 1
            }
            if count % 2 == 1 { return whole + first }
            whole += 1
        }
    }
}
