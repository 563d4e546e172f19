import ServingTestKit
import Testing

@testable import Planning

/// The bound on late requests against a simulation that knows nothing of it.
@Suite struct BatchQueueTests {
    /// Batch times like a profile's: a fixed part and one by size, with a staircase now and then.
    static func times(_ dice: inout SeededGenerator, limit: Int) -> [Double] {
        let fixed = dice.fraction()
        let stair = dice.one(of: [1, 1, 4])
        return (1...limit).map { size in
            let seen = min(limit, (size + stair - 1) / stair * stair)
            return fixed + (1 - fixed) * Double(seen) / Double(limit)
        }
    }

    @Test("Measured violations of random lanes stay within the bound", arguments: [1, 2, 3])
    func bound(seed: UInt64) {
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for _ in 0..<12 {
            let limit = dice.one(of: [1, 2, 3, 4, 8, 12, 16, 32])
            let times = Self.times(&dice, limit: limit)
            let load = 0.1 + 0.85 * dice.fraction()
            let objective = 1.05 + 4 * dice.fraction()
            let rate = load * Double(limit)
            let bound = BatchQueue(times: times, rate: rate, objective: objective).violation()
            let lane = LaneSimulation.Lane(times: times, rate: rate, objective: objective)
            let seen = LaneSimulation(lanes: [lane]).violations(count: 60_000, seed: dice.next())[0]
            let words = "limit \(limit) load \(load) objective \(objective): \(seen) > \(bound)"
            // Four standard errors of a share whose late requests come in batches.
            let noise = 4 * (bound * Double(limit) / 60_000).squareRoot() + 1e-4
            #expect(seen <= bound + noise, "\(words)")
        }
    }

    @Test("With batches of 1 the chain lies just above the exact M/D/1 queue")
    func exact() {
        // P(wait > t) for t < service time is 1 - (1 - load) e^(load t) (Erlang 1909).
        let queue = BatchQueue(times: [1], rate: 0.05, objective: 1.5)
        let known = 1 - 0.95 * 1.0253151205244289
        #expect(queue.violation() >= known, "\(queue.violation()) against \(known)")
        #expect(queue.violation() < known + 5e-4, "\(queue.violation()) against \(known)")
    }

    @Test("Impossible, idle and overloaded lanes have plain answers")
    func edges() {
        #expect(BatchQueue(times: [1], rate: 0, objective: 1).violation() == 0)
        #expect(BatchQueue(times: [1], rate: 0.1, objective: 0.9).violation() == 1)
        #expect(BatchQueue(times: [1], rate: 1, objective: 100).violation() == 1)
        #expect(BatchQueue(times: [0, 0], rate: 1e6, objective: 0).violation() == 0)
        let tiny = BatchQueue(times: [1, 1], rate: 1e-12, objective: 2).violation()
        #expect(tiny >= 0 && tiny < 1e-9)
        #expect(
            BatchQueue(times: Array(repeating: 1, count: 512), rate: 300, objective: 1e9)
                .violation() < 1e-3
        )
    }

    @Test("More rate never means fewer late requests, more time never more of them")
    func monotone() {
        var dice = SeededGenerator(seed: 11)
        for _ in 0..<10 {
            let limit = dice.one(of: [1, 3, 8])
            let times = Self.times(&dice, limit: limit)
            let queue = { (load: Double, objective: Double) in
                BatchQueue(times: times, rate: load * Double(limit), objective: objective)
                    .violation()
            }
            let loads = stride(from: 0.1, to: 0.95, by: 0.1).map { queue($0, 2.2) }
            #expect(zip(loads, loads.dropFirst()).allSatisfy { $0 <= $1 + 1e-6 })
            let spans = stride(from: 1.1, to: 5, by: 0.3).map { queue(0.7, $0) }
            #expect(zip(spans, spans.dropFirst()).allSatisfy { $0 + 1e-6 >= $1 })
        }
    }

    @Test("Waits of a shared gpulet stay within the bound", arguments: [5, 6])
    func shared(seed: UInt64) {
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for _ in 0..<8 {
            let load = 0.2 + 0.6 * dice.fraction()
            let count = dice.number(in: 2...6)
            let lanes = (0..<count).map { _ in
                let time = 0.1 + dice.fraction()
                return LaneSimulation.Lane(
                    times: [time],
                    rate: load / Double(count) / time,
                    objective: time + 1 + 4 * dice.fraction()
                )
            }
            let queue = SharedQueue(streams: lanes.map { .init(rate: $0.rate, time: $0.times[0]) })
            let bounds = queue.later(than: lanes.map { $0.objective - $0.times[0] })
            let seen = LaneSimulation(lanes: lanes).violations(count: 60_000, seed: dice.next())
            for (bound, seen) in zip(bounds, seen) {
                let noise = 12 * (bound / 60_000 * Double(count)).squareRoot() + 2e-4
                #expect(seen <= bound + noise, "load \(load): \(seen) > \(bound)")
            }
        }
    }
}
