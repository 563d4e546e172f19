import ServingDomain
import Testing

@testable import Profiler

/// Statistics of few samples.
@Suite struct SamplesTests {
    static func samples(_ milliseconds: [Int64]) -> LatencySamples {
        var samples = LatencySamples()
        samples.add(milliseconds.map { .milliseconds($0) })
        return samples
    }

    @Test("Median and 99th percentile of none, one, two, many")
    func percentiles() {
        #expect(LatencySamples().median == nil && LatencySamples().p99 == nil)
        #expect(Self.samples([7]).median == .milliseconds(7))
        #expect(Self.samples([9, 4]).median == .microseconds(6_500))
        #expect(Self.samples([5, 1, 3]).median == .milliseconds(3))
        #expect(Self.samples(Array(1...100)).p99 == .milliseconds(99))
        #expect(Self.samples(Array(1...101)).p99 == .milliseconds(100))
        #expect(Self.samples(Array(1...20)).p99 == .milliseconds(20))
        #expect(Self.samples(Array(1...20)).percentile(95) == .milliseconds(19))
        #expect(Self.samples([3, 1]).percentile(1) == .milliseconds(1))
    }

    @Test("The confidence interval covers the true median as often as it says")
    func coverage() {
        // A skewed distribution with median 100: 2^u x 100 for u uniform within -1...1.
        var state: UInt64 = 9
        var covered = 0
        for _ in 0..<400 {
            var values: [Int64] = []
            for _ in 0..<41 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let unit = Double(state >> 40) / Double(1 << 24)
                values.append(unit < 0.5 ? Int64(50 + 100 * unit) : Int64(200 * unit))
            }
            let samples = Self.samples(values)
            let median = samples.median?.inMilliseconds ?? 0
            // The half width is that of both sides together: twice it surely reaches the truth.
            if abs(median - 100) <= 2 * samples.uncertainty * median { covered += 1 }
        }
        #expect(covered >= 380, "covered \(covered) of 400")
    }

    @Test("Fewer than six samples are never sure; equal ones are certain")
    func certainty() {
        #expect(Self.samples([1, 1, 1, 1, 1]).uncertainty == .infinity)
        #expect(Self.samples([2, 2, 2, 2, 2, 2]).uncertainty == 0)
    }

    @Test("Patience wants both enough samples and a narrow interval, and ends at the most rounds")
    func patience() {
        var patience = Patience()
        patience.leastRounds = 2
        patience.mostRounds = 4
        let sure = Self.samples(Array(repeating: 5, count: 30))
        #expect(!patience.isContent(sure, after: 1) && patience.isContent(sure, after: 2))
        let few = Self.samples(Array(repeating: 5, count: 8))
        #expect(!patience.isContent(few, after: 3) && patience.isContent(few, after: 4))
        let wide = Self.samples((0..<30).map { $0 % 2 == 0 ? 5 : 50 })
        #expect(!patience.isContent(wide, after: 3))
    }
}
