import Planning
import ServingDomain
import Testing

/// Plans in words, and the questions that are answered by planning again.
@Suite struct ExplainTests {
    private func world(_ rate: Double, devices: Int32 = 1) -> PlanningWorld {
        var world = PlanningWorld(devices: devices)
        world.contention = PlanningWorld.published
        world.add("resnet50", rate: rate, sloMs: 108, busy: 0.6)
        world.add("vgg16", rate: rate, sloMs: 142, busy: 0.6)
        return world
    }

    @Test("Every seat is explained: where, how large, why, and beside whom")
    func seats() throws {
        let inputs = world(100).inputs
        let planner = ElasticPlanner()
        let plan = try planner.plan(inputs)
        let lines = try Explanation.lines(of: plan, for: inputs, with: planner)
        #expect(plan.schedulable)
        #expect(lines.count == 2)
        #expect(lines[0].hasPrefix("resnet50: 100 of 100 r/s on gpu0, gpulet "))
        #expect(lines.allSatisfy { $0.contains("Why there: ") && $0.hasSuffix(".") })
        #expect(lines.allSatisfy { $0.contains("% longer") || $0.contains("takes turns with") })
    }

    @Test("What is unserved says why, and each remedy really helps")
    func remedies() throws {
        var world = world(900)
        world.rates[1] = 0
        var inputs = world.inputs
        let planner = ElasticPlanner()
        let plan = try planner.plan(inputs)
        let unserved = try #require(plan.unserved.first)
        let lines = try Explanation.lines(of: plan, for: inputs, with: planner)
        let more = try #require(lines.first { $0.contains(" more device") })
        let count = try #require(more.split(separator: " ").compactMap { Int($0) }.first)
        let larger = WhatIf.withDevices(1 + count, of: inputs)
        #expect(try !planner.plan(larger).unserved.contains { $0.model == unserved.model })
        let slower = try #require(lines.first { $0.contains("r/s of it can be") })
        let rate = try #require(slower.split(separator: " ").compactMap { Double($0) }.first)
        inputs.milliRates[unserved.model.position] = Int64(rate * 1_000)
        #expect(try !planner.plan(inputs).unserved.contains { $0.model == unserved.model })
    }

    @Test("Without a device or a profile the remedy is a device or a profile; hopeless is said")
    func hopeless() throws {
        let planner = ElasticPlanner()
        func lines(_ inputs: PlanInputs) throws -> String {
            try Explanation.lines(of: planner.plan(inputs), for: inputs, with: planner)
                .joined(separator: "\n")
        }
        #expect(try lines(world(10, devices: 0).inputs).contains("needs a device"))
        var world = world(10)
        world.models[0].profiles = []
        #expect(try lines(world.inputs).contains("needs a profile on 'rtx-2080ti'"))
        world = self.world(10)
        world.models[0].slo = .microseconds(1)
        #expect(try lines(world.inputs).contains("the model is too slow there"))
        world.rates = [0, 10]
        #expect(try lines(world.inputs).contains("resnet50: no requests are expected"))
    }

    @Test("The highest multiple is schedulable and a little more is not")
    func highest() throws {
        for name in ["elastic", "temporal", "self-tuning", "exhaustive"] {
            let planner = try PlannerCatalogue.planner(named: name)
            let inputs = world(10, devices: 2).inputs
            let found = try WhatIf.highestRate(of: inputs, with: planner)
            #expect(found.multiple > 1, "\(name)")
            #expect(found.plan?.schedulable == true, "\(name)")
            var more = inputs
            more.milliRates = found.milliRates.map { $0 + $0 / 400 }
            #expect(try !planner.plan(more).schedulable, "\(name)")
        }
        let planner = ElasticPlanner()
        let slow = try WhatIf.highestRate(of: world(1e9).inputs, with: planner)
        #expect(slow.multiple > 0 && slow.multiple < 1e-5)
        #expect(try WhatIf.highestRate(of: world(0).inputs, with: planner).multiple == 1)
        let none = try WhatIf.highestRate(of: world(10, devices: 0).inputs, with: planner)
        #expect(none.multiple == 0 && none.plan == nil)
    }

    @Test("The devices needed serve everything, and one fewer does not")
    func devices() throws {
        for (name, rate) in [("elastic", 900.0), ("temporal", 900), ("elastic", 20_000)] {
            let planner = try PlannerCatalogue.planner(named: name)
            let inputs = world(rate).inputs
            let count = try #require(try WhatIf.devicesNeeded(for: inputs, with: planner))
            #expect(try planner.plan(WhatIf.withDevices(count, of: inputs)).schedulable)
            #expect(try !planner.plan(WhatIf.withDevices(count - 1, of: inputs)).schedulable)
        }
        let planner = ElasticPlanner()
        #expect(try WhatIf.devicesNeeded(for: world(0).inputs, with: planner) == 0)
        #expect(try WhatIf.devicesNeeded(for: world(1, devices: 0).inputs, with: planner) == nil)
        #expect(try WhatIf.devicesNeeded(for: world(1e9).inputs, with: planner, limit: 64) == nil)
    }
}
