import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import VirtualDevices
import Workloads

/// Copies, stages and two classes, under every policy that there is.
@Suite struct StagedRunTests {
    /// Six models as Strait's stand-in has them, in small: a 2-slot device, copies of 5 MB an item.
    static func setup(_ policy: String, rate: Double = 40, seconds: Int64 = 6) -> SimulationSetup {
        var setup = Setups.simple(models: 4, devices: 2, rate: rate, seconds: seconds)
        setup.policy = policy
        setup.plans = .planner("whole:slots=2")
        for place in setup.devices.indices {
            setup.devices[place].copyEngines = 2
            setup.devices[place].copy = CopySpec(
                setup: .microseconds(10),
                bytesPerSecond: 12_000_000_000,
                uplink: 0,
                uplinkBytesPerSecond: 16_000_000_000
            )
        }
        setup.truths = setup.devices.map { _ in ModelledContention(.loss(.prior)) }
        for place in setup.models.indices {
            var spec = setup.models[place].spec
            spec.inputBytes = 4_900_000
            spec.outputBytes = 4_000
            spec.slo = .milliseconds(60)
            spec.profiles[0].segments = 4
            spec.profiles[0].utilization = [
                Utilization(batch: 1, sm: 0.4, l2: 0.3, dram: 0.4)
            ]
            setup.models[place] = SimulatedModel(spec, truth: ModelTruth(of: spec, spread: 0.05))
        }
        setup.loads = (0..<4).map {
            RequestLoad(ModelID($0), .poisson(rate: rate), level: $0 % 2 == 0 ? 1 : 2)
        }
        return setup
    }

    @Test(
        "Nothing is lost and the auditor is content, under every policy",
        arguments: [
            "duty", "fifo", "edf", "clockwork", "preemptive:threshold=2", "strait", "confluence",
            "oracle",
        ]
    )
    func policies(policy: String) throws {
        let ledger = try Simulator.run(Self.setup(policy))
        #expect(ledger.complaints == [], "\(policy)")
        #expect(ledger.total.ended == ledger.total.submitted, "\(policy)")
        #expect(ledger.counts(of: .high).submitted > 300)
        #expect(ledger.total.served > ledger.total.submitted / 2, "\(policy): \(ledger.total)")
    }

    @Test("Overload and faults lose nothing either, under every policy")
    func overload() throws {
        for policy in ["duty", "edf", "preemptive:threshold=2", "strait", "confluence"] {
            var setup = Self.setup(policy, rate: 150, seconds: 3)
            setup.faults = [
                Fault(
                    .deviceLost(DeviceID(1)),
                    at: .zero + .seconds(1),
                    duration: .milliseconds(700)
                ),
                Fault(
                    .slowDevice(DeviceID(0), milli: 1_700),
                    at: .zero + .seconds(2),
                    duration: .milliseconds(500)
                ),
            ]
            let ledger = try Simulator.run(setup)
            #expect(ledger.complaints == [], "\(policy)")
            #expect(ledger.total.ended == ledger.total.submitted, "\(policy)")
        }
    }
}
