import Documents
import Foundation
import Profiler
import ServerRuntime
import ServingDomain
import Testing

@testable import EngineONNX

extension OnStandIn {
    /// The profiler's way through a GPU.
    @Suite(.enabled(if: Bench.engine != nil, Bench.skip))
    struct Profiling {
        /// Proves that copies are measured by the device's own marks: as long as the stand-in makes
        /// them, both ways at once where there are two engines, one after the other with one.
        @Test
        func copies() throws {
            try StandIn.run { standIn in
                standIn["gigabytes_per_second"] = 1
                for engines: Int64 in [2, 1] {
                    standIn["copy_engines"] = engines
                    let engine = try ONNXEngine(gpus: standIn.request())
                    let bench = try #require(engine.gpuBenches.first)
                    let one = try bench.copy(2 << 20, into: true, out: false)
                    let both = try bench.copy(2 << 20, into: true, out: true)
                    #expect(one.inMilliseconds > 2.09)
                    #expect(both.inMilliseconds > (engines == 2 ? 2.09 : 4.18))
                }
            }
        }

        /// Proves that a profile run on a GPU measures the device and a model on it, over shares
        /// and in pairs and triples, leaves files that are read again, and leaves the GPU clean.
        @Test
        func profile() throws {
            let path = NSTemporaryDirectory() + "sluice-gpu-\(UUID().uuidString)"
            defer { try? FileManager.default.removeItem(atPath: path) }
            try StandIn.run { standIn in
                standIn["processors"] = 32
                let engine = try ONNXEngine(gpus: standIn.request())
                let bench = try #require(engine.gpuBenches.first)
                let device = ProfiledDevice(bench.spec, units: Array(0..<bench.spec.units))
                var run = DeviceProfiling(
                    device: device,
                    probes: DeviceProbes(
                        gpulet: { units throws(EngineError) in try bench.gpulet(units) },
                        copy: { direction, bytes throws(EngineError) in
                            try bench.copy(
                                bytes,
                                into: direction != .out,
                                out: direction != .into
                            )
                        }
                    ),
                    folder: try ProfileFolder(path),
                    fingerprint: "stand-in",
                    today: "2026-11-26"
                )
                run.patience.roundTime = .milliseconds(1)
                run.patience.mostRounds = 2
                run.groups = GroupProfiler(roundTime: .milliseconds(2), rounds: 1)
                let file = try Bench.file(ModelBytes.affine.bytes)
                defer { Bench.remove(file) }
                let artifact = ModelArtifact(name: "affine", version: 1, path: file)
                let subject = try Subject(
                    name: "affine",
                    model: engine.load(artifact),
                    signature: ModelSignature(
                        inputs: [TensorSpec(name: "x", type: .fp32, dims: [2])],
                        outputs: [TensorSpec(name: "y", type: .fp32, dims: [3])],
                        batched: true
                    ),
                    batchLimit: 8
                )
                let grid = MeasurementGrid(limits: [8], on: device, groups: .triples)
                let outcome = try run.run(
                    [.init(subject: subject, digest: FileDigest.of(file), loading: .zero)],
                    grid,
                    within: TimeBudget(.seconds(3_600))
                )
                #expect(outcome.failures == [])
                #expect(outcome.measured == grid.parts.count)
                let rows = try #require(outcome.profiles.first).latency
                #expect(Set(rows.map(\.share)) == [25, 50, 100])
                #expect(Set(rows.map(\.batch)) == [1, 2, 4, 8])
                let costs = run.folder.keptMeasurements(bench.spec.kind, fingerprint: "stand-in")
                #expect(costs?.gpulets.count == 3)
                #expect(run.folder.keptPairs(fingerprint: "stand-in")?.pairs.isEmpty == false)
                // What a server makes of the folder: the surface over shares, from the start.
                let served = try MeasuredProfiles(
                    DocumentFolder(".").profiles(in: path),
                    for: engine.gpuSpecs,
                    fingerprints: [bench.spec.kind: "stand-in"],
                    note: { Issue.record("\($0)") }
                )
                let known = served.profile(ofFile: file, named: "affine", on: engine.gpuSpecs[0])
                #expect(known?.surface.points.count == rows.count)
                #expect(Set(known?.surface.points.map(\.units) ?? []) == [1, 2, 4])
                #expect(known?.surface.points.allSatisfy { $0.p99 != nil } == true)
            }
        }
    }
}
