import Planning
import ServingDomain
import ServingTestKit

/// Devices, models and demand for tests of planners; everything in it can be changed.
struct PlanningWorld {
    var devices: [DeviceSpec] = []
    var models: [ModelSpec] = []
    var rates: [Double] = []
    var contention: ContentionModel = .none

    /// The sizes of the papers, in per cent.
    static let sizes: [Int32] = [20, 40, 50, 60, 80, 100]
    /// gpu-lets' published coefficients for the RTX 2080 Ti (its notes, section 3).
    static let published = ContentionModel.linear(
        LinearContention(
            l2Self: 0.112908,
            l2Other: 0.715960,
            dramSelf: 0.354866,
            dramOther: 0.088204,
            constant: 0.895369
        )
    )

    /// `count` devices as gpu-lets splits them.
    init(devices count: Int32, maxGpulets: Int32 = 2, memoryMiB: Int64 = 0) {
        devices = (0..<count).map {
            DeviceSpec(
                id: DeviceID($0),
                name: "gpu\($0)",
                kind: "rtx-2080ti",
                units: 100,
                shares: Self.sizes,
                maxGpulets: maxGpulets,
                memoryMiB: memoryMiB
            )
        }
    }

    /// Adds a model with the synthetic table of gpu-lets' notes, section 7.2: F = SLO / 2.
    mutating func add(
        _ name: String,
        rate: Double,
        sloMs: Double,
        batches: [Int32] = [1, 2, 4, 8, 16, 24, 32],
        busy: Double = 0,
        memoryMiB: Int64 = 0
    ) {
        add(
            name,
            rate: rate,
            sloMs: sloMs,
            surface: Self.synthetic(sloMs: sloMs, batches: batches),
            busy: busy,
            memoryMiB: memoryMiB
        )
    }

    /// Adds a model with a surface of its own; `busy` is what it keeps busy of L2 and memory.
    mutating func add(
        _ name: String,
        rate: Double,
        sloMs: Double?,
        surface: LatencySurface?,
        busy: Double = 0,
        memoryMiB: Int64 = 0,
        maxBatch: Int32 = 32
    ) {
        var model = ModelSpec(
            id: ModelID(Int32(models.count)),
            name: name,
            maxBatch: maxBatch,
            slo: sloMs.map { .milliseconds(rounding: $0) }
        )
        if let surface {
            model.set(
                DeviceProfile(
                    kind: "rtx-2080ti",
                    surface: surface,
                    memory: MemoryFootprint(weightsKiB: memoryMiB * 1_024),
                    utilization: [1, 32].map {
                        Utilization(batch: $0, sm: busy, l2: busy, dram: busy)
                    }
                )
            )
        }
        models.append(model)
        rates.append(rate)
    }

    /// T(b, p) = (0.15 F + 0.85 F b / 32) x max(1, (0.25 + 0.75 b / 32) 100 / p), four decimals.
    static func synthetic(
        sloMs: Double,
        batches: [Int32] = [1, 2, 4, 8, 16, 24, 32]
    ) -> LatencySurface {
        let half = sloMs / 2
        var points: [LatencySurface.Point] = []
        for units in sizes {
            for batch in batches {
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

    var inputs: PlanInputs {
        PlanInputs(
            devices: devices,
            models: models,
            milliRates: rates.map { Int64(($0 * 1_000).rounded()) },
            present: nil,
            contention: contention == .none
                ? [] : [PlanInputs.KindContention(kind: "rtx-2080ti", model: contention)]
        )
    }
}
