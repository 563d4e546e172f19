import Planning
import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import Workloads

/// Demand drifts, plans follow, and nothing is lost on the way.
@Suite struct EpochRunTests {
    /// One gpulet per model on device 0, its units in proportion to the model's rate.
    struct Proportional: Planner {
        let name = "proportional"

        func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
            guard let device = inputs.devices.first else { throw PlanError("no device") }
            let units = device.units
            let sum = max(1, inputs.milliRates.reduce(0, +))
            var left = units
            var gpulets: [Plan.GpuletLayout] = []
            for (place, model) in inputs.models.enumerated() {
                let rate = inputs.milliRates[place]
                let rest = Int32(inputs.models.count - place - 1)
                let part = Int32(Int64(units) * rate / sum)
                let share = rest == 0 ? left : min(left - rest, max(1, part))
                left -= share
                gpulets.append(
                    Plan.GpuletLayout(
                        units: share,
                        slots: 1,
                        dutyCycle: .milliseconds(10),
                        lanes: [
                            Plan.LanePlacement(
                                model: model.id,
                                batchLimit: 8,
                                instances: 1,
                                milliRate: rate
                            )
                        ]
                    )
                )
            }
            return Plan(
                planner: name,
                devices: [Plan.DeviceLayout(device: device.id, gpulets: gpulets)]
            )
        }
    }

    /// Two models, the load of which changes places after 20 s.
    static func swapping(policy: String = "duty") -> SimulationSetup {
        var setup = Setups.simple(models: 2, seconds: 60, policy: policy)
        let rates: [[Double]] = [[100, 20, 20], [20, 100, 100]]
        setup.loads = rates.enumerated().map { place, rates in
            RequestLoad(
                ModelID(Int32(place)),
                .steps(RateSteps(step: .seconds(20), rates: rates))
            )
        }
        setup.plans = .custom(Proportional())
        setup.declared = [100_000, 20_000]
        setup.epochs = .standard
        return setup
    }

    @Test("Gpulets change their sizes under load, and no request is lost")
    func swap() throws {
        for policy in ["duty", "edf", "fifo"] {
            let ledger = try Simulator.run(Self.swapping(policy: policy))
            #expect(ledger.complaints == [], "\(policy)")
            #expect(ledger.total.ended == ledger.total.submitted)
            #expect(ledger.total.refused == 0 && ledger.total.failed == 0)
            #expect(ledger.total.violationPercent < 1, "\(policy): \(ledger.total)")
            let plans = ledger.answers.compactMap(\.plan)
            let last = try #require(plans.last)
            #expect(last.devices[0].gpulets[0].units < 30)
            #expect(last.devices[0].gpulets[1].units > 70)
            // Neither at every epoch nor never.
            #expect((3...10).contains(plans.count), "\(plans.count) plans")
        }
    }

    @Test("A steady load is never planned anew, neither by our rules nor by gpu-lets'")
    func steady() throws {
        for rules in [EpochRules.standard, .gpulets] {
            var setup = Setups.simple(models: 2, rate: 100, seconds: 60, policy: "duty")
            setup.plans = .custom(Proportional())
            // What the rules' headroom makes of 100 requests/s.
            setup.declared =
                rules == .gpulets ? [150_000, 150_000] : [118_000, 118_000]
            setup.epochs = rules
            let ledger = try Simulator.run(setup)
            #expect(ledger.answers.compactMap(\.plan).count == 1, "\(rules)")
        }
    }

    @Test("gpu-lets' loop plans for 1.2 times the rate, within two epochs of a jump")
    func gpuletsLoop() throws {
        var setup = Self.swapping()
        setup.duration = .seconds(100)
        setup.loads[0].process = .steps(
            RateSteps(step: .seconds(20), rates: [200, 400, 400, 400, 400])
        )
        setup.loads[1].process = .poisson(rate: 20)
        setup.declared = [240_000, 30_000]
        setup.epochs = .gpulets
        let ledger = try Simulator.run(setup)
        let first = try #require(ledger.answers.first { $0.at > .zero + .seconds(21) })
        #expect(first.at <= .zero + .seconds(45))
        let last = try #require(ledger.answers.last)
        #expect(abs(Double(last.milliRates[0]) / 480_000 - 1) < 0.06, "\(last.milliRates)")
    }

    @Test("A planner that fails leaves the plan, and is asked again")
    func failing() throws {
        struct Failing: Planner {
            let name = "failing"
            func plan(_ inputs: PlanInputs) throws(PlanError) -> Plan {
                guard inputs.present == nil else { throw PlanError("no") }
                return try Proportional().plan(inputs)
            }
        }
        var setup = Self.swapping()
        setup.plans = .custom(Failing())
        let ledger = try Simulator.run(setup)
        #expect(ledger.complaints == [])
        #expect(ledger.answers.count { $0.plan == nil && $0.at > .zero } >= 3)
        #expect(ledger.total.served > 5_000)
    }

    @Test("Rules that make no sense are refused in one line")
    func flaws() {
        var setup = Self.swapping()
        setup.epochs?.sample = .zero
        #expect(throws: SimulationError.self) { try Simulator.run(setup) }
    }
}
