import Testing

@testable import LiveExperiments

/// What others take of the machine, and what is measured once more for that.
@Suite struct StealTests {
    @Test("Steal time is a part of the time that there was work for; idling does not count")
    func percent() {
        let before = StealTime("cpu  100 10 20 5000 7 1 2 30 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0")
        let after = StealTime("cpu  150 30 30 9000 99 6 7 40 0 0")
        #expect(before == StealTime(worked: 133, stolen: 30))
        #expect(after.percent(since: before) == 100 * 10 / 100)
        #expect(before.percent(since: before) == 0)
        #expect(after.percent(since: after) == 0 && before.percent(since: after) == 0)
        // Where the system does not tell, there is none.
        #expect(StealTime("") == StealTime() && StealTime("cpu 1 2 3") == StealTime())
    }

    @Test("A measurement that was spoiled is made once more while there is time, and said so")
    func repeats() async throws {
        let repeats = Repeats(seconds: 3_600)
        let ticks: [(worked: Double, stolen: Double)] = [(0, 0), (80, 20), (80, 20), (175, 25)]
        var steals = ticks.map { StealTime(worked: $0.worked, stolen: $0.stolen) }
        var measured = 0
        var told: [Double] = []
        let value = try await repeats.measure {
            measured += 1
            return measured
        } steal: {
            steals.removeFirst()
        } spoiled: { stolen in
            told.append(stolen)
        }
        #expect(value == 2 && told == [20] && steals.isEmpty)
        #expect(repeats.count == 1 && repeats.worst == 5)
    }

    @Test("Without time for it, what was spoiled counts, and the report names the steal time")
    func bound() {
        let repeats = Repeats(seconds: 10)
        #expect(!repeats.spoils(9, seconds: 6))
        #expect(repeats.spoils(50, seconds: 6))
        #expect(!repeats.spoils(40, seconds: 6))
        #expect(repeats.spoils(40, seconds: 4))
        #expect(!repeats.spoils(12, seconds: 1))
        #expect(repeats.count == 2 && repeats.worst == 40)
        // Two systems have as much each; what the first leaves is the second's as well.
        let shared = Repeats(seconds: 20)
        shared.use(part: 0.5)
        #expect(!shared.spoils(50, seconds: 11) && shared.spoils(50, seconds: 4))
        shared.use(part: 1)
        #expect(shared.spoils(50, seconds: 16) && !shared.spoils(50, seconds: 1))
    }
}
