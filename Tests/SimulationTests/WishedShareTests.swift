import Planning
import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import VirtualDevices
import Workloads

/// The third knob: a scaler that needs fewer units than its gpulet has says so, and the next epoch
/// gives them to somebody else.
@Suite struct WishedShareTests {
    /// Model 0 keeps what the present plan says, 90 units at first; model 1 gets the rest.
    struct Keeping: Planner {
        let name = "keeping"

        func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
            let before = inputs.present?.devices[0].gpulets.first {
                $0.lanes.contains { $0.model == ModelID(0) }
            }
            let first = before?.units ?? 90
            let gpulets = zip(inputs.models, inputs.milliRates).map { model, milliRate in
                Plan.GpuletLayout(
                    units: model.id == ModelID(0) ? first : 100 - first,
                    slots: 1,
                    dutyCycle: nil,
                    lanes: [
                        Plan.LanePlacement(
                            model: model.id,
                            batchLimit: 1,
                            instances: 1,
                            milliRate: milliRate
                        )
                    ]
                )
            }
            return Plan(
                planner: name,
                devices: [Plan.DeviceLayout(device: DeviceID(0), gpulets: gpulets)]
            )
        }
    }

    private func model(_ index: Int32, _ rows: [(units: Int32, ms: Double)]) -> SimulatedModel {
        let points = rows.map {
            LatencySurface.Point(
                batch: 1,
                units: $0.units,
                latency: .milliseconds(rounding: $0.ms)
            )
        }
        let spec = ModelSpec(
            id: ModelID(index),
            name: "m\(index)",
            maxBatch: 1,
            slo: .milliseconds(100),
            profiles: [DeviceProfile(kind: "test", surface: LatencySurface(points))]
        )
        return SimulatedModel(spec, truth: ModelTruth(of: spec, spread: 0))
    }

    private func setup(scaler: String, atForty: Double) -> SimulationSetup {
        var setup = Setups.simple(models: 2, rate: 50, seconds: 60, policy: "edf")
        setup.models = [
            // Nine tenths of the device bring hardly more than four.
            model(0, [(20, 9), (40, atForty), (90, 5)]),
            // A tenth is too little for the objective, the rest would be plenty.
            model(1, [(10, 150), (40, 8)]),
        ]
        setup.plans = .custom(Keeping())
        setup.declared = [59_000, 59_000]
        setup.epochs = .standard
        setup.scaler = scaler
        return setup
    }

    private func served(_ ledger: Ledger, _ model: Int32) -> Double {
        let own = ledger.counts(of: ModelID(model))
        return Double(own.served) / Double(max(1, own.submitted))
    }

    @Test("Units beyond the knee go to the model that lacks them, and nobody is late for it")
    func freed() throws {
        let ledger = try Simulator.run(
            setup(scaler: "confluence:period=100,samples=24", atForty: 5.1)
        )
        #expect(ledger.complaints == [])
        let last = try #require(ledger.answers.compactMap(\.plan).last)
        #expect(last.devices[0].gpulets.map(\.units) == [40, 60])
        #expect(served(ledger, 0) > 0.99)
        #expect(served(ledger, 1) > 0.4, "served once it has units: \(served(ledger, 1))")
        // Asked for once, not at every epoch.
        #expect(ledger.answers.count <= 6, "\(ledger.answers.count) plans")
    }

    @Test("A share that costs rate stays, and without a scaler nothing is wished for")
    func kept() throws {
        for (scaler, atForty) in [
            ("confluence:period=100,samples=24", 8.0), ("none", 5.1),
        ] {
            let ledger = try Simulator.run(setup(scaler: scaler, atForty: atForty))
            let last = try #require(ledger.answers.compactMap(\.plan).last)
            #expect(last.devices[0].gpulets.map(\.units) == [90, 10], "\(scaler)")
            #expect(served(ledger, 1) < 0.1)
        }
    }
}
