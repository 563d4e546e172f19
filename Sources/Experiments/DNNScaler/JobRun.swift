package import ServerCore
package import ServingDomain

/// One job under one scaler in one regime: what came of it.
package struct JobRun: Sendable {
    /// A scaler of the comparison.
    package struct Contender: Hashable, Sendable {
        /// The word that rows say.
        package let label: String
        /// What the core is told, but for the options that depend on the job.
        package let name: String
    }

    /// All scalers, the baseline first. `listed` is the released code told which knob the paper's
    /// job list names: the profiler itself was never released.
    package static let contenders = [
        Contender(label: "clipper:released", name: "clipper:released"),
        Contender(label: "clipper", name: "clipper:samples=60"),
        Contender(label: "dnnscaler:released", name: "dnnscaler:released,samples=40"),
        Contender(label: "dnnscaler:listed", name: "dnnscaler:released,samples=40"),
        Contender(label: "dnnscaler", name: "dnnscaler:samples=60"),
        Contender(label: "confluence", name: "confluence:queueing=false"),
    ]

    /// The job and its device.
    package let device: P40Device
    /// Who decided.
    package let contender: Contender
    /// What was seen.
    package let ledger: LoopLedger
    /// Where the scaler stood at the end.
    package let status: ScalingStatus?
    /// How long it ran.
    package let length: TimeSpan

    /// Runs a job to its end.
    ///
    /// - Throws: What the core says of the scaler's name.
    /// Cost: some 0.3 us per item in release; a minute of the fastest job is 200,000 items.
    package init(
        _ device: P40Device,
        _ contender: Contender,
        seconds: Int64,
        seed: UInt64
    ) throws(ConfigurationError) {
        self.device = device
        self.contender = contender
        // A video takes seconds: as many batches need more time.
        length = .seconds(device.job.isVideo ? seconds * 8 : seconds)
        var loop = try ClosedLoop(
            scaler: Self.name(contender, device.job),
            Self.world(device),
            seed: seed &+ UInt64(device.job.number)
        )
        loop.run(until: .zero + length)
        ledger = loop.ledger
        status = loop.status
    }

    /// The world of a job: its device with noise, start and first-use times.
    package static func world(_ device: P40Device) -> ClosedLoop.World {
        let job = device.job
        var world = ClosedLoop.World { device.mean(batch: $0, instances: $1) }
        world.spread = device.spread
        world.slo = .milliseconds(rounding: job.sloMs)
        world.maxBatch = job.maxBatch
        world.maxInstances = P40Device.mostInstances
        world.start = .milliseconds(rounding: job.startSeconds * 1_000)
        world.firstUse = .milliseconds(rounding: job.firstUseMs)
        return world
    }

    /// The scaler's name with the waits that the released scripts have for this network.
    package static func name(_ contender: Contender, _ job: P40Job) -> String {
        guard contender.name.hasPrefix("dnnscaler:released") else { return contender.name }
        let waits =
            job.isVideo
            ? "window=5,bias=15000,add=25000,remove=20000" : "bias=\(job.biasSeconds * 1_000)"
        let knob = job.method == .tenancy ? "tenancy" : "batching"
        let approach = contender.label == "dnnscaler:listed" ? ",approach=\(knob)" : ""
        return "\(contender.name),\(waits)\(approach)"
    }

    // MARK: What came of it

    /// When the scaler had settled: after its last move in the first half, or that half's end.
    package var settled: Instant {
        let half = Instant.zero + TimeSpan(nanoseconds: length.nanoseconds / 2)
        return ledger.moves.last { $0.at <= half }?.at ?? .zero
    }

    /// Items per second in the second half.
    package var rate: Double {
        ledger.rate(after: .zero + TimeSpan(nanoseconds: length.nanoseconds / 2))
    }

    /// The time from the first batch to the last move; nil when it never came to rest.
    package var settling: TimeSpan? {
        guard let first = ledger.windows.first?.began, let last = ledger.moves.last else {
            return nil
        }
        let rest = (Instant.zero + length) - last.at
        return rest * 4 > length ? max(.zero, last.at - first) : nil
    }

    /// Which knob it turned: more than one instance at batch 1, larger batches, or both.
    package var approach: String {
        guard let setting = ledger.moves.last?.setting else { return "none" }
        switch (setting.batch > 1, setting.instances > 1) {
        case (true, true): return "both"
        case (true, false): return "B"
        case (false, true): return "MT"
        case (false, false): return "1x1"
        }
    }
}
