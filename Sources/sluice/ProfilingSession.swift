import Documents
import EngineONNX
import Experiments
import Foundation
import ModelRepository
import ModelZoo
import Planning
import Profiler
import ServerRuntime
import ServingDomain

/// One run of `sluice profile`: model by model, then pair by pair.
struct ProfilingSession {
    let engine: ONNXEngine
    let repository: ModelRepository
    let folder: ProfileFolder
    let patience: Patience
    let maxBatch: Int32
    let again: Bool
    let console: Console

    /// The kind of device that profiles are kept by; `serve` calls the machine's cores the same.
    static let kind = "cpu"
    /// The largest model file whose costs are read out of its graph.
    static let costLimit = 600 << 20

    private var cores: [Int32] { HostCores.available() }
    private var fingerprint: String { engine.fingerprint(cores: cores.count) }
    var today: String {
        String(Date().formatted(.iso8601).prefix(10))
    }

    /// Measures models that have no valid profile yet, and writes each at once.
    func profiles(of names: [String]) throws -> [Profile] {
        var profiles: [Profile] = []
        for (place, name) in names.enumerated() {
            let title = "[\(place + 1)/\(names.count)] \(name)"
            let definition = try definition(of: name)
            guard definition.ensemble == nil, let artifact = definition.versions.last else {
                console.note("\(title): skipped, it is no model of one file")
                continue
            }
            let file = HostKnowledge.file(of: artifact)
            let digest = try FileDigest.of(file)
            let batches = Subject.batches(limit: limit(of: definition))
            if !again, let kept = kept(name, digest, batches) {
                console.note("\(title): kept, measured \(kept.measured ?? "before")")
                profiles.append(kept)
                continue
            }
            let profile = try measured(definition, artifact, digest, title)
            try folder.write(profile)
            profiles.append(profile)
        }
        return profiles
    }

    /// Measures every two models side by side and scores the linear model on that.
    func pairs(of names: [String], _ profiles: [Profile]) throws -> InterferenceScore {
        var pairs = CoRunPairs(device: Self.kind)
        if !again, let kept = folder.keptPairs(fingerprint: fingerprint) { pairs = kept }
        pairs.fingerprint = fingerprint
        pairs.measured = today
        var subjects: [Subject] = []
        for name in names where profiles.contains(where: { $0.model == name }) {
            let definition = try definition(of: name)
            guard let artifact = definition.versions.last else { continue }
            subjects.append(try subject(definition, artifact))
        }
        let plan = PairPlan(subjects)
        let profiler = PairProfiler(cores: cores)
        for (place, pair) in plan.pairs.enumerated() {
            if pairs.holds(pair) { continue }
            console.progress("pair \(place + 1)/\(plan.pairs.count): \(pair.title)")
            let results = try profiler.measure(
                (subjects[pair.one.place], pair.one.batch),
                (subjects[pair.other.place], pair.other.batch),
                on: pair.seats
            )
            pairs.pairs += results.map(CoRunPairs.Row.init)
            try folder.write(pairs)
        }
        console.note("pairs: \(pairs.pairs.count) points in \(folder.pairsFile)")
        return InterferenceScore(pairs, profiles)
    }

    // MARK: One model

    func definition(of name: String) throws -> ModelDefinition {
        try repository.read(name, override: nil) {
            (artifact) throws(EngineError) -> DeclaredSignature in
            try engine.load(artifact).declared
        }
    }

    func limit(of definition: ModelDefinition) -> Int32 {
        min(maxBatch, max(1, definition.rules.maxBatch))
    }

    func subject(
        _ definition: ModelDefinition,
        _ artifact: ModelArtifact
    ) throws -> Subject {
        try Subject(
            name: definition.name,
            model: try engine.load(artifact),
            signature: definition.signature,
            batchLimit: limit(of: definition)
        )
    }

    private func kept(_ name: String, _ digest: String, _ batches: [Int32]) -> Profile? {
        let sizes = SoloProfiler(cores: cores).sizes
        let points = sizes.flatMap { units in
            batches.map { (batch: $0, share: share(of: units)) }
        }
        return folder.kept(name, digest: digest, fingerprint: fingerprint, points: points)
    }

    private func measured(
        _ definition: ModelDefinition,
        _ artifact: ModelArtifact,
        _ digest: String,
        _ title: String
    ) throws -> Profile {
        let stopwatch = Stopwatch.system
        let began = stopwatch.now()
        let subject = try subject(definition, artifact)
        let loading = stopwatch.now() - began
        let profiler = SoloProfiler(cores: cores, patience: patience)
        // The first instance pays for what all share; the second is what a warm start takes.
        let first = try profiler.warmStart(subject)
        let warm = try profiler.warmStart(subject)
        let points = try profiler.measure(subject) { [console] progress in
            console.progress("\(title) \(progress.line)")
        }
        var profile = Profile(
            model: definition.name,
            device: Self.kind,
            latency: points.compactMap(row)
        )
        profile.inputBytes = subject.inputBytes
        profile.outputBytes = subject.outputBytes
        profile.digest = digest
        profile.fingerprint = fingerprint
        profile.measured = today
        let weights = subject.model.weightsMiB
        if weights > 0 { profile.weightsMiB = Double(weights) }
        profile.start = Profile.Start(
            cold: (loading + first).inMilliseconds,
            warm: warm.inMilliseconds
        )
        let preset = DevicePreset.cpu(cores: Int32(cores.count))
        Self.addCosts(to: &profile, from: HostKnowledge.file(of: artifact), on: preset)
        let widest = points.map(\.samples.uncertainty).filter(\.isFinite).max() ?? 0
        let spread = String(format: "%.1f", 100 * widest)
        console.note("\(title): \(points.count) points, medians within \(spread) %")
        return profile
    }

    /// FLOPs, kernels and utilisation, where the graph can be read: work over measured time.
    static func addCosts(
        to profile: inout Profile,
        from file: String,
        on preset: DevicePreset
    ) {
        let size = (try? FileManager.default.attributesOfItem(atPath: file)[.size]) as? Int
        guard let size, size <= costLimit,
            let data = FileManager.default.contents(atPath: file),
            let cost = try? CostReader.cost(ofModel: [UInt8](data), named: profile.model)
        else { return }
        let roofline = Roofline(preset.machine)
        profile.flops = Double(cost.flops)
        profile.kernels = Int64(roofline.launches(of: cost))
        for row in profile.latency where row.share == 100 {
            let use = roofline.utilization(of: cost, batch: row.batch, milliseconds: row.ms)
            profile.utilization.append(
                Profile.Utilization(batch: row.batch, sm: use.sm, l2: use.l2, dram: use.dram)
            )
        }
    }

    private func row(_ point: SoloProfiler.Point) -> Profile.Row? {
        guard let median = point.samples.median else { return nil }
        return Profile.Row(
            batch: point.batch,
            share: share(of: point.units),
            ms: median.inMilliseconds,
            p99Ms: point.samples.p99?.inMilliseconds,
            samples: Int64(point.samples.count)
        )
    }

    private func share(of units: Int32) -> Double { 100 * Double(units) / Double(cores.count) }
}

extension SoloProfiler.Progress {
    /// Such as `round 2, 5 of 8 points: batch 4 on 2 cores 105.3 ms +- 1.2 %`.
    fileprivate var line: String {
        let median = last.samples.median?.inMilliseconds ?? 0
        let spread = min(999, 100 * last.samples.uncertainty)
        return "round \(round), \(done) of \(points) points: batch \(last.batch) on \(last.units) "
            + "cores " + String(format: "%.2f ms +- %.1f %%", median, spread)
    }
}
