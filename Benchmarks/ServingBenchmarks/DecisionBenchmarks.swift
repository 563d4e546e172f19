import Benchmark
import Experiments
import Planning
import ServerCore
import ServingDomain
import Workloads

/// What the layers above the dispatcher cost: a scaler's decision, a row completed, an update of
/// what is known of interference, a plan.
func decisionBenchmarks() {
    let once = Benchmark.Configuration(
        metrics: [.wallClock],
        timeUnits: .microseconds,
        maxDuration: .seconds(5),
        maxIterations: 50
    )
    for scaler in ["confluence:queueing=false", "dnnscaler", "clipper"] {
        Benchmark(
            "Scaler \(scaler), one decision",
            configuration: Benchmark.Configuration(
                metrics: [.wallClock],
                timeUnits: .nanoseconds,
                warmupIterations: 200,
                maxDuration: .seconds(10),
                maxIterations: 20_000
            ),
            closure: { (benchmark: Benchmark, drive: ScalerDrive) in drive.run(benchmark) },
            setup: { try ScalerDrive(scaler) }
        )
    }
    for (networks, settings) in [(18, 10), (1_000, 32)] {
        for method in CompletionWork.Method.allCases {
            Benchmark(
                "Completion, \(method.rawValue), \(networks) x \(settings)",
                configuration: once
            ) { benchmark in
                let work = CompletionWork(method, networks: networks, settings: settings)
                benchmark.startMeasurement()
                let sum = work.run()
                benchmark.stopMeasurement()
                if sum <= 0 { benchmark.error("the row could not be completed") }
            }
        }
    }
    Benchmark(
        "Interference, one update by recursive least squares",
        configuration: Benchmark.Configuration(
            metrics: [.wallClock],
            timeUnits: .nanoseconds,
            scalingFactor: .kilo,
            maxDuration: .seconds(2)
        )
    ) { benchmark in
        var work = LearnerWork()
        for _ in benchmark.scaledIterations { work.learn() }
        if work.samples == 0 { benchmark.error("nothing was learned") }
    }
    for name in ["temporal", "self-tuning", "elastic", "confluence"] {
        Benchmark("Planner \(name), 100 models on 4 devices", configuration: once) { benchmark in
            guard let planner = try? PlannerCatalogue.planner(named: name) else {
                return benchmark.error("there is no planner '\(name)'")
            }
            let inputs = Demand.inputs
            benchmark.startMeasurement()
            let plan = try? planner.plan(inputs)
            benchmark.stopMeasurement()
            if plan?.devices.isEmpty ?? true { benchmark.error("no plan was made") }
        }
    }
}

/// Keeps the work of one benchmark; its closure is handed a reference.
final class ScalerDrive {
    private var work: ScalerWork

    init(_ scaler: String) throws {
        work = try ScalerWork(scaler: scaler)
    }

    /// Time passes unmeasured, the decision counts.
    func run(_ benchmark: Benchmark) {
        work.advance()
        benchmark.startMeasurement()
        work.decide()
        benchmark.stopMeasurement()
    }
}

/// 100 models on four devices of 100 units, most of them slow movers.
enum Demand {
    static let inputs: PlanInputs = {
        var dice = SeededGenerator(seed: 7)
        let devices = (0..<Int32(4)).map {
            DeviceSpec(
                id: DeviceID($0),
                name: "gpu\($0)",
                kind: "test",
                units: 100,
                shares: [20, 40, 50, 60, 80, 100]
            )
        }
        var rates: [Int64] = []
        let models = (0..<Int32(100)).map { index in
            let base = Double.random(in: 1..<12, using: &dice)
            var points: [LatencySurface.Point] = []
            for units in [Int32(20), 40, 60, 80, 100] {
                for batch in [Int32(1), 2, 4, 8, 16, 32] {
                    let work = base * (1 + 0.3 * Double(batch - 1))
                    let ms = work * max(0.6, 60 / Double(units))
                    points.append(
                        .init(batch: batch, units: units, latency: .milliseconds(rounding: ms))
                    )
                }
            }
            rates.append(Int64.random(in: 500...12_000, using: &dice))
            return ModelSpec(
                id: ModelID(index),
                name: "m\(index)",
                maxBatch: 32,
                slo: .milliseconds(rounding: base * Double.random(in: 8..<30, using: &dice)),
                profiles: [DeviceProfile(kind: "test", surface: LatencySurface(points))]
            )
        }
        return PlanInputs(devices: devices, models: models, milliRates: rates, present: nil)
    }()
}
