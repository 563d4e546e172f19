import Experiments
import Planning
import ServerCore
import ServingDomain
import Simulation
import Testing
import VirtualDevices
import Workloads

/// At the highest rate that `confluence` calls schedulable its own policy keeps 1 % in simulation:
/// gpu-lets' five networks on four RTX 2080 Ti as `serve --emulate` makes them, with copies, 2 %
/// noise and interference that no planner was told the truth of.
@Suite struct HighestRateTests {
    /// The five networks, their images copied to the device.
    private func models() throws -> [ModelSpec] {
        let preset = try DevicePreset.named("rtx-2080ti")
        return try GpuLetsWorld.five.enumerated().map { place, name in
            let cost = try #require(NetworkCost.named(name))
            var profile = preset.profile(of: cost)
            // An emulated instance is there at once.
            (profile.coldStart, profile.warmStart) = (.milliseconds(50), .milliseconds(50))
            return ModelSpec(
                id: ModelID(Int32(place)),
                name: name,
                maxBatch: 32,
                slo: .milliseconds(
                    rounding: try #require(GpuletsModel.named(name)).atcMilliseconds
                ),
                profiles: [profile],
                inputBytes: cost.inputBytes,
                outputBytes: cost.outputBytes
            )
        }
    }

    private func devices() throws -> [DeviceSpec] {
        let preset = try DevicePreset.named("rtx-2080ti")
        return (0..<4).map { preset.device(id: DeviceID($0), name: "gpu\($0)") }
    }

    /// The highest equal rate of `planner`, told `belief` of co-runners, with its plan.
    private func highest(
        _ planner: any Planner,
        _ belief: [PlanInputs.KindContention]
    ) throws -> (rate: Double, plan: Plan) {
        let inputs = PlanInputs(
            devices: try devices(),
            models: try models(),
            milliRates: try models().map { _ in 100_000 },
            present: nil,
            contention: belief
        )
        let found = try WhatIf.highestRate(of: inputs, with: planner, precision: 0.01)
        return (found.multiple * 100, try #require(found.plan))
    }

    private func setup(rate: Double, warmUp: Int64, counted: Int64) throws -> SimulationSetup {
        let (devices, models) = (try devices(), try models())
        var setup = SimulationSetup(
            devices: devices,
            models: models.map { SimulatedModel($0, truth: ModelTruth(of: $0, spread: 0.02)) },
            loads: models.map { RequestLoad($0.id, .poisson(rate: rate)) },
            duration: .seconds(warmUp + counted)
        )
        setup.warmUp = .seconds(warmUp)
        let truth = SaturatingContention(models: [], seed: 1)
        setup.truths = devices.map { _ in truth }
        setup.policy = "confluence"
        setup.audits = false
        return setup
    }

    @Test("A plan that knows what co-runners cost holds at its highest rate, fixed")
    func fixed() throws {
        let belief = [
            PlanInputs.KindContention(kind: "rtx-2080ti", model: .linear(.rtx2080ti))
        ]
        let (rate, plan) = try highest(ConfluencePlanner(), belief)
        var setup = try setup(rate: rate, warmUp: 2, counted: 15)
        setup.plans = .fixed(plan)
        let percent = try Simulator.run(setup).total.violationPercent
        #expect(rate * 5 > 1_700 && percent <= 0.5, "\(percent) % at \(rate * 5) r/s")
    }

    @Test("A server's whole loop holds at the rate that it calls schedulable, told nothing before")
    func live() throws {
        let seated = SeatedPlanner(ConfluencePlanner(), floorMilliRate: 1_000)
        let (rate, _) = try highest(seated, [])
        // The scaler's probes last for 22 s here; then it must rest without harm.
        var setup = try setup(rate: rate, warmUp: 30, counted: 30)
        setup.plans = .custom(seated)
        setup.scaler = "confluence"
        setup.epochs = .live
        let percent = try Simulator.run(setup).total.violationPercent
        #expect(rate * 5 > 1_700 && percent <= 0.5, "\(percent) % at \(rate * 5) r/s")
    }
}
