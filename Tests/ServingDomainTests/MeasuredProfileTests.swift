import ServingDomain
import Testing

/// A device model's guess gives way to what is measured.
@Suite struct MeasuredProfileTests {
    private func point(_ batch: Int32, _ units: Int32, _ ms: Int64) -> LatencySurface.Point {
        .init(batch: batch, units: units, latency: .milliseconds(ms))
    }

    /// Guesses of 10 ms an item on one unit, 6 on two, 4 on four.
    private var guess: DeviceProfile {
        DeviceProfile(
            kind: "cpu",
            surface: LatencySurface(
                [(1, 10), (2, 6), (4, 4)].flatMap { units, ms in
                    [point(1, units, ms), point(8, units, 8 * ms)]
                }
            ),
            estimatedUnits: [1, 2, 4]
        )
    }

    @Test("A measured row stands as it is, and scales what is still guessed")
    func scales() {
        var profile = guess
        profile.take([point(1, 2, 9)])
        #expect(profile.estimatedUnits == [1, 4])
        #expect(profile.surface.latency(batch: 1, units: 2) == .milliseconds(9))
        // Nobody measured batch 8 on two units: as far off as batch 1.
        #expect(profile.surface.latency(batch: 8, units: 2) == .milliseconds(72))
        #expect(profile.surface.latency(batch: 1, units: 1) == .milliseconds(15))
        #expect(profile.surface.latency(batch: 8, units: 4) == .milliseconds(48))
    }

    @Test("What was measured is never scaled by a later measurement")
    func keeps() {
        var profile = guess
        profile.take([point(1, 2, 12), point(8, 2, 96)])
        profile.take([point(1, 1, 10), point(8, 1, 80)])
        #expect(profile.estimatedUnits == [4])
        #expect(profile.surface.latency(batch: 8, units: 2) == .milliseconds(96))
        // First twice, then half as slow as guessed.
        #expect(profile.surface.latency(batch: 1, units: 4) == .milliseconds(4))
        profile.take([point(1, 2, 20)])
        #expect(profile.surface.latency(batch: 1, units: 4) == .milliseconds(4))
        #expect(profile.surface.latency(batch: 8, units: 2) == .milliseconds(96))
    }

    @Test("A batch that the guess does not reach tells nothing about it")
    func beyond() {
        var profile = guess
        profile.take([point(16, 1, 500)])
        #expect(profile.estimatedUnits == [2, 4])
        #expect(profile.surface.latency(batch: 1, units: 4) == .milliseconds(4))
        #expect(profile.surface.latency(batch: 16, units: 1) == .milliseconds(500))
    }

    @Test("A measured profile replaces the rows it has and what else it says, and leaves the rest")
    func whole() {
        var profile = guess
        profile.memory = MemoryFootprint(weightsKiB: 5)
        profile.coldStart = .milliseconds(7)
        var measured = DeviceProfile(
            kind: "cpu",
            surface: LatencySurface([point(1, 1, 20), point(1, 2, 12)]),
            utilization: [Utilization(batch: 1, sm: 1, l2: 0, dram: 0)]
        )
        profile.take(measured)
        #expect(profile.estimatedUnits == [4])
        #expect(profile.surface.latency(batch: 1, units: 2) == .milliseconds(12))
        // Two rows were twice as slow as guessed, one after the other: 8 ms, then as it is.
        #expect(profile.surface.latency(batch: 1, units: 4) == .milliseconds(8))
        #expect(profile.utilization == measured.utilization)
        #expect(profile.memory.weightsKiB == 5)
        #expect(profile.coldStart == .milliseconds(7))
        measured.memory = MemoryFootprint(weightsKiB: 9)
        measured.coldStart = .milliseconds(3)
        measured.segments = 2
        profile.take(measured)
        #expect(profile.memory.weightsKiB == 9)
        #expect(profile.coldStart == .milliseconds(3))
        #expect(profile.segments == 2)
    }

    @Test("A model knows which units were really measured")
    func measured() {
        var spec = ModelSpec(id: ModelID(0), name: "m")
        #expect(!spec.isMeasured(on: "cpu", units: 2))
        var profile = guess
        profile.take([point(1, 2, 9)])
        spec.set(profile)
        #expect(spec.isMeasured(on: "cpu", units: 2))
        #expect(!spec.isMeasured(on: "cpu", units: 1))
        #expect(!spec.isMeasured(on: "gpu", units: 2))
        spec.profiles = []
        spec.surface = LatencySurface([point(1, 3, 1)])
        #expect(spec.isMeasured(on: "gpu", units: 3))
        #expect(!spec.isMeasured(on: "gpu", units: 4))
    }
}
