import ServingDomain
import Testing
import VirtualDevices

@Suite("Virtual models")
struct VirtualModelTests {
    private let surface = LatencySurface([
        .init(batch: 1, units: 20, latency: .milliseconds(8)),
        .init(batch: 5, units: 20, latency: .milliseconds(16)),
        .init(batch: 1, units: 60, latency: .milliseconds(4)),
    ])

    @Test("Without noise a run takes exactly what the surface says, and nothing is extrapolated")
    func surfaceAsItIs() {
        let model = VirtualModel(surface: surface)
        #expect(model.latency(batch: 1, units: 20, draw: 7) == .milliseconds(8))
        #expect(model.latency(batch: 3, units: 20, draw: 8) == .milliseconds(12))
        #expect(model.latency(batch: 1, units: 59, draw: 9) == .milliseconds(8))
        #expect(model.latency(batch: 1, units: 60, draw: 9) == .milliseconds(4))
        #expect(model.latency(batch: 6, units: 20, draw: 0) == nil)
        #expect(model.latency(batch: 1, units: 19, draw: 0) == nil)
    }

    @Test("The segments of a run sum to the whole run, whatever the noise and the cut")
    func segmentsSum() {
        for seed in UInt64(1)...20 {
            let model = VirtualModel(
                surface: surface,
                noise: LatencyNoise(seed: seed, spread: 0.3),
                segments: 7
            )
            let whole = model.latency(batch: 4, units: 20, draw: seed)
            var sum = TimeSpan.zero
            for segment in Int32(0)..<7 {
                let part = segment..<(segment + 1)
                guard let span = model.latency(batch: 4, units: 20, segments: part, draw: seed)
                else {
                    Issue.record("no latency for segment \(segment), seed \(seed)")
                    return
                }
                #expect(span > .zero)
                sum = sum + span
            }
            #expect(sum == whole, "seed \(seed)")
        }
    }

    @Test("Noise depends on seed and draw alone, has median 1 and the stated spread")
    func noiseIsLogNormal() {
        let seed: UInt64 = 42
        let noise = LatencyNoise(seed: seed, spread: 0.1)
        let factors = (0..<20_000).map { noise.factor(draw: $0) }
        #expect(factors == (0..<20_000).map { noise.factor(draw: $0) })
        let sorted = factors.sorted()
        let median = sorted[sorted.count / 2]
        #expect(abs(median - 1) < 0.005, "seed \(seed): median \(median)")
        // One standard deviation up of a normal distribution is its 84.13 % point.
        let upper = sorted[Int(Double(sorted.count) * 0.8413)]
        #expect(abs(upper - 1.105) < 0.01, "seed \(seed): 84 % point \(upper)")
        #expect(sorted[0] > 0.67 && sorted[sorted.count - 1] < 1.5, "seed \(seed)")
        #expect(LatencyNoise(seed: 43, spread: 0.1).factor(draw: 0) != factors[0])
        #expect(LatencyNoise.none.factor(draw: 5) == 1)
    }
}
