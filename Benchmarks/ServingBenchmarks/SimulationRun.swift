import ServerCore
import ServingDomain
import Simulation
import VirtualDevices
import Workloads

/// gpu-lets' set-up in small: nine models on eight halves of four devices, batches gathered by
/// duty cycle, the linear model of contention as the truth, 2 % noise.
enum SimulationRun {
    private static let devices: Int32 = 4
    private static let models: Int32 = 9

    /// `seconds` of 4,500 requests per second, in batches of five on average.
    static func setup(seconds: Int64, audits: Bool) -> SimulationSetup {
        var setup = SimulationSetup(
            devices: (0..<devices).map {
                DeviceSpec(id: DeviceID($0), name: "gpu\($0)", kind: "bench", units: 100)
            },
            models: (0..<models).map(model),
            loads: (0..<models).map { RequestLoad(ModelID($0), .poisson(rate: 500)) },
            duration: .seconds(seconds)
        )
        setup.plans = .fixed(plan)
        setup.policy = "duty"
        setup.audits = audits
        let linear = LinearContention(
            l2Self: 0.112908,
            l2Other: 0.715960,
            dramSelf: 0.354866,
            dramOther: 0.088204,
            constant: 0.895369
        )
        setup.truths = setup.devices.map { _ in ModelledContention(.linear(linear)) }
        return setup
    }

    private static func model(_ index: Int32) -> SimulatedModel {
        let points = (1...Int32(32)).map { batch in
            LatencySurface.Point(
                batch: batch,
                units: 50,
                latency: .microseconds(2_000 + 300 * Int64(batch) + 100 * Int64(index))
            )
        }
        let busy = Utilization(batch: 1, sm: 0.3, l2: 0.2, dram: 0.4)
        let profile = DeviceProfile(
            kind: "bench",
            surface: LatencySurface(points),
            utilization: [busy]
        )
        let spec = ModelSpec(
            id: ModelID(index),
            name: "m\(index)",
            maxBatch: 32,
            slo: .milliseconds(60),
            profiles: [profile]
        )
        return SimulatedModel(spec, truth: ModelTruth(of: spec, spread: 0.02))
    }

    /// One model per half; the last half has two.
    private static var plan: Plan {
        let layouts = (0..<devices).map { device in
            Plan.DeviceLayout(
                device: DeviceID(device),
                gpulets: [gpulet(of: device * 2), gpulet(of: device * 2 + 1)]
            )
        }
        return Plan(planner: "given", devices: layouts)
    }

    private static func gpulet(of half: Int32) -> Plan.GpuletLayout {
        let seated = half == 7 ? [7, 8] : [half]
        return Plan.GpuletLayout(
            units: 50,
            slots: 1,
            dutyCycle: .milliseconds(8),
            lanes: seated.map {
                Plan.LanePlacement(
                    model: ModelID($0),
                    batchLimit: 6,
                    instances: 1,
                    milliRate: 500_000
                )
            }
        )
    }
}
