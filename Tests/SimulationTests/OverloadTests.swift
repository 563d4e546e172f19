import ServerCore
import ServingDomain
import Simulation
import Testing
import Workloads

/// What is served in time where more is asked for than a device can do.
@Suite struct OverloadTests {
    /// The part of what full batches serve that comes in time at `rate` requests per second, once
    /// the rush has lasted for a while. Batches of b take 2 + b ms: one at a time 333 r/s, 32 at
    /// a time 941; 24 leave a deadline of 44 ms enough for gathering the next, 923 r/s.
    private func goodput(_ policy: String, rate: Double, seed: UInt64) throws -> Double {
        var setup = Setups.simple(rate: rate, seconds: 20, policy: policy)
        setup.models = [Setups.model(0, first: 2, each: 1, maxBatch: 32, sloMs: 44)]
        setup.seed = seed
        let ledger = try Simulator.run(setup)
        return Double(ledger.rows.reduce(0) { $0 + $1.counts.served }) / 20 / 923
    }

    @Test(
        "Beyond capacity, batches stay large, and most of what a device can do comes in time",
        arguments: ["edf", "preemptive", "confluence"]
    )
    func beyond(policy: String) throws {
        let expected = [(500.0, 0.53), (850, 0.88), (1_000, 0.88), (1_500, 0.88), (3_000, 0.85)]
        for (rate, least) in expected {
            for seed in 1...2 as ClosedRange<UInt64> {
                let found = try goodput(policy, rate: rate, seed: seed)
                #expect(found >= least, "\(policy) at \(rate) r/s, seed \(seed)")
            }
        }
    }
}
