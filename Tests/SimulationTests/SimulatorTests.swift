import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import VirtualDevices
import Workloads

/// Whole runs: nothing is lost, nothing is left to chance, and times are what arithmetic says.
@Suite struct SimulatorTests {
    @Test(
        "Every request ends exactly once and the auditor has nothing to say, under every policy",
        arguments: ["duty", "edf", "fifo"]
    )
    func conservation(policy: String) throws {
        for seed in UInt64(1)...2 {
            var setup = Setups.simple(models: 3, devices: 2, rate: 150, policy: policy)
            setup.seed = seed
            for place in setup.models.indices { setup.models[place].truth.spread = 0.1 }
            let ledger = try Simulator.run(setup)
            #expect(ledger.complaints == [], "seed \(seed)")
            #expect(ledger.total.ended == ledger.total.submitted, "seed \(seed)")
            #expect(ledger.total.submitted > 4_000, "seed \(seed)")
        }
    }

    @Test("The same setup gives the same digest, another seed another")
    func repeatable() throws {
        var setup = Setups.simple(models: 3, devices: 2, rate: 100, policy: "duty")
        for place in setup.models.indices { setup.models[place].truth.spread = 0.05 }
        let first = try Simulator.run(setup)
        let second = try Simulator.run(setup)
        #expect(first.digest == second.digest)
        #expect(first.events == second.events)
        #expect(first.total == second.total)
        setup.seed = 2
        #expect(try Simulator.run(setup).digest != first.digest)
        setup.audits = false
        setup.seed = 1
        #expect(try Simulator.run(setup).digest == first.digest, "the auditor changes nothing")
    }

    @Test("A lone request takes exactly what its profile says")
    func alone() throws {
        var setup = Setups.simple(seconds: 2)
        setup.loads = [RequestLoad(ModelID(0), .uniform(rate: 10))]
        let ledger = try Simulator.run(setup)
        let row = ledger.row(ModelID(0), .low)
        #expect(row.counts.served == 19)
        #expect(row.latency.least == .milliseconds(5))
        #expect(row.latency.most == .milliseconds(5))
        #expect(ledger.meanBatch == 1)
        // 19 requests of 5 ms in 2 s.
        #expect(abs(ledger.usage[0].busy - 0.0475) < 1e-6)
    }

    @Test("A single server without batching waits as M/D/1 does")
    func queueing() throws {
        // Load 0.8: mean wait = rho x D / (2 (1 - rho)) = 0.8 x 5 / 0.4 = 10 ms, plus 5 ms.
        var setup = Setups.simple(rate: 160, seconds: 300, policy: "fifo")
        setup.models = [Setups.model(0, maxBatch: 1, sloMs: nil)]
        let mean = try Simulator.run(setup).row(ModelID(0), .low).latency.mean.inMilliseconds
        #expect(abs(mean - 15) < 1, "mean \(mean) ms")
    }

    @Test("The warm-up does not count, and windows cover all of the load")
    func warmUp() throws {
        var setup = Setups.simple(seconds: 10)
        setup.loads = [RequestLoad(ModelID(0), .uniform(rate: 100))]
        setup.warmUp = .seconds(4)
        let ledger = try Simulator.run(setup)
        // Arrivals at 10, 20 ... 9,990 ms; those from 4,000 ms on count.
        #expect(ledger.total.submitted == 600)
        #expect(ledger.requests == 999)
        let row = ledger.windows[1]
        #expect(row[0].submitted == 99)
        #expect(row[5].submitted == 100)
        #expect(row.reduce(0) { $0 + Int($1.submitted) } == 999)
        #expect(ledger.measured == .seconds(6))
    }

    @Test("A client's own timeout answers late, and never lets the batch go on for nobody")
    func timeouts() throws {
        var setup = Setups.simple(rate: 50, seconds: 5, policy: "fifo")
        setup.models = [Setups.model(0, first: 40, each: 0, sloMs: nil)]
        setup.loads[0].timeout = .milliseconds(30)
        let ledger = try Simulator.run(setup)
        #expect(ledger.complaints == [])
        #expect(ledger.total.served == 0)
        #expect(ledger.total.late > 0)
        #expect(ledger.total.ended == ledger.total.submitted)
    }

    @Test("A closed loop keeps as many requests in the server as it has clients")
    func closedLoop() throws {
        var setup = Setups.simple(seconds: 10, policy: "fifo")
        setup.models = [Setups.model(0, first: 4, each: 1, maxBatch: 4, sloMs: nil)]
        setup.loads = [RequestLoad(ModelID(0), .closed(concurrency: 4))]
        let ledger = try Simulator.run(setup)
        #expect(ledger.complaints == [])
        // The first goes alone, the other three follow: batches of 1 and 3 take turns, 5 + 7 ms.
        let rate = Double(ledger.total.served) / 10
        #expect(abs(rate - 4 / 0.012) < 2, "\(rate)/s")
    }

    @Test("A setup that makes no sense is refused in one line")
    func flaws() throws {
        var setup = Setups.simple()
        setup.policy = "edv"
        #expect(throws: SimulationError.self) { try Simulator.run(setup) }
        setup = Setups.simple()
        setup.plans = .planner("hole")
        #expect(throws: SimulationError.self) { try Simulator.run(setup) }
        setup = Setups.simple()
        setup.loads[0].process = .poisson(rate: 0)
        #expect(setup.flaw?.contains("rate 0.0") == true)
        setup.loads[0] = RequestLoad(ModelID(7), .poisson(rate: 1))
        #expect(setup.flaw == "a load asks for model 7; there are 1")
        setup.loads = []
        #expect(setup.flaw?.contains("nobody") == true)
    }
}
