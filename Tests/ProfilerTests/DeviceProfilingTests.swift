import Documents
import Foundation
import ServerRuntime
import ServingDomain
import Synchronization
import Testing

@testable import Profiler

/// Measuring a device part by part, in a time that only the test's threads have.
@Suite struct DeviceProfilingTests {
    static let device = ProfiledDevice(
        DeviceSpec(
            id: DeviceID(0),
            name: "gpu0",
            kind: "toy",
            units: 8,
            memoryMiB: 900,
            copyEngines: 2
        ),
        units: Array(0..<8)
    )

    /// A run over a folder of its own, with probes that cost time and are counted.
    final class World {
        let folder: ProfileFolder
        let probed = Mutex(0)
        var run: DeviceProfiling

        init() throws {
            let path = NSTemporaryDirectory() + "sluice-device-\(UUID().uuidString)"
            folder = try ProfileFolder(path)
            let probes = DeviceProbes(
                gpulet: { units throws(EngineError) in
                    GpuletCost(
                        create: .microseconds(Int64(units) * 100),
                        resize: .microseconds(300),
                        destroy: .microseconds(50)
                    )
                },
                copy: { direction, bytes throws(EngineError) in
                    // 10 us and 2 bytes a nanosecond; both ways three quarters of that.
                    let each = Double(bytes) / 2 * (direction == .both ? 4.0 / 3 : 1)
                    return TimeSpan(nanoseconds: 10_000 + Int64(each))
                }
            )
            run = DeviceProfiling(
                device: DeviceProfilingTests.device,
                probes: probes,
                folder: folder,
                fingerprint: "toy driver",
                today: "2026-11-26",
                stopwatch: ThreadClock.stopwatch
            )
            run.patience.roundTime = .milliseconds(20)
            run.patience.mostRounds = 2
            run.groups = GroupProfiler(
                roundTime: .milliseconds(20),
                rounds: 1,
                stopwatch: ThreadClock.stopwatch
            )
        }

        deinit { try? FileManager.default.removeItem(atPath: folder.path) }

        /// Two models: one slows down beside others.
        func candidates() throws -> [DeviceProfiling.Candidate] {
            try ["a", "b"].map { name in
                let (subject, _) = try MeasuringTests.subject(name, limit: 8) {
                    batch,
                    units,
                    live,
                    _ in
                    .microseconds(Int64(batch) * 800 / Int64(units) * (live > 1 ? 3 : 2) / 2)
                }
                return .init(subject: subject, digest: "d-\(name)", loading: .milliseconds(5))
            }
        }

        func grid(_ groups: MeasurementGrid.Groups) -> MeasurementGrid {
            MeasurementGrid(limits: [8, 8], on: DeviceProfilingTests.device, groups: groups)
        }

        var ample: TimeBudget { TimeBudget(.seconds(100_000), stopwatch: ThreadClock.stopwatch) }
    }

    @Test("The grid goes from the device over the models to pairs and triples, each once")
    func grid() throws {
        let device = Self.device
        let plain = MeasurementGrid(limits: [8, 1], on: device, groups: .none)
        #expect(plain.parts == [.gpulets, .copies, .surface(0), .surface(1)])
        #expect(device.sizes == [1, 2, 4, 8])
        #expect(MeasurementGrid.pairSplits(device.spec) == [[4, 4], [2, 6], [8, 8]])
        #expect(MeasurementGrid.tripleSplit(device.spec) == [2, 2, 2])
        let pairs = MeasurementGrid(limits: [8, 1], on: device, groups: .pairs)
        // Three sides (a b1, a b8, b b1): 6 unordered pairs on equal shares, 9 on unequal ones.
        #expect(pairs.parts.count == 4 + 6 + 9 + 6)
        let triples = MeasurementGrid(limits: [8, 1], on: device, groups: .triples)
        #expect(triples.parts.count == pairs.parts.count + 4)
        #expect(Set(triples.parts).count == triples.parts.count)
        let shared = ProfiledDevice(
            DeviceSpec(id: DeviceID(0), name: "g", kind: "g", units: 100, grain: 10),
            units: Array(0..<100)
        )
        #expect(shared.sizes == [10, 20, 40, 80, 100])
        #expect(MeasurementGrid.pairSplits(shared.spec) == [[50, 50], [20, 80], [100, 100]])
        let single = ProfiledDevice.cpu([3])
        #expect(MeasurementGrid.pairSplits(single.spec) == [[1, 1]])
        #expect(MeasurementGrid.tripleSplit(single.spec) == nil)
    }

    @Test("Every part lands in a file that planners read, and a second run measures nothing again")
    func whole() throws {
        let world = try World()
        let grid = world.grid(.triples)
        let first = try world.run.run(try world.candidates(), grid, within: world.ample)
        #expect(first.measured == grid.parts.count)
        #expect((first.kept, first.left, first.failures) == (0, 0, []))
        let known = try #require(world.folder.keptMeasurements("toy", fingerprint: "toy driver"))
        #expect(known.gpulets.map(\.share) == [12.5, 25, 50, 100])
        #expect(known.gpulets.map(\.createMs) == [0.1, 0.2, 0.4, 0.8])
        #expect(known.copies.count == 18)
        let file = world.folder.descriptionFile
        let bytes = try #require(FileManager.default.contents(atPath: file))
        let described = try DeviceDescription(reading: [UInt8](bytes), source: file)
        #expect((described.units, described.memoryMiB) == (8, 900))
        let link = try #require(described.copy)
        #expect(abs(link.gbps - 2) < 0.001 && abs(link.tauUs - 10) < 0.1)
        #expect(abs(link.bothWays - 0.75) < 0.001)
        let profile = try #require(first.profiles.first)
        #expect(profile.latency.count == 4 * 4)
        let surface = try profile.surface(on: Self.device.spec)
        #expect(surface.latency(batch: 8, units: 4) == .microseconds(1_600))
        #expect(profile.start?.cold ?? 0 > profile.start?.warm ?? 0)
        let groups = try #require(world.folder.keptPairs(fingerprint: "toy driver"))
        let rows = groups.pairs.filter { $0.beside.count == 1 }
        #expect(
            rows.allSatisfy {
                abs($0.slowdown - ($0.victim.model == $0.beside[0].model ? 1.5 : 1)) < 0.01
            }
        )
        #expect(groups.pairs.contains { $0.beside.count == 2 })
        let library = try DocumentFolder("").profiles(in: world.folder.path)
        #expect(library.models == ["a", "b"])
        let second = try world.run.run(try world.candidates(), grid, within: world.ample)
        #expect((second.measured, second.kept) == (0, grid.parts.count))
        #expect(second.profiles == first.profiles)
        world.run.again = true
        let third = try world.run.run(try world.candidates(), grid, within: world.ample)
        #expect(third.measured == grid.parts.count)
    }

    @Test("What does not fit into the time is left for the next run, which goes on there")
    func bounded() throws {
        let world = try World()
        let grid = world.grid(.pairs)
        let none = TimeBudget(.milliseconds(1), stopwatch: ThreadClock.stopwatch)
        let first = try world.run.run(try world.candidates(), grid, within: none)
        #expect((first.measured, first.left) == (0, grid.parts.count))
        // Enough for a pair (60 ms), not for a surface or the device itself.
        let short = TimeBudget(.milliseconds(500), stopwatch: ThreadClock.stopwatch)
        let second = try world.run.run(try world.candidates(), grid, within: short)
        #expect(second.left == 4)
        #expect(second.measured == grid.parts.count - 4)
        let third = try world.run.run(try world.candidates(), grid, within: world.ample)
        #expect((third.measured, third.kept) == (4, grid.parts.count - 4))
    }

    @Test("A part that fails is named and the rest is measured; a lost device ends the run")
    func failures() throws {
        let world = try World()
        let candidates = try world.candidates()
        let probes = world.run.probes
        world.run = DeviceProfiling(
            device: Self.device,
            probes: DeviceProbes(
                gpulet: { _ throws(EngineError) in throw EngineError(.failed, "no green contexts")
                },
                copy: probes.copy
            ),
            folder: world.folder,
            fingerprint: "toy driver",
            today: "2026-11-26",
            stopwatch: ThreadClock.stopwatch
        )
        world.run.patience.roundTime = .milliseconds(20)
        let outcome = try world.run.run(candidates, world.grid(.none), within: world.ample)
        #expect(outcome.failures == ["gpulets: no green contexts"])
        #expect(outcome.measured == 3 && outcome.profiles.count == 2)
        let lost = DeviceProfiling(
            device: Self.device,
            probes: DeviceProbes(
                gpulet: { _ throws(EngineError) in throw EngineError(.deviceLost, "gone") },
                copy: probes.copy
            ),
            folder: world.folder,
            fingerprint: "another",
            today: "2026-11-26"
        )
        let error = #expect(throws: EngineError.self) {
            try lost.run(candidates, world.grid(.none), within: world.ample)
        }
        #expect(error?.kind == .deviceLost)
    }

    @Test("Other circumstances, another driver say, make every part stale")
    func stale() throws {
        let world = try World()
        let grid = world.grid(.pairs)
        _ = try world.run.run(try world.candidates(), grid, within: world.ample)
        let other = DeviceProfiling(
            device: Self.device,
            probes: world.run.probes,
            folder: world.folder,
            fingerprint: "another driver",
            today: "2026-11-27",
            stopwatch: ThreadClock.stopwatch
        )
        let none = TimeBudget(.zero, stopwatch: ThreadClock.stopwatch)
        let outcome = try other.run(try world.candidates(), grid, within: none)
        #expect((outcome.kept, outcome.left) == (0, grid.parts.count))
    }
}
