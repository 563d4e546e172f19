import ServingTestKit
import Testing

@testable import Planning

#if canImport(Foundation)
import Foundation
#endif

/// The bound on waits behind several servers, against what is known and against simulation.
@Suite struct PooledQueueTests {
    @Test("With one server it is the exact M/D/1 queue")
    func single() {
        // P(wait > t) for t < service time is 1 - (1 - load) e^(load t) (Erlang 1909).
        let late = PooledQueue(rate: 0.05, time: 1, servers: 1).later(than: 0.5)
        #expect(abs(late - (1 - 0.95 * 1.0253151205244289)) < 1e-9, "\(late)")
        let busy = PooledQueue(rate: 0.3, time: 1, servers: 1).later(than: 0)
        #expect(abs(busy - 0.3) < 1e-8, "\(busy)")
    }

    @Test(
        "Random lanes behind one queue are late as often as it says, batches less often",
        arguments: [1, 2, 3]
    )
    func bound(seed: UInt64) {
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for _ in 0..<12 {
            let servers = dice.number(in: 1...9)
            let limit = dice.one(of: [1, 1, 2, 8])
            let load = 0.1 + 0.8 * dice.fraction()
            let window = 2.5 * dice.fraction()
            // Some servers are quicker, which the bound may not know.
            let times = (0..<servers).map { _ in dice.chance(50) ? 1.0 : 0.7 + 0.3 * dice.fraction()
            }
            let isExact = limit == 1 && dice.chance(50)
            let rate = load * Double(servers)
            let bound = PooledQueue(rate: rate, time: 1, servers: servers).later(than: window)
            let seen = Self.late(
                isExact ? times.map { _ in 1 } : times,
                limit,
                rate,
                window,
                count: 80_000,
                &dice
            )
            let words = "\(servers) servers, limit \(limit), load \(load), window \(window)"
            // Late requests come in bursts of about 1 / (1 - load).
            let noise = 4 * (bound / 80_000).squareRoot() / (1 - load) + 2e-4
            #expect(seen <= bound + noise, "\(words): \(seen) > \(bound)")
            if isExact { #expect(seen >= bound - noise, "\(words): \(seen) < \(bound)") }
        }
    }

    /// The part that waits longer than `window`; requests start in order on the server that is
    /// free first, up to `limit` of those that wait at once.
    private static func late(
        _ times: [Double],
        _ limit: Int,
        _ rate: Double,
        _ window: Double,
        count: Int,
        _ dice: inout SeededGenerator
    ) -> Double {
        var arrivals: [Double] = []
        var now = 0.0
        for _ in 0..<count {
            now += dice.exponential() / rate
            arrivals.append(now)
        }
        var free = times.map { _ in 0.0 }
        var (head, late) = (0, 0)
        while head < count {
            let server = free.indices.min { free[$0] < free[$1] } ?? 0
            let start = max(free[server], arrivals[head])
            var size = 0
            while size < limit, head + size < count, arrivals[head + size] <= start {
                if start - arrivals[head + size] > window { late += 1 }
                size += 1
            }
            head += size
            free[server] = start + times[server]
        }
        return Double(late) / Double(count)
    }

    @Test("More servers bear a higher load, more rate or less patience means more late")
    func monotone() {
        var last = 0.0
        for servers in 1...12 {
            let load = PooledQueue.highestLoad(
                servers: servers,
                time: 1,
                window: 0.4,
                target: 0.0025
            )
            #expect(load > last, "\(servers)")
            last = load
        }
        var before = 1.0
        for window in stride(from: 0, to: 4, by: 0.25) {
            let late = PooledQueue(rate: 2.4, time: 1, servers: 3).later(than: window)
            #expect(late <= before + 1e-9)
            before = late
        }
    }

    @Test("Hostile questions have plain answers")
    func edges() {
        #expect(PooledQueue(rate: 0, time: 1, servers: 3).later(than: 0) == 0)
        #expect(PooledQueue(rate: 1, time: 1, servers: 3).later(than: -0.1) == 1)
        #expect(PooledQueue(rate: 3, time: 1, servers: 3).later(than: 100) == 1)
        #expect(PooledQueue(rate: 1, time: 0, servers: 1).later(than: 0) == 0)
        #expect(PooledQueue(rate: 1, time: 1, servers: 64).later(than: 1e12) < 1e-9)
        #expect(PoolTable.load(servers: 1, patience: 2, row: 0) == 0)
        #expect(PoolTable.load(servers: 3, patience: .nan, row: 0) == 0)
        #expect(PoolTable.load(servers: 999, patience: .infinity, row: 0) > 0.8)
    }

    @Test("Entries of the table are what the queue says; UPDATE_GOLDEN=1 writes them anew")
    func entries() throws {
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil { try Self.write() }
        var dice = SeededGenerator(seed: 5)
        for _ in 0..<40 {
            let row = dice.number(in: 0...CapacityTable.targets.count - 1)
            let servers = dice.number(in: PoolTable.servers)
            let patience = dice.one(of: PoolTable.patiences)
            let read = PoolTable.load(servers: servers, patience: patience, row: row)
            let computed = PooledQueue.highestLoad(
                servers: servers,
                time: 1,
                window: patience - 1,
                target: CapacityTable.targets[row]
            )
            let words = "target \(CapacityTable.targets[row]), \(servers) servers, \(patience)"
            #expect(abs(read - computed) < 0.0015, "\(words): \(read) against \(computed)")
        }
    }

    /// Writes the source file with all entries.
    private static func write() throws {
        var text = "extension PoolTable {\n"
        text +=
            "    /// The loads in thousandths: by target, then servers, then patience. Written by\n"
        text += "    /// `PooledQueueTests` (`UPDATE_GOLDEN=1`).\n"
        text += "    static let perMille: [Int16] = [\n"
        var line = "       "
        for target in CapacityTable.targets {
            for servers in PoolTable.servers {
                for patience in PoolTable.patiences {
                    let load = PooledQueue.highestLoad(
                        servers: servers,
                        time: 1,
                        window: patience - 1,
                        target: target
                    )
                    let entry = "\(Int(load * 1_000))"
                    if line.count + entry.count + 2 > 99 {
                        text += line + "\n"
                        line = "       "
                    }
                    line += " \(entry),"
                }
            }
        }
        text += line + "\n    ]\n}\n"
        let file = URL(fileURLWithPath: #filePath)
            .appending(path: "../../../../Sources/Planning/Queueing/PoolTable+Values.swift")
        try text.write(to: file.standardized, atomically: true, encoding: .utf8)
    }
}
