import Planning
import ServingDomain
import ServingTestKit
import Testing

/// The planner that does not plan: every model on every device, as Triton does it.
@Suite struct WholePlannerTests {
    private func inputs(_ models: [ModelSpec], devices: Int32 = 2) -> PlanInputs {
        PlanInputs(
            devices: (0..<devices).map { .sample($0, units: 8) },
            models: models,
            milliRates: models.map { _ in 6_000 },
            present: nil
        )
    }

    @Test("Every device is one gpulet of all its units with a lane for every model")
    func places() throws {
        let plan = try WholePlanner().plan(
            inputs([.sample(0, maxBatch: 4, instances: 2), .sample(1, maxBatch: 1)])
        )
        #expect(plan.schedulable)
        #expect(plan.devices.map(\.device.index) == [0, 1])
        for device in plan.devices {
            #expect(device.gpulets.map(\.units) == [8])
            #expect(device.gpulets[0].slots == 3)
            #expect(device.gpulets[0].lanes.map(\.batchLimit) == [4, 1])
            #expect(device.gpulets[0].lanes.map(\.instances) == [2, 1])
            #expect(device.gpulets[0].lanes.map(\.milliRate) == [3_000, 3_000])
        }
    }

    @Test("Without a model there is a gpulet all the same, without a device demand is unserved")
    func empty() throws {
        let idle = try WholePlanner().plan(inputs([]))
        #expect(idle.devices[0].gpulets[0].slots == 1)
        let lost = try WholePlanner().plan(inputs([.sample(0)], devices: 0))
        #expect(lost.unserved == [Plan.Unserved(model: ModelID(0), milliRate: 6_000)])
        #expect(!lost.schedulable)
    }

    @Test("The option slots bounds what runs at once")
    func slots() throws {
        let planner = try PlannerCatalogue.planner(named: "whole:slots=2")
        #expect(planner.name == "whole:slots=2")
        let plan = try planner.plan(inputs([.sample(0, instances: 5)]))
        #expect(plan.devices[0].gpulets[0].slots == 2)
    }

    @Test("Equal inputs give equal plans")
    func repeatable() throws {
        let inputs = inputs((0..<20).map { .sample($0, instances: 1 + $0 % 3) })
        #expect(try WholePlanner().plan(inputs) == WholePlanner().plan(inputs))
    }

    @Test(
        "A name or option that there isn't is answered with what there is",
        arguments: [
            ("hole", "did you mean 'whole'?"),
            ("whole:slot=2", "did you mean 'slots'?"),
            ("whole:slots=0", "1...1024"),
            ("whole:slots=many", "1...1024"),
            ("", "Known: whole, "),
        ]
    )
    func unknown(name: String, part: String) {
        let error = #expect(throws: PlanError.self) { try PlannerCatalogue.planner(named: name) }
        #expect(error?.message.contains(part) == true, "\(error?.message ?? "")")
        #expect(error?.message.contains("\n") == false)
    }
}
