import Planning
import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import Testing
import Workloads

/// Whether plans of `confluence` keep what they promise under Poisson arrivals, when the dispatcher
/// of the same name serves them and profiles are right.
@Suite struct PromiseRunTests {
    /// How far a model may be above its target: late requests come in bursts, so a run of some
    /// ten thousand requests shows a few tenths of a per cent more than the mean now and then.
    private static let tolerance = 0.4

    /// A model whose batches of b take `one x (1 + growth (b - 1))` ms on any share.
    private func model(
        _ index: Int32,
        one: Double,
        growth: Double,
        sloMs: Double,
        maxBatch: Int32
    ) -> SimulatedModel {
        let points = (1...maxBatch).map { batch in
            LatencySurface.Point(
                batch: batch,
                units: 20,
                latency: .milliseconds(rounding: one * (1 + growth * Double(batch - 1)))
            )
        }
        let spec = ModelSpec(
            id: ModelID(index),
            name: "m\(index)",
            maxBatch: maxBatch,
            slo: .milliseconds(rounding: sloMs),
            profiles: [DeviceProfile(kind: "gpu", surface: LatencySurface(points))]
        )
        return SimulatedModel(spec)
    }

    private func devices(_ count: Int32, maxGpulets: Int32) -> [DeviceSpec] {
        (0..<count).map {
            DeviceSpec(
                id: DeviceID($0),
                name: "gpu\($0)",
                kind: "gpu",
                units: 100,
                shares: [20, 40, 60, 80, 100],
                maxGpulets: maxGpulets
            )
        }
    }

    /// Plans for `rates`, runs what was promised, and returns the violations by model in per cent
    /// with the number of lanes.
    private func run(
        _ models: [SimulatedModel],
        _ devices: [DeviceSpec],
        rates: [Double],
        seed: UInt64,
        requests: Double = 12_000
    ) throws -> [(percent: Double, judged: Int64, lanes: Int)] {
        let inputs = PlanInputs(
            devices: devices,
            models: models.map(\.spec),
            milliRates: rates.map { Int64($0 * 1_000) },
            present: nil
        )
        let plan = try ConfluencePlanner().plan(inputs)
        #expect(Audit.violations(of: plan, for: inputs).isEmpty, "seed \(seed)")
        let lanes = plan.devices.flatMap(\.gpulets).flatMap(\.lanes)
        let placed = models.map { model in
            lanes.filter { $0.model == model.spec.id }.reduce(0) { $0 + Double($1.milliRate) / 1e3 }
        }
        let slowest = placed.filter { $0 > 0 }.min() ?? 1
        let seconds = min(600, max(20, requests / slowest))
        var setup = SimulationSetup(
            devices: devices,
            models: models,
            loads: placed.enumerated().filter { $1 > 0 }.map {
                RequestLoad(ModelID(Int32($0)), .poisson(rate: $1))
            },
            duration: .seconds(Int64(seconds))
        )
        setup.seed = seed
        setup.plans = .fixed(plan)
        setup.policy = "confluence"
        setup.limits = .small
        setup.limits.requests = 4_096
        setup.limits.queue = 2_048
        setup.audits = false
        let ledger = try Simulator.run(setup)
        return models.indices.map { place in
            let rows = ledger.rows.filter { $0.model == ModelID(Int32(place)) }
            let late = rows.reduce(0) { $0 + $1.counts.violated }
            let all = rows.reduce(0) { $0 + $1.counts.judged }
            let count = lanes.count { $0.model == ModelID(Int32(place)) }
            return (all > 0 ? 100 * Double(late) / Double(all) : 0, all, count)
        }
    }

    @Test(
        "Several lanes behind one queue keep an objective that one lane could not",
        arguments: [20.0, 100, 400, 1_000]
    )
    func pooled(rate: Double) throws {
        let lenet = model(0, one: 2.4, growth: 0.005, sloMs: 3.3, maxBatch: 32)
        let found = try run([lenet], devices(4, maxGpulets: 2), rates: [rate], seed: 7)
        print("\(rate) r/s: \(found)")
        #expect(found[0].lanes >= 2)
        #expect(found[0].percent <= 1 + Self.tolerance, "\(rate): \(found)")
    }

    @Test("What random plans promise holds in simulation", arguments: 1...12)
    func random(seed: UInt64) throws {
        var dice = ServingTestKit.SeededGenerator(seed: seed)
        let models = (0..<Int32(dice.number(in: 1...5))).map { index in
            let one = Double(dice.number(in: 5...200)) / 10
            return model(
                index,
                one: one,
                growth: dice.one(of: [0.005, 0.05, 0.3, 0.7]),
                sloMs: one * Double(dice.number(in: 115...500)) / 100,
                maxBatch: dice.one(of: [1, 4, 16])
            )
        }
        let devices = devices(Int32(dice.number(in: 1...4)), maxGpulets: dice.one(of: [0, 2]))
        let rates = models.map { model in
            let one = model.spec.profiles[0].surface.points[0].latency.inMilliseconds
            return Double(dice.number(in: 10...900)) / one
        }
        let found = try run(models, devices, rates: rates, seed: seed)
        for (place, row) in found.enumerated() where row.judged > 0 {
            print("seed \(seed) model \(place): \(row.percent) % of \(row.judged), \(row.lanes)")
            #expect(row.percent <= 1 + Self.tolerance, "seed \(seed), model \(place): \(found)")
        }
    }
}
