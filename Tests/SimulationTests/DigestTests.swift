import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import VirtualDevices
import Workloads

/// Nothing depends on the process: neither addresses nor hash seeds.
@Suite struct DigestTests {
    /// A bit of everything: noise, contention, epochs, an application, faults.
    static func setup() throws -> SimulationSetup {
        var setup = EpochRunTests.swapping()
        setup.duration = .seconds(30)
        setup.models.append(Setups.model(2, first: 2, each: 0.5, spread: 0.1))
        setup.models[0].truth.spread = 0.05
        setup.loads.append(RequestLoad(ModelID(2), .bursty(.standard(rate: 40)), level: 1))
        setup.declared = [100_000, 20_000, 60_000]
        let stages = [Graph.Stage(model: ModelID(0)), Graph.Stage(model: ModelID(2), after: [0])]
        let graph = try #require(
            Graph(name: "pair", slo: .milliseconds(120), stages: stages)
        )
        setup.graphs = [GraphLoad(graph, .poisson(rate: 10))]
        setup.truths = [ModelledContention(.loss(.prior))]
        setup.faults = [
            Fault(
                .slowDevice(DeviceID(0), milli: 1_500),
                at: .zero + .seconds(5),
                duration: .seconds(2)
            ),
            Fault(.deviceLost(DeviceID(0)), at: .zero + .seconds(20), duration: .seconds(1)),
        ]
        return setup
    }

    @Test("The same seed in two processes gives one digest")
    func twoProcesses() async throws {
        let child = await #expect(
            processExitsWith: .success,
            observing: [\.standardOutputContent]
        ) {
            print("digest \(try Simulator.run(DigestTests.setup()).digest) end")
        }
        let ledger = try Simulator.run(Self.setup())
        #expect(ledger.complaints == [])
        #expect(ledger.total.ended == ledger.total.submitted)
        #expect(ledger.graphs[0].counts.served > 100)
        let output = String(decoding: child?.standardOutputContent ?? [], as: UTF8.self)
        #expect(output.contains("digest \(ledger.digest) end"))
    }
}
