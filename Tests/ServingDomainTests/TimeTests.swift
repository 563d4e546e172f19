import ServingDomain
import Testing

/// Time in whole nanoseconds: what overflows ends at the edge instead of wrapping.
@Suite struct TimeTests {
    @Test("Adding to a point ends at the edges of time")
    func saturates() {
        #expect(Instant.distantFuture + .seconds(1) == .distantFuture)
        #expect(Instant(nanoseconds: .min) - .seconds(1) == Instant(nanoseconds: .min))
        #expect(Instant.zero + .seconds(1) == Instant(nanoseconds: 1_000_000_000))
        #expect(Instant(nanoseconds: 5) - Instant(nanoseconds: 7) == TimeSpan(nanoseconds: -2))
    }

    @Test("Units multiply and end at the largest span")
    func units() {
        #expect(TimeSpan.milliseconds(3) == .microseconds(3_000))
        #expect(TimeSpan.seconds(.max) == TimeSpan(nanoseconds: .max))
        #expect(TimeSpan.seconds(.min) == TimeSpan(nanoseconds: .min))
        #expect(TimeSpan.milliseconds(2) * 3 == .milliseconds(6))
        #expect(TimeSpan.seconds(1) * .max == TimeSpan(nanoseconds: .max))
    }

    @Test("Milliseconds with decimals round to the nanosecond, nonsense is no time")
    func rounding() {
        #expect(TimeSpan.milliseconds(rounding: 1.5) == .microseconds(1_500))
        #expect(TimeSpan.milliseconds(rounding: -0.000001) == TimeSpan(nanoseconds: -1))
        #expect(TimeSpan.milliseconds(rounding: .nan) == .zero)
        #expect(TimeSpan.milliseconds(rounding: .infinity) == TimeSpan(nanoseconds: .max))
        #expect(TimeSpan.milliseconds(rounding: -.infinity) == TimeSpan(nanoseconds: .min))
    }

    @Test("Level 1 is high, every other level is low; names that there aren't get the default")
    func levels() {
        #expect(PriorityClass(level: 1) == .high)
        #expect(PriorityClass(level: 2) == .low)
        #expect(PriorityClass(level: 0) == .low)
        let rules = PriorityRules(levels: 3, defaultLevel: 2)
        #expect([0, 1, 2, 3, 4, .max].map(rules.level(of:)) == [2, 1, 2, 3, 2, 2])
    }
}
