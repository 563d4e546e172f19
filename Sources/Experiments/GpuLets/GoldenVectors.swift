import Planning
import ServingDomain

/// The public code's own answers to seven demands (notes on gpu-lets, 7.2), asked anew.
///
/// The latencies are the notes' synthetic table; what joining a batch costs on the host is a fit
/// of ours, since the measured table is not ours to ship. The tests ask the same with the measured
/// table, where it is there.
enum GoldenVectors {
    /// One demand and its answer.
    struct Vector {
        let name: String
        let planner: String
        let demand: [(model: String, rate: Double, sloMs: Double?)]
        let devices: Int32
        /// `device:size model batch duty`, or EMPTY.
        let answer: [String]
    }

    private static let two: [(model: String, rate: Double, sloMs: Double?)] = [
        ("resnet50", 100, nil), ("vgg16", 60, nil),
    ]
    private static let three = two + [("googlenet", 150, nil)]
    private static let usual = ["0:40 2 8 44.44", "0:60 0 9 72.0", "1:40 1 8 100.0"]

    static let all: [Vector] = [
        Vector(
            name: "two models",
            planner: "elastic",
            demand: two,
            devices: 4,
            answer: ["2:50 0 9 72.0", "3:40 1 8 100.0"]
        ),
        Vector(name: "three", planner: "elastic", demand: three, devices: 2, answer: usual),
        Vector(
            name: "three, no interference",
            planner: "elastic:interference=off",
            demand: three,
            devices: 2,
            answer: usual
        ),
        Vector(
            name: "three, self-tuning",
            planner: "self-tuning",
            demand: three,
            devices: 2,
            answer: ["0:20 2 8 44.44", "0:80 0 9 72.0", "1:20 1 8 100.0"]
        ),
        Vector(
            name: "three, in time",
            planner: "temporal",
            demand: three,
            devices: 2,
            answer: ["EMPTY"]
        ),
        Vector(
            name: "three, full search",
            planner: "exhaustive",
            demand: three,
            devices: 4,
            answer: ["1:50 0 9 72.0", "2:50 2 8 44.44", "3:50 1 8 100.0"]
        ),
        Vector(
            name: "saturated",
            planner: "elastic:interference=off",
            demand: [("bert-base", 2_000, 220)],
            devices: 2,
            answer: ["0:40 0 31 30.13", "1:40 0 31 30.13", "1:60 0 28 197.18"]
        ),
        Vector(
            name: "impossible",
            planner: "exhaustive",
            demand: three.map { ($0.model, 3_000, nil) },
            devices: 4,
            answer: ["EMPTY"]
        ),
    ]

    /// The vectors that do not come out, in words; empty when all do.
    static func misses() throws(PlanError) -> [String] {
        var misses: [String] = []
        for vector in all {
            let answer = Self.answer(to: vector)
            if answer != vector.answer {
                misses.append("\(vector.name): \(answer.joined(separator: "; "))")
            }
        }
        return misses
    }

    private static func answer(to vector: Vector) -> [String] {
        let asked = OptionedName(vector.planner)
        var options = GpuletOptions.released
        options.interference = asked.options.isEmpty
        options.host = vector.demand.map { host(of: $0.model) }
        let planner: any Planner
        switch asked.name {
        case "temporal": planner = TemporalPlanner(options: options)
        case "self-tuning": planner = SelfTuningPlanner(options: options)
        case "exhaustive": planner = ExhaustivePlanner(options: options)
        default: planner = ElasticPlanner(options: options)
        }
        guard let plan = try? planner.plan(inputs(vector)), plan.schedulable else {
            return ["EMPTY"]
        }
        return plan.devices.flatMap { device in
            device.gpulets.flatMap { gpulet in
                gpulet.lanes.map { lane in
                    let duty = ((gpulet.dutyCycle?.inMilliseconds ?? 0) * 100).rounded() / 100
                    return "\(device.device.index):\(gpulet.units) \(lane.model.index)"
                        + " \(lane.batchLimit) \(duty)"
                }
            }
        }
    }

    /// BERT's tokens take 1 ms whatever the batch. For images a fit of ours in two pieces: 0.443
    /// ms an item up to 9; then 6.16 ms at 10 and 0.66 ms for each further item, since the batch
    /// leaves the cache (the published 20 ms at 31).
    private static func host(of network: String) -> HostBatching {
        HostBatching(
            model: network,
            milliseconds: (1...32).map { batch in
                if network.hasPrefix("bert") { return 1 }
                return batch < 10 ? 0.443 * Float(batch) : 6.16 + 0.66 * Float(batch - 10)
            }
        )
    }

    private static func inputs(_ vector: Vector) -> PlanInputs {
        let kind = "rtx-2080ti"
        let sizes: [Int32] = [20, 40, 50, 60, 80, 100]
        let models = vector.demand.enumerated().map { place, entry in
            let known = GpuletsModel.named(entry.model)
            let usual = known?.atcMilliseconds ?? 100
            return ModelSpec(
                id: ModelID(Int32(place)),
                name: entry.model,
                maxBatch: 32,
                slo: .milliseconds(rounding: entry.sloMs ?? usual),
                profiles: [
                    DeviceProfile(
                        kind: kind,
                        surface: synthetic(half: usual / 2, sizes),
                        memory: MemoryFootprint(weightsKiB: (known?.memoryMB ?? 0) * 1_024),
                        utilization: [1, 2, 4, 8, 16, 32].map { (batch: Int32) in
                            let load = known?.load(batch: batch) ?? (l2: 0, dram: 0)
                            return Utilization(batch: batch, sm: 0, l2: load.l2, dram: load.dram)
                        }
                    )
                ]
            )
        }
        return PlanInputs(
            devices: (0..<vector.devices).map {
                DeviceSpec(
                    id: DeviceID($0),
                    name: "gpu\($0)",
                    kind: kind,
                    units: 100,
                    shares: sizes,
                    maxGpulets: 2,
                    memoryMiB: 11_000
                )
            },
            models: models,
            milliRates: vector.demand.map { Int64($0.rate * 1_000) },
            present: nil,
            contention: [
                PlanInputs.KindContention(kind: kind, model: .linear(.rtx2080ti))
            ]
        )
    }

    /// T(b, p) = (0.15 F + 0.85 F b / 32) x max(1, (0.25 + 0.75 b / 32) 100 / p), four decimals.
    private static func synthetic(half: Double, _ sizes: [Int32]) -> LatencySurface {
        var points: [LatencySurface.Point] = []
        for units in sizes {
            for batch: Int32 in [1, 2, 4, 8, 16, 24, 32] {
                let part = Double(batch) / 32
                let alone = 0.15 * half + 0.85 * half * part
                let ms = alone * max(1, (0.25 + 0.75 * part) * 100 / Double(units))
                points.append(
                    LatencySurface.Point(
                        batch: batch,
                        units: units,
                        latency: .milliseconds(rounding: (ms * 1e4).rounded() / 1e4)
                    )
                )
            }
        }
        return LatencySurface(points)
    }
}
