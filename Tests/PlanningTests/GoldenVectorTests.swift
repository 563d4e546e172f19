import Planning
import ServingDomain
import Testing

/// The public code's own answers (notes on gpu-lets, section 7.2): ours must be the same.
@Suite struct GoldenVectorTests {
    private typealias Demand = (name: String, rate: Double, sloMs: Double?)

    private static let two: [Demand] = [("resnet50", 100, nil), ("vgg16", 60, nil)]
    private static let three: [Demand] = two + [("googlenet", 150, nil)]

    private func check(
        _ name: String,
        _ demand: [Demand],
        gpus: Int32,
        _ golden: [String],
        line: Int = #line
    ) throws {
        guard let data = GletData() else {
            print("skipped: ../shared/data/glet is not there")
            return
        }
        let inputs = data.inputs(demand, gpus: gpus)
        var options = GpuletOptions.released
        options.host = demand.map { data.host(of: $0.name) }
        let plan: Plan
        switch name {
        case "gpulet-int": plan = try ElasticPlanner(options: options).plan(inputs)
        case "gpulet-noint":
            options.interference = false
            plan = try ElasticPlanner(options: options).plan(inputs)
        case "greedy_part": plan = try SelfTuningPlanner(options: options).plan(inputs)
        case "timesharing_only": plan = try TemporalPlanner(options: options).plan(inputs)
        default: plan = try ExhaustivePlanner(options: options).plan(inputs)
        }
        #expect(plan.asGoldenVector == golden, "\(name)")
        #expect(Audit.violations(of: plan, for: inputs) == [])
    }

    @Test("Two models on four devices each start one of their own")
    func twoModels() throws {
        try check("gpulet-int", Self.two, gpus: 4, ["2:50 0 9 72.0", "3:40 1 8 100.0"])
    }

    @Test("Three models on two devices, with and without interference")
    func threeModels() throws {
        let golden = ["0:40 2 8 44.44", "0:60 0 9 72.0", "1:40 1 8 100.0"]
        try check("gpulet-int", Self.three, gpus: 2, golden)
        try check("gpulet-noint", Self.three, gpus: 2, golden)
    }

    @Test("Self-tuning takes the smallest sizes, time sharing alone finds no place")
    func others() throws {
        try check(
            "greedy_part",
            Self.three,
            gpus: 2,
            ["0:20 2 8 44.44", "0:80 0 9 72.0", "1:20 1 8 100.0"]
        )
        try check("timesharing_only", Self.three, gpus: 2, ["EMPTY"])
    }

    @Test("The full search stops at its first layout, all devices split evenly")
    func fullSearch() throws {
        try check(
            "full_search",
            Self.three,
            gpus: 4,
            ["1:50 0 9 72.0", "2:50 2 8 44.44", "3:50 1 8 100.0"]
        )
    }

    @Test("A model that saturates two gpulets never gets a batch of 32")
    func saturated() throws {
        try check(
            "gpulet-noint",
            [("bert", 2_000, 220)],
            gpus: 2,
            ["0:40 0 31 30.13", "1:40 0 31 30.13", "1:60 0 28 197.18"]
        )
    }

    @Test("What no layout serves is EMPTY")
    func impossible() throws {
        try check(
            "full_search",
            [("resnet50", 3_000, nil), ("vgg16", 3_000, nil), ("googlenet", 3_000, nil)],
            gpus: 4,
            ["EMPTY"]
        )
    }
}
