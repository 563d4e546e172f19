import Foundation
import ServerRuntime
import ServingDomain
import Testing
import VirtualDevices

@testable import EngineEmulated

/// Emulated devices: what runs side by side slows each other down, in real time.
@Suite(.timeLimit(.minutes(1))) struct EmulatedDevicesTests {
    static let gpu = DeviceSpec(
        id: DeviceID(0),
        name: "gpu0",
        kind: "toy",
        units: 10,
        copyEngines: 2,
        copy: CopySpec(setup: .zero, bytesPerSecond: 1_000_000)
    )

    /// 20 ms alone; 20 kB in and 10 kB out are 20 and 10 ms of copies.
    static func truth(bytes: Bool = false) -> ModelTruth {
        let point = LatencySurface.Point(batch: 1, units: 5, latency: .milliseconds(20))
        return ModelTruth(
            profiles: [DeviceProfile(kind: "toy", surface: LatencySurface([point]))],
            inputBytes: bytes ? 20_000 : 0,
            outputBytes: bytes ? 10_000 : 0
        )
    }

    /// Two co-runners halve each other's progress.
    private struct Halving: TrueContention {
        func progress(of stages: [RunningStage], copies: Int32, into rates: inout [Double]) {
            for place in stages.indices { rates[place] = 1 / Double(stages.count) }
        }
    }

    private static func order(_ row: Int32, _ lane: Int32, _ stage: Stage = .whole) -> StageOrder {
        StageOrder(
            batch: BatchID(slot: 0, generation: 0),
            device: DeviceID(0),
            lane: lane,
            row: row,
            stage: stage,
            items: 1
        )
    }

    @Test("Copy in, run and copy out follow each other and take what they should")
    func stages() throws {
        let devices = EmulatedDevices(devices: [Self.gpu], truths: [NoContention()])
        let model = try devices.add(Self.truth(bytes: true))
        let row = try #require(devices.row(of: model, on: DeviceID(0), units: 5))
        let times = try devices.run(Self.order(row, 0), EmulatedDevices.Seat())
        #expect(times.copyInEnded - times.copyInBegan == .milliseconds(20))
        #expect(times.runEnded - times.runBegan == .milliseconds(20))
        #expect(times.copyOutEnded - times.copyOutBegan == .milliseconds(10))
        let part = try devices.run(Self.order(row, 0, .copyOut(chunk: 0)), EmulatedDevices.Seat())
        #expect(part.total == .milliseconds(10))
    }

    @Test("Many that run at once all end, each after the time that its neighbours cost it")
    func contention() async throws {
        let devices = EmulatedDevices(devices: [Self.gpu], truths: [Halving()])
        let model = try devices.add(Self.truth())
        let row = try #require(devices.row(of: model, on: DeviceID(0), units: 5))
        let spans = await withTaskGroup(of: TimeSpan?.self) { group in
            for lane in Int32(0)..<8 {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        Thread.detachNewThread {
                            let order = Self.order(row, lane)
                            let times = try? devices.run(order, EmulatedDevices.Seat())
                            continuation.resume(returning: times?.total)
                        }
                    }
                }
            }
            return await group.reduce(into: [TimeSpan]()) { spans, span in
                if let span { spans.append(span) }
            }
        }
        #expect(spans.count == 8)
        // However they overlapped, the device did 8 x 20 ms of work, at most one unit at a time.
        #expect(spans.allSatisfy { $0 >= .milliseconds(20) && $0 <= .milliseconds(160) })
        #expect(spans.contains { $0 > .milliseconds(20) })
    }

    @Test("A run that is terminated ends at once, and others go on")
    func terminate() async throws {
        let long = LatencySurface.Point(batch: 1, units: 1, latency: .seconds(3_600))
        let devices = EmulatedDevices(devices: [Self.gpu], truths: [NoContention()])
        let model = try devices.add(
            ModelTruth(profiles: [DeviceProfile(kind: "toy", surface: LatencySurface([long]))])
        )
        let quick = try devices.add(Self.truth())
        let row = try #require(devices.row(of: model, on: DeviceID(0), units: 1))
        let quickRow = try #require(devices.row(of: quick, on: DeviceID(0), units: 5))
        let seat = EmulatedDevices.Seat()
        async let failure = withCheckedContinuation { continuation in
            Thread.detachNewThread {
                do throws(EngineError) {
                    _ = try devices.run(Self.order(row, 0), seat)
                    continuation.resume(returning: EngineError.Kind?.none)
                } catch {
                    continuation.resume(returning: error.kind)
                }
            }
        }
        while devices.isIdle { await Task.yield() }
        // The short one ends although another waits for an hour beside it.
        _ = try devices.run(Self.order(quickRow, 1), EmulatedDevices.Seat())
        devices.terminate(seat)
        let kind = await failure
        #expect(kind == .terminated)
        #expect(devices.row(of: model, on: DeviceID(0), units: 0) == nil)
    }
}
