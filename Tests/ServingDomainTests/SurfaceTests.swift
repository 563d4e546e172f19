import ServingDomain
import ServingTestKit
import Testing

/// Look-ups of measured latency, with the one interpolation that is stated.
@Suite struct SurfaceTests {
    private let surface = LatencySurface([
        .init(batch: 8, units: 20, latency: .milliseconds(80)),
        .init(batch: 1, units: 20, latency: .milliseconds(10)),
        .init(batch: 1, units: 50, latency: .milliseconds(5)),
        .init(batch: 4, units: 20, latency: .milliseconds(30)),
    ])

    @Test("A profiled point counts as it is, between two batches it is linear")
    func interpolates() {
        #expect(surface.latency(batch: 4, units: 20) == .milliseconds(30))
        #expect(
            surface.latency(batch: 2, units: 20) == .microseconds(16_666) + .init(nanoseconds: 666)
        )
        #expect(surface.latency(batch: 6, units: 20) == .milliseconds(55))
    }

    @Test("Units that were not profiled count as the next smaller profiled number")
    func smallerUnits() {
        #expect(surface.latency(batch: 1, units: 49) == .milliseconds(10))
        #expect(surface.latency(batch: 1, units: 100) == .milliseconds(5))
        #expect(surface.largestBatch(units: 30) == 8)
        #expect(surface.largestBatch(units: 60) == 1)
    }

    @Test("Beyond the profile there is no answer")
    func beyond() {
        #expect(surface.latency(batch: 9, units: 20) == nil)
        #expect(surface.latency(batch: 1, units: 19) == nil)
        #expect(surface.latency(batch: 2, units: 50) == nil)
        #expect(surface.largestBatch(units: 19) == nil)
        #expect(LatencySurface([]).latency(batch: 1, units: 1) == nil)
    }

    @Test("Points are kept sorted, and the last one at a place counts", arguments: 1...20)
    func sorted(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        var surface = LatencySurface([])
        var last: [Int: TimeSpan] = [:]
        for _ in 0..<200 {
            let (batch, units) = (dice.number(in: 1...9), dice.number(in: 1...9))
            let latency = TimeSpan.microseconds(Int64(dice.number(in: 1...1_000)))
            surface.set(.init(batch: Int32(batch), units: Int32(units), latency: latency))
            last[units * 10 + batch] = latency
        }
        #expect(surface.points.count == last.count, "seed \(seed)")
        let keys = surface.points.map { Int($0.units) * 10 + Int($0.batch) }
        #expect(keys == keys.sorted(), "seed \(seed)")
        #expect(surface.points.map(\.latency) == keys.map { last[$0] }, "seed \(seed)")
    }
}

/// Rows of several instances and of the 99th percentile.
@Suite struct SurfaceRowTests {
    private let surface = LatencySurface([
        .init(batch: 1, units: 2, latency: .milliseconds(4), p99: .milliseconds(5)),
        .init(batch: 3, units: 2, latency: .milliseconds(8), p99: .milliseconds(11)),
        .init(batch: 1, units: 2, instances: 2, latency: .milliseconds(6)),
    ])

    @Test("Instances without rows take turns, those with rows are looked up")
    func instances() {
        #expect(surface.latency(batch: 1, units: 2, instances: 2) == .milliseconds(6))
        #expect(surface.latency(batch: 1, units: 2, instances: 3) == .milliseconds(12))
        #expect(surface.latency(batch: 2, units: 2, instances: 2) == .milliseconds(12))
        #expect(surface.largestBatch(units: 2) == 3)
    }

    @Test("The 99th percentile is interpolated like the median, where it was measured")
    func percentile() {
        #expect(surface.p99(batch: 2, units: 3) == .milliseconds(8))
        #expect(surface.p99(batch: 1, units: 2, instances: 2) == .milliseconds(10))
        #expect(surface.p99(batch: 4, units: 2) == nil)
    }

    @Test("A device lists the sizes that it can give")
    func sizes() {
        var device = DeviceSpec(id: DeviceID(0), name: "d", kind: "k", units: 10, grain: 4)
        #expect(device.allowedUnits == [4, 8, 10])
        device.shares = [2, 5, 10]
        #expect(device.allowedUnits == [2, 5, 10])
    }
}
