import Benchmark
import CAllocationCounter

/// What each benchmark reports, per event or per message.
let allocations = BenchmarkMetric.custom("Heap allocations")

/// How long and how often each one runs.
var settings: Benchmark.Configuration {
    Benchmark.Configuration(
        metrics: [.wallClock, .instructions, allocations],
        timeUnits: .nanoseconds,
        scalingFactor: .kilo,
        maxDuration: .seconds(2),
        maxIterations: 10_000
    )
}

/// Measures `body`, run as often as the scale says; returns how often it allocated.
func measure(_ benchmark: Benchmark, _ body: () throws -> Void) rethrows -> UInt64 {
    benchmark.startMeasurement()
    let before = allocation_count()
    for _ in benchmark.scaledIterations { try body() }
    let count = allocation_count() - before
    benchmark.stopMeasurement()
    benchmark.measurement(allocations, Int(clamping: count))
    return count
}

let benchmarks: @Sendable () -> Void = {
    for policy in ["edf", "fifo"] {
        Benchmark(
            "ServerCore.handle, \(policy), 100 models, 64 queued",
            configuration: settings,
            closure: { (benchmark: Benchmark, cycle: CoreCycle) in
                let count = measure(benchmark) { cycle.step() }
                if count > 0 { benchmark.error("the core allocated \(count) times") }
                if cycle.lost > 0 { benchmark.error("\(cycle.lost) requests were not served") }
            },
            setup: { try CoreCycle(policy: policy, waiting: 64) }
        )
    }
    for wire in TinyRequest.Wire.allCases {
        Benchmark(
            "Tiny request, decode and bind, \(wire.rawValue)",
            configuration: settings,
            closure: { (benchmark: Benchmark, request: TinyRequest) in
                _ = try measure(benchmark) { blackHole(try request.decode()) }
            },
            setup: { TinyRequest(wire) }
        )
        Benchmark(
            "Tiny reply, encode, \(wire.rawValue)",
            configuration: settings,
            closure: { (benchmark: Benchmark, request: TinyRequest) in
                var request = request
                _ = try measure(benchmark) { blackHole(try request.encode()) }
            },
            setup: { TinyRequest(wire) }
        )
    }
}
