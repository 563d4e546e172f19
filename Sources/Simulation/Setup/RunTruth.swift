import ServerCore
import ServingDomain
import VirtualDevices

/// What policy `oracle` is told: the noise of batches to come, and what really happens side by
/// side. For layouts of whole devices of one kind, which is what that policy is compared on: every
/// stage counts as one on all of the first device.
final class RunTruth: ForecastTruth {
    private let noises: [LatencyNoise]
    private let profiles: [DeviceProfile?]
    private let truth: any TrueContention

    init(_ setup: SimulationSetup, _ truths: [any TrueContention]) {
        noises = setup.models.enumerated().map { place, model in
            VirtualCluster.noise(of: model.truth, at: place, seed: setup.seed)
        }
        profiles = setup.models.map { $0.truth.profile(on: setup.devices[0].kind) }
        truth = truths[0]
    }

    func factor(of model: ModelID, draw: UInt64) -> Double {
        noises[model.position].factor(draw: draw)
    }

    func progress(of stages: [TrueStage], into rates: inout [Double]) {
        let running = stages.map { stage in
            let profile = profiles[stage.model.position]
            let load = ContentionLoad(
                model: stage.model,
                batch: stage.items,
                utilization: profile?.utilization(batch: stage.items)
                    ?? Utilization(batch: stage.items, sm: 0, l2: 0, dram: 0),
                fraction: 1,
                priority: stage.isHigh ? .high : .low
            )
            return RunningStage(load: load, lane: stage.model.index)
        }
        guard !running.isEmpty else { return }
        truth.progress(of: running, copies: 0, into: &rates)
    }
}
