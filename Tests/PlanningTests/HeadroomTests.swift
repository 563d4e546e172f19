import Planning
import ServingDomain
import Testing

/// What is asked for goes before what may be.
@Suite struct HeadroomTests {
    /// Two models on one device; batches of b take 9 + b ms on any share.
    private func inputs(rates: [Int64], least: [Int64]) -> PlanInputs {
        var world = PlanningWorld(devices: 1)
        let points = zip([1, 32] as [Int32], [10, 41] as [Int64]).map {
            LatencySurface.Point(batch: $0, units: 20, latency: .milliseconds($1))
        }
        for name in ["a", "b"] {
            world.add(name, rate: 0, sloMs: 100, surface: LatencySurface(points))
        }
        var inputs = world.inputs
        inputs.milliRates = rates.map { $0 * 1_000 }
        inputs.leastMilliRates = least.map { $0 * 1_000 }
        return inputs
    }

    private func served(_ plan: Plan, _ model: ModelID) -> Int64 {
        plan.devices.flatMap(\.gpulets).flatMap(\.lanes).filter { $0.model == model }
            .reduce(0) { $0 + $1.milliRate }
    }

    /// The highest rate that both models can have at once.
    private func highest() throws -> Int64 {
        var rate: Int64 = 10
        while try ConfluencePlanner().plan(inputs(rates: [rate, rate], least: [])).schedulable {
            rate += 5
        }
        return rate - 5
    }

    @Test("Headroom that finds no place is given up, by half if that does, and said")
    func givenUp() throws {
        let top = try highest()
        for (factor, kept) in [(115, 0), (105, 50)] as [(Int64, Int64)] {
            let least = top * 97 / 100
            let rates = [least * factor / 100, least * factor / 100]
            let inputs = inputs(rates: rates, least: [least, least])
            let plan = try ConfluencePlanner().plan(inputs)
            #expect(Audit.violations(of: plan, for: inputs).isEmpty)
            for place in inputs.models.indices {
                let model = inputs.models[place].id
                let wanted = inputs.milliRates[place]
                let rest = plan.unserved.first { $0.model == model }
                let asked = inputs.leastMilliRates[place]
                #expect(served(plan, model) == asked + (wanted - asked) / 100 * kept, "\(factor)")
                #expect(served(plan, model) >= inputs.leastMilliRates[place], "\(factor)")
                #expect(rest?.why?.contains("headroom") == true, "\(factor), \(kept)")
                #expect(served(plan, model) + (rest?.milliRate ?? 0) == wanted)
            }
        }
    }

    @Test("Where a little more is asked for than fits, every model gets a little less")
    func little() throws {
        let top = try highest()
        let least = top * 108 / 100
        let inputs = inputs(rates: [least * 115 / 100, least], least: [least, least])
        let plan = try ConfluencePlanner().plan(inputs)
        #expect(Audit.violations(of: plan, for: inputs).isEmpty)
        for place in inputs.models.indices {
            let model = inputs.models[place].id
            let rest = try #require(plan.unserved.first { $0.model == model })
            #expect(rest.why?.contains("a little less") == true)
            #expect(served(plan, model) + rest.milliRate == inputs.milliRates[place])
            #expect(served(plan, model) == least * 1_000 / 100 * 90)
        }
    }

    @Test("What is too much by a little is not taken from high priority, where there is a low one")
    func littleHigh() throws {
        let top = try highest()
        let least = top * 103 / 100
        var inputs = inputs(rates: [least, least], least: [least, least - 1])
        inputs.models[0].priorities = PriorityRules(levels: 2, defaultLevel: 1)
        inputs.models[1].priorities = PriorityRules(levels: 2, defaultLevel: 2)
        let plan = try ConfluencePlanner().plan(inputs)
        let high = served(plan, inputs.models[0].id)
        #expect(high == least * 1_000, "\(plan.unserved)")
        #expect(served(plan, inputs.models[1].id) < least * 1_000)
    }

    @Test("Where not even what is asked for has a place, all is as without headroom's leave")
    func beyond() throws {
        let top = try highest()
        let rates = [top * 2, top * 2]
        let with = try ConfluencePlanner().plan(
            inputs(rates: rates, least: [top * 3 / 2, top * 3 / 2])
        )
        let without = try ConfluencePlanner().plan(inputs(rates: rates, least: []))
        #expect(with == without && !with.schedulable)
    }

    @Test("Where all of it has a place, headroom stays")
    func kept() throws {
        let top = try highest()
        let inputs = inputs(rates: [top, top], least: [top / 2, top / 2])
        let plan = try ConfluencePlanner().plan(inputs)
        #expect(plan.schedulable && served(plan, inputs.models[0].id) == inputs.milliRates[0])
    }
}
