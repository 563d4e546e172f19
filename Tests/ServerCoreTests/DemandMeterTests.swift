import Foundation
import ServingDomain
import ServingTestKit
import Testing

@testable import ServerCore

/// What a server takes the demand for a model to be.
@Suite("Demand meter")
struct DemandMeterTests {
    /// The targets at the end of each second, for arrivals at even distances by second.
    private static func targets(
        _ rates: [Int64],
        _ rules: EpochRules = .live
    ) -> [Int64?] {
        var meter = DemandMeter()
        return rates.enumerated().map { second, rate in
            let began = Instant(nanoseconds: Int64(second) * 1_000_000_000)
            for number in 0..<rate {
                let offset = TimeSpan(nanoseconds: 1_000_000_000 * number / rate)
                meter.count(at: began + offset, rules)
            }
            return meter.target(at: began + .seconds(1), rules)
        }
    }

    @Test("A load that jumps is known after a second, with its headroom")
    func rise() throws {
        let found = Self.targets([10, 10, 10, 200])
        #expect(found[2] == 11_500)
        #expect(found[3] == 230_000)
        var slow = EpochRules.live
        slow.jumpDeviations = 0
        let before = try #require(Self.targets([10, 10, 10, 200], slow)[3])
        #expect(before < 150_000)
    }

    @Test("A load that ends is known after a second, too, but for what peaks keep")
    func fall() {
        var rules = EpochRules.live
        rules.peakMilli = 0
        #expect(Self.targets([200, 200, 200, 10], rules)[3] == 11_500)
    }

    @Test("One sample alone is no jump")
    func burst() throws {
        let rules = EpochRules.live
        var meter = DemandMeter()
        for sample in Int64(0)..<20 {
            let began = Instant(nanoseconds: sample * 500_000_000)
            for number in Int64(0)..<(sample == 15 ? 100 : 5) {
                meter.count(at: began + .milliseconds(4 * number), rules)
            }
        }
        let rate = try #require(meter.milliRate)
        #expect(rate < 60_000)
    }

    @Test("Poisson arrivals at a steady rate make no jumps", arguments: [2, 40, 900] as [Double])
    func chance(rate: Double) {
        var dice = SeededGenerator(seed: 7)
        var plain = EpochRules.live
        plain.jumpDeviations = 0
        var (meter, other) = (DemandMeter(), DemandMeter())
        var now = 0.0
        var differ = 0
        while now < 600 {
            now += -log(1 - Double.random(in: 0..<1, using: &dice)) / rate
            let instant = Instant(nanoseconds: Int64(now * 1e9))
            meter.count(at: instant, .live)
            other.count(at: instant, plain)
            if meter.milliRate != other.milliRate { differ += 1 }
        }
        #expect(differ == 0)
    }
}
