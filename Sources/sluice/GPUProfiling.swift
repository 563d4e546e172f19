import ArgumentParser
import Documents
import EngineONNX
import Foundation
import Planning
import Profiler
import ServerRuntime
import ServingDomain

/// The flags of `profile` that count on GPUs only.
struct GridOptions: ParsableArguments {
    @Flag(help: "Also measure every two and every three models side by side, over shares.")
    var triples = false
    @Option(help: "The most minutes in all; what does not fit is left for the next run.")
    var minutes: Double = 60

    func validate() throws {
        guard minutes > 0, minutes <= 10_000 else {
            throw ValidationError("--minutes must be above 0 and at most 10000")
        }
    }
}

/// `sluice profile` on GPUs: the device itself, then models alone, then side by side.
struct GPUProfiling {
    let session: ProfilingSession
    let groups: MeasurementGrid.Groups
    let minutes: Double

    /// Measures on every kind of GPU that was found, and prints what there is.
    func measure(_ names: [String], json: Bool) throws {
        var kinds: [GPUBench] = []
        for bench in session.engine.gpuBenches
        where !kinds.contains(where: { $0.spec.kind == bench.spec.kind }) {
            kinds.append(bench)
        }
        guard !kinds.isEmpty else {
            throw CommandFailure("there is no GPU to measure; the line before says why")
        }
        let budget = TimeBudget(.milliseconds(rounding: minutes * 60_000))
        let (candidates, files) = try candidates(names)
        for bench in kinds {
            // One folder per kind: a model has one profile on each.
            let folder = try ProfileFolder("\(session.folder.path)/\(bench.spec.kind)")
            let run = run(on: bench, files, folder)
            let grid = MeasurementGrid(
                limits: candidates.map(\.subject.batchLimit),
                on: run.device,
                groups: groups
            )
            let outcome = try run.run(candidates, grid, within: budget)
            for failure in outcome.failures { session.console.note("failed: \(failure)") }
            session.console.note(
                "\(bench.spec.kind): \(outcome.measured) parts measured, \(outcome.kept) kept, "
                    + "\(outcome.left) left for another run"
            )
            let report = ProfilingReport(
                folder: folder.path,
                profiles: outcome.profiles,
                interference: nil
            )
            print(json ? report.json() : report.text())
        }
    }

    private func run(
        on bench: GPUBench,
        _ files: [String: String],
        _ folder: ProfileFolder
    ) -> DeviceProfiling {
        var run = DeviceProfiling(
            device: ProfiledDevice(bench.spec, units: Array(0..<bench.spec.units)),
            probes: DeviceProbes(
                gpulet: { units throws(EngineError) in try bench.gpulet(units) },
                copy: { direction, bytes throws(EngineError) in
                    try bench.copy(bytes, into: direction != .out, out: direction != .into)
                }
            ),
            folder: folder,
            fingerprint: session.engine.fingerprint(of: bench),
            today: session.today
        )
        run.patience = session.patience
        run.again = session.again
        if let preset = try? DevicePreset.named(bench.spec.kind) {
            run.complete = { profile in
                guard let file = files[profile.model] else { return }
                ProfilingSession.addCosts(to: &profile, from: file, on: preset)
            }
        }
        run.note = { [console = session.console] line in console.note(line) }
        return run
    }

    /// The models that can be measured, read once; others are named and left out.
    private func candidates(
        _ names: [String]
    ) throws -> ([DeviceProfiling.Candidate], files: [String: String]) {
        let stopwatch = Stopwatch.system
        var candidates: [DeviceProfiling.Candidate] = []
        var files: [String: String] = [:]
        for name in names {
            let definition = try session.definition(of: name)
            guard definition.ensemble == nil, let artifact = definition.versions.last else {
                session.console.note("\(name): skipped, it is no model of one file")
                continue
            }
            let began = stopwatch.now()
            do {
                let subject = try session.subject(definition, artifact)
                let file = HostKnowledge.file(of: artifact)
                files[name] = file
                candidates.append(
                    DeviceProfiling.Candidate(
                        subject: subject,
                        digest: try FileDigest.of(file),
                        loading: stopwatch.now() - began
                    )
                )
            } catch let error as ProfilerError {
                session.console.note("\(name): skipped: \(error.description)")
            }
        }
        return (candidates, files)
    }
}
