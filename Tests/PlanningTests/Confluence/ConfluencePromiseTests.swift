import ServingDomain
import ServingTestKit
import Testing

@testable import Planning

/// What `confluence` promises beside the papers' planners, and whether its lanes keep it.
@Suite struct ConfluencePromiseTests {
    @Test("Lanes of random plans stay within their targets in simulation", arguments: [61, 62])
    func simulated(seed: UInt64) throws {
        print("seed \(seed)")
        var dice = SeededGenerator(seed: seed)
        for turn in 0..<2 {
            let world = PlanningWorld.random(&dice, models: 6, devices: 2, load: 0.6)
            let inputs = world.inputs
            let plan = try ConfluencePlanner().plan(inputs)
            for layout in plan.devices {
                for number in layout.gpulets.indices {
                    let gpulet = layout.gpulets[number]
                    let lanes = Self.lanes(of: layout, number, inputs)
                    for order in [LaneSimulation.Order.oldest, .deadline] {
                        let simulation = LaneSimulation(
                            lanes: lanes,
                            order: order,
                            gather: gpulet.dutyCycle?.inMilliseconds ?? 0
                        )
                        let seen = simulation.violations(count: 8_000, seed: dice.next())
                        for (lane, seen) in zip(gpulet.lanes, seen) {
                            let target = 1 - inputs.models[lane.model.position].percentile / 100
                            // A burst more than the mean may fall into so short a run.
                            #expect(
                                seen <= target + 0.004,
                                "seed \(seed) turn \(turn): \(seen) of \(target), \(lane)"
                            )
                        }
                    }
                }
            }
        }
    }

    /// The lanes of one gpulet with their times beside their co-runners.
    private static func lanes(
        of layout: Plan.DeviceLayout,
        _ number: Int,
        _ inputs: PlanInputs
    ) -> [LaneSimulation.Lane] {
        let device = inputs.devices[layout.device.position]
        let coRunners = CoRunners(of: layout, on: device, in: inputs)
        let gpulet = layout.gpulets[number]
        return gpulet.lanes.enumerated().compactMap { place, lane in
            let model = lane.model.position
            guard let latencies = ModelLatencies(of: model, on: device.kind, in: inputs) else {
                return nil
            }
            let load = CoRunners.load(
                of: inputs.models[model],
                batch: lane.batchLimit,
                units: gpulet.units,
                on: device
            )
            let slowdown = coRunners.slowdown(of: load, gpulet: number, lane: place)
            return LaneSimulation.Lane(
                times: (1...lane.batchLimit).compactMap {
                    latencies.latency(batch: $0, units: gpulet.units)
                        .map { $0.inMilliseconds * slowdown }
                },
                rate: Double(lane.milliRate) / 1e6,
                objective: inputs.models[model].slo?.inMilliseconds ?? .infinity
            )
        }
    }

    @Test("Under the papers' test it schedules what their exhaustive planner schedules")
    func exhaustive() throws {
        print("seed 71")
        var dice = SeededGenerator(seed: 71)
        let ours = try PlannerCatalogue.planner(named: "confluence:capacity=paper")
        let theirs = try PlannerCatalogue.planner(named: "exhaustive")
        for _ in 0..<8 {
            let rates = (0..<5).map { _ in dice.one(of: [0, 200, 400, 800]) as Double }
            guard rates.contains(where: { $0 > 0 }) else { continue }
            let inputs = PlanningWorld.five(rates, devices: 3).inputs
            let (own, other) = (try ours.plan(inputs), try theirs.plan(inputs))
            #expect(own.schedulable || !other.schedulable, "\(rates)")
        }
    }

    @Test("Gpulets as many as fit serve at least as much as two per device")
    func gpulets() throws {
        let mix = [200.0, 200, 200, 100, 100]
        let two = try WhatIf.highestRate(
            of: PlanningWorld.five(mix, maxGpulets: 2).inputs,
            with: ConfluencePlanner(),
            precision: 0.1
        )
        let many = try WhatIf.highestRate(
            of: PlanningWorld.five(mix, maxGpulets: 0).inputs,
            with: ConfluencePlanner(),
            precision: 0.1
        )
        #expect(many.multiple >= two.multiple)
        #expect(many.plan?.devices.contains { $0.gpulets.count > 2 } == true)
    }
}
