import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import Workloads

/// Applications: stages follow each other, share one objective, and are lost together.
@Suite struct GraphRunTests {
    /// One stage, then two beside each other.
    static func traffic(sloMs: Int64?) throws -> Graph {
        try #require(
            Graph(
                name: "traffic",
                slo: sloMs.map { .milliseconds($0) },
                stages: [
                    Graph.Stage(model: ModelID(0)), Graph.Stage(model: ModelID(1), after: [0]),
                    Graph.Stage(model: ModelID(2), after: [0]),
                ]
            )
        )
    }

    static func setup(sloMs: Int64?, rate: Double = 20) throws -> SimulationSetup {
        var setup = Setups.simple(models: 3, seconds: 5, policy: "edf")
        setup.loads = []
        setup.models = [
            Setups.model(0, first: 4, each: 1), Setups.model(1, first: 8, each: 2),
            Setups.model(2, first: 5, each: 1),
        ]
        setup.graphs = [GraphLoad(try traffic(sloMs: sloMs), .uniform(rate: rate))]
        setup.plans = .fixed(
            Setups.plan([(30, 0, 4, nil), (30, 1, 4, nil), (40, 2, 4, nil)])
        )
        return setup
    }

    @Test("An application takes as long as its longest way: 5 + max(10, 6) ms")
    func latency() throws {
        let ledger = try Simulator.run(try Self.setup(sloMs: 100))
        #expect(ledger.complaints == [])
        let row = ledger.graphs[0]
        #expect(row.counts.submitted == 99)
        #expect(row.counts.served == 99)
        #expect(row.latency.least == .milliseconds(15))
        #expect(row.latency.most == .milliseconds(15))
        for model in Int32(0)...2 { #expect(ledger.counts(of: ModelID(model)).served == 99) }
    }

    @Test("Too late in the end is late for the application")
    func late() throws {
        var setup = try Self.setup(sloMs: 12)
        setup.policy = "fifo"
        let ledger = try Simulator.run(setup)
        #expect(ledger.graphs[0].counts.late == 99)
        #expect(ledger.graphs[0].counts.violationPercent == 100)
    }

    @Test("A lost stage gives its siblings up, and the application ends once")
    func lost() throws {
        // Model 2 has no lane: its stage is refused while that of model 1 waits or runs.
        var setup = try Self.setup(sloMs: 100)
        setup.plans = .fixed(Setups.plan([(30, 0, 4, nil), (30, 1, 4, nil)]))
        let ledger = try Simulator.run(setup)
        #expect(ledger.complaints == [])
        #expect(ledger.graphs[0].counts.refused == 99)
        #expect(ledger.graphs[0].counts.ended == 99)
        #expect(ledger.counts(of: ModelID(0)).served == 99)
        #expect(ledger.counts(of: ModelID(1)).cancelled == 99)
        #expect(ledger.counts(of: ModelID(2)).refused == 99)
    }

    @Test("Budgets decide by when each stage is to be done")
    func budgets() throws {
        // 100 ms less the longer of 70 and 60 ms: the first stage has 30 ms and takes 5.
        var setup = try Self.setup(sloMs: 100)
        setup.graphs[0].budgets = [.milliseconds(30), .milliseconds(70), .milliseconds(60)]
        #expect(try Simulator.run(setup).graphs[0].counts.served == 99)
        // 97 ms for what comes after: 3 ms are not enough for the first stage.
        setup.graphs[0].budgets = [.milliseconds(3), .milliseconds(97), .milliseconds(60)]
        let ledger = try Simulator.run(setup)
        #expect(ledger.counts(of: ModelID(0)).served == 0)
        #expect(ledger.graphs[0].counts.served == 0 || ledger.counts(of: ModelID(0)).late > 0)
    }

    @Test("Clients of an application may form a closed loop too, and overload loses nothing")
    func overload() throws {
        var setup = try Self.setup(sloMs: 60)
        setup.graphs[0].process = .closed(concurrency: 200)
        for policy in ["duty", "edf", "fifo"] {
            setup.policy = policy
            let ledger = try Simulator.run(setup)
            #expect(ledger.complaints == [], "\(policy)")
            #expect(ledger.graphs[0].counts.ended == ledger.graphs[0].counts.submitted)
            #expect(ledger.graphs[0].counts.submitted > 500)
        }
    }
}
