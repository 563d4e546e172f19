import Benchmark
import CAllocationCounter
import Simulation

/// What each benchmark reports, per event or per message.
let allocations = BenchmarkMetric.custom("Heap allocations")

/// How many simulated requests one second of wall clock brings to their end.
let simulated = BenchmarkMetric.custom("Simulated requests/s", polarity: .prefersLarger)

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

/// Measures `body`, which does what it does as often as it is told; returns how often it allocated.
func measure(_ benchmark: Benchmark, _ body: (Int) throws -> Void) rethrows -> UInt64 {
    benchmark.startMeasurement()
    let before = allocation_count()
    try body(benchmark.scaledIterations.count)
    let count = allocation_count() - before
    benchmark.stopMeasurement()
    benchmark.measurement(allocations, Int(clamping: count))
    return count
}

let benchmarks: @Sendable () -> Void = {
    decisionBenchmarks()
    for policy in ["edf", "fifo"] {
        Benchmark(
            "ServerCore.handle, \(policy), 100 models, 64 queued",
            configuration: settings,
            closure: { (benchmark: Benchmark, drive: CoreDrive) in
                let count = measure(benchmark) { drive.run($0) }
                if count > 0 { benchmark.error("the core allocated \(count) times") }
                if drive.lost > 0 { benchmark.error("\(drive.lost) requests were not served") }
            },
            setup: { try CoreDrive(policy: policy, waiting: 64) }
        )
    }
    // Single events, so that the 99th percentile is one of decisions; half of them decide.
    for policy in ["edf", "strait", "confluence"] {
        Benchmark(
            "ServerCore.handle, \(policy), 50 models queued, 8 devices of 4 slots, single events",
            configuration: Benchmark.Configuration(
                metrics: [.wallClock, allocations],
                timeUnits: .nanoseconds,
                scalingFactor: .one,
                maxDuration: .seconds(5),
                maxIterations: 200_000
            ),
            closure: { (benchmark: Benchmark, drive: CoreDrive) in
                let count = measure(benchmark) { drive.run($0) }
                if count > 0 { benchmark.error("the core allocated \(count) times") }
            },
            setup: {
                try CoreDrive(policy: policy, waiting: 256, models: 50, devices: 8, slots: 4)
            }
        )
    }
    for audits in [false, true] {
        Benchmark(
            "Simulator, duty, 9 models, 4 devices, audit \(audits ? "on" : "off")",
            configuration: Benchmark.Configuration(
                metrics: [.wallClock, .cpuUser, simulated],
                timeUnits: .milliseconds,
                scalingFactor: .one,
                maxDuration: .seconds(5),
                maxIterations: 20
            ),
            closure: { benchmark in
                let setup = SimulationRun.setup(seconds: 40, audits: audits)
                let clock = ContinuousClock()
                benchmark.startMeasurement()
                let began = clock.now
                let ledger = try Simulator.run(setup)
                let took = (clock.now - began) / .seconds(1)
                benchmark.stopMeasurement()
                benchmark.measurement(simulated, Int(Double(ledger.requests) / took))
                if !ledger.complaints.isEmpty { benchmark.error(ledger.complaints[0]) }
                if ledger.meanBatch < 4 { benchmark.error("mean batch \(ledger.meanBatch)") }
            }
        )
    }
    for wire in TinyRequest.Wire.allCases {
        Benchmark(
            "Tiny request, decode and bind, \(wire.rawValue)",
            configuration: settings,
            closure: { (benchmark: Benchmark, request: TinyRequest) in
                _ = try measure(benchmark) { for _ in 0..<$0 { blackHole(try request.decode()) } }
            },
            setup: { TinyRequest(wire) }
        )
        Benchmark(
            "Tiny reply, encode, \(wire.rawValue)",
            configuration: settings,
            closure: { (benchmark: Benchmark, request: TinyRequest) in
                var request = request
                _ = try measure(benchmark) { for _ in 0..<$0 { blackHole(try request.encode()) } }
            },
            setup: { TinyRequest(wire) }
        )
    }
}
