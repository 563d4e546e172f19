import RealModule
package import ServerCore

/// What a batch takes on the P40 model while k batches run at once:
/// max(host time of the batch, k x GPU time of the batch).
package struct P40Device: Hashable, Sendable {
    /// How the input reaches the GPU.
    package enum Regime: String, Hashable, Sendable, CaseIterable {
        /// As in the released programs: images are decoded and resized one by one inside the
        /// timed loop. Batch 1 runs in the lean tenancy loop, larger batches in the batch loop.
        case serialDecode = "author-like"
        /// Input is ready: the host only launches. 1 ms a run and 0.05 ms an item are assumed.
        case gpuBound = "gpu-bound"
    }

    /// The job.
    package let job: P40Job
    /// The regime.
    package let regime: Regime

    /// Creates the model of a job in a regime.
    package init(_ job: P40Job, _ regime: Regime) {
        self.job = job
        self.regime = regime
    }

    /// Instances at most: the paper's scripts start ten.
    package static let mostInstances: Int32 = 10

    /// The spread of single latencies (of their logarithm). The authors' batch logs have
    /// p95 / mean 1.37 in the median, which is 0.2; steadier input is assumed to give 0.05.
    package var spread: Double { regime == .serialDecode ? 0.2 : 0.05 }

    /// The mean latency in ms of a batch while `instances` run at once.
    package func mean(batch: Int32, instances: Int32) -> Double {
        max(host(batch), Double(instances) * device(batch))
    }

    /// The GPU time of a batch alone, in ms.
    package func device(_ batch: Int32) -> Double {
        job.device + job.devicePerItem * Double(batch - 1)
    }

    /// The host time of a batch, in ms.
    package func host(_ batch: Int32) -> Double {
        switch regime {
        case .serialDecode:
            guard batch > 1 else { return job.host }
            return max(job.host, job.batchFixed + job.batchPerItem * Double(batch))
        case .gpuBound: return job.isVideo ? 50 : 1 + 0.05 * Double(batch)
        }
    }

    /// A percentile over the mean: `score` is the normal distribution's (1.645 for the 95th).
    package func ratio(score: Double) -> Double {
        .exp(score * spread - spread * spread / 2)
    }

    /// The 95th percentile in ms.
    package func tail(batch: Int32, instances: Int32) -> Double {
        mean(batch: batch, instances: instances) * ratio(score: 1.6449)
    }

    /// Items per second.
    package func rate(_ setting: LaneSetting) -> Double {
        1_000 * Double(setting.batch) * Double(setting.instances)
            / mean(batch: setting.batch, instances: setting.instances)
    }

    /// The best of all settings whose 95th percentile is within `sloMs`: the exhaustive optimum.
    /// nil when none is. Of equal rates the lowest latency.
    package func optimum(sloMs: Double) -> LaneSetting? {
        var best: LaneSetting?
        for batch in 1...job.maxBatch {
            for instances in 1...Self.mostInstances {
                let setting = LaneSetting(batch: batch, instances: instances)
                guard tail(batch: batch, instances: instances) <= sloMs else { continue }
                if best.map({ rate(setting) > rate($0) * (1 + 1e-12) }) ?? true { best = setting }
            }
        }
        return best
    }
}
