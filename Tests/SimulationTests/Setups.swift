import ServerCore
import ServingDomain
import ServingTestKit
import Simulation
import VirtualDevices
import Workloads

/// Small setups; a test changes what it is about.
enum Setups {
    /// A device of 100 units without copies.
    static func device(_ index: Int32 = 0) -> DeviceSpec {
        DeviceSpec(id: DeviceID(index), name: "gpu\(index)", kind: "test", units: 100)
    }

    /// A model whose batches of b take `first + each x b` ms on any share.
    static func model(
        _ index: Int32,
        first: Double = 4,
        each: Double = 1,
        maxBatch: Int32 = 8,
        sloMs: Int64? = 100,
        instances: Int32 = 1,
        spread: Double = 0
    ) -> SimulatedModel {
        let points = (1...maxBatch).map { batch in
            LatencySurface.Point(
                batch: batch,
                units: 1,
                latency: .milliseconds(rounding: first + each * Double(batch))
            )
        }
        let spec = ModelSpec(
            id: ModelID(index),
            name: "m\(index)",
            maxBatch: maxBatch,
            slo: sloMs.map { .milliseconds($0) },
            instances: instances,
            profiles: [DeviceProfile(kind: "test", surface: LatencySurface(points))]
        )
        return SimulatedModel(spec, truth: ModelTruth(of: spec, spread: spread))
    }

    /// Several models on several devices, each asked for with `rate` requests per second.
    static func simple(
        models: Int32 = 1,
        devices: Int32 = 1,
        rate: Double = 100,
        seconds: Int64 = 10,
        policy: String = "edf"
    ) -> SimulationSetup {
        var setup = SimulationSetup(
            devices: (0..<devices).map { device($0) },
            models: (0..<models).map { model($0) },
            loads: (0..<models).map { RequestLoad(ModelID($0), .poisson(rate: rate)) },
            duration: .seconds(seconds)
        )
        setup.policy = policy
        setup.limits = .small
        setup.limits.requests = 4_096
        setup.limits.queue = 2_048
        return setup
    }

    /// One gpulet per entry, all on device 0, each with one slot and one lane.
    static func plan(
        _ gpulets: [(units: Int32, model: Int32, batch: Int32, dutyMs: Double?)],
        device: Int32 = 0
    ) -> Plan {
        let layouts = gpulets.map { entry in
            Plan.GpuletLayout(
                units: entry.units,
                slots: 1,
                dutyCycle: entry.dutyMs.map { .milliseconds(rounding: $0) },
                lanes: [
                    Plan.LanePlacement(
                        model: ModelID(entry.model),
                        batchLimit: entry.batch,
                        instances: 1,
                        milliRate: 100_000
                    )
                ]
            )
        }
        return Plan(
            planner: "given",
            devices: [Plan.DeviceLayout(device: DeviceID(device), gpulets: layouts)]
        )
    }
}
