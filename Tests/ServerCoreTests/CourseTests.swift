import ServerCore
import ServingDomain
import ServingTestKit
import Testing

/// Copies in order, runs that slow each other down: the forecast's arithmetic.
@Suite struct CourseTests {
    private let none = Features(repeating: 0)

    /// A device whose copies take 10 us and 1 ns per byte.
    private func copies(engines: Int32 = 2, uplink: Int64 = 0) -> CopyEstimate {
        let copy = CopySpec(
            setup: .microseconds(10),
            bytesPerSecond: 1_000_000_000,
            bothWaysMilli: 800,
            uplink: uplink > 0 ? 1 : -1,
            uplinkBytesPerSecond: uplink
        )
        return CopyEstimate(.sample(copyEngines: engines, copy: copy))
    }

    private func flight(_ order: Int64, bytes: Double = 0, work: Double, out: Double = 0) -> Flight
    {
        var flight = Flight()
        flight.order = order
        flight.work = work
        flight.solo = work
        flight.outBytes = out
        flight.bytes = bytes
        flight.setup = bytes > 0 ? 10_000 : 0
        flight.phase = bytes > 0 ? .copyIn : .run
        return flight
    }

    private func follow(_ flights: inout [Flight], _ setting: CourseSetting) {
        var order = Int64(100)
        Course.follow(
            &flights,
            setting,
            order: &order,
            from: 0,
            to: 1e12,
            isForecast: true
        )
    }

    @Test("Copies of one direction go one after the other, runs begin when theirs is there")
    func fifo() {
        var flights = [
            flight(1, bytes: 100_000, work: 50_000), flight(2, bytes: 200_000, work: 50_000),
        ]
        follow(&flights, CourseSetting(high: none, low: none, copy: copies()))
        #expect(flights[0].finish == 160_000)
        #expect(flights[1].finish == 110_000 + 210_000 + 50_000)
    }

    @Test("With one engine both directions wait for each other, with two both are slower")
    func directions() {
        let pair = [
            flight(2, bytes: 80_000, work: 1), flight(1, work: 1_000, out: 80_000),
        ]
        var flights = pair
        // The one that runs begins its copy back behind the copy to the device.
        follow(&flights, CourseSetting(high: none, low: none, copy: copies(engines: 1)))
        #expect(abs(flights[0].finish - 90_001) < 2)
        #expect(abs(flights[1].finish - 180_000) < 2)
        flights = pair
        follow(&flights, CourseSetting(high: none, low: none, copy: copies()))
        #expect(flights[0].finish > 105_000 && flights[0].finish < 112_000)
        #expect(flights[1].finish < 115_000)
        // Without a model of transfers each copies as if alone.
        flights = pair
        var alone = CourseSetting(high: none, low: none, copy: copies(engines: 1))
        alone.hasTransfers = false
        follow(&flights, alone)
        #expect(abs(flights[1].finish - 91_000) < 2)
    }

    @Test("A copy in chunks lets another through after one chunk")
    func chunks() {
        var low = flight(1, bytes: 50_000, work: 10)
        low.chunk = 50_000
        low.ahead = 450_000
        low.isStaged = true
        var flights = [low, flight(2, bytes: 100_000, work: 10)]
        follow(&flights, CourseSetting(high: none, low: none, copy: copies()))
        #expect(abs(flights[1].finish - (60_000 + 110_000)) < 20)
        #expect(abs(flights[0].finish - (10 * 60_000 + 110_000)) < 20)
    }

    @Test("Rivals on the same link leave their max-min part, until they have finished")
    func uplink() {
        var flights = [flight(1, bytes: 1_000_000, work: 1)]
        var setting = CourseSetting(
            high: none,
            low: none,
            copy: copies(uplink: 1_000_000_000)
        )
        setting.rivals.inward = 1
        setting.rivals.rate = 0.5
        setting.rivals.bytesIn = 250_000
        follow(&flights, setting)
        // Half the link for half a millisecond, then all of it; the set-up counts as link time.
        #expect(flights[0].finish > 1_200_000 && flights[0].finish < 1_300_000)
        // The same where another batch ends before the rivals do.
        var both = [flight(1, bytes: 1_000_000, work: 1), flight(2, work: 300_000)]
        follow(&both, setting)
        #expect(abs(both[0].finish - flights[0].finish) < 20)
        #expect(UplinkShare.rates([1, 4, 10], capacity: 9) == [1, 4, 4])
        #expect(UplinkShare.rates([1, 2], capacity: 0) == [1, 2])
        #expect(UplinkShare.rate(4, beside: 1, wanting: 10, capacity: 6) == 3)
        #expect(UplinkShare.rate(4, beside: 1, wanting: 1, capacity: 4.5) == 3.5)
    }

    @Test("Where high work takes the units from low work, only other high work slows it down")
    func preemption() {
        var weights = none
        weights[9] = 0.5
        var setting = CourseSetting(high: weights, low: weights, copy: copies())
        setting.isNovice = false
        var high = flight(1, work: 40_000)
        high.isHigh = true
        var flights = [high, flight(2, work: 100_000)]
        follow(&flights, setting)
        // Both at half their rate until the short one is done, unless the device preempts.
        #expect(abs(flights[0].finish - 80_000) < 2)
        setting.preemptsLow = true
        flights = [high, flight(2, work: 100_000)]
        follow(&flights, setting)
        #expect(abs(flights[0].finish - 40_000) < 2)
        #expect(abs(flights[1].finish - 120_000) < 2)
        var second = high
        second.batch = 3
        flights = [high, second, flight(2, work: 100_000)]
        follow(&flights, setting)
        #expect(abs(flights[0].finish - 80_000) < 2)
        // A candidate counts who would press it, nobody else.
        var outlook = Outlook()
        outlook.setting = setting
        #expect(outlook.company(of: high) == 0)
        let low = flight(4, work: 10)
        #expect(low.presses(false, true) && !low.presses(true, true) && low.presses(true, false))
        #expect(high.presses(true, true) && high.presses(false, true))
    }

    @Test("Work is conserved whatever comes and goes: lost time = weights x integrals")
    func conservation() {
        var weights = none
        weights[9] = 0.4
        let load = Pressure(sm: 0.5, l2: 0.2, dram: 0.3)
        var flights = [flight(1, work: 100_000), flight(2, work: 30_000)]
        for place in flights.indices { flights[place].pressure = load }
        var setting = CourseSetting(high: weights, low: weights, copy: copies())
        setting.isNovice = false
        follow(&flights, setting)
        // Together at 0.6 until the short one is done after 50 us; then 70 us alone.
        #expect(abs(flights[1].finish - 50_000) < 2)
        #expect(abs(flights[0].finish - 120_000) < 2)
        setting.hasInterference = false
        flights = [flight(1, work: 100_000), flight(2, work: 30_000)]
        follow(&flights, setting)
        #expect(flights[0].finish == 100_000)
    }

    @Test("Work that is expected in free slots slows down what runs")
    func ambient() {
        var weights = none
        weights[9] = 0.4
        var setting = CourseSetting(high: weights, low: weights, copy: copies())
        setting.slots = 2
        setting.ambientPart = 0.5
        var flights = [flight(1, work: 80_000)]
        follow(&flights, setting)
        #expect(abs(flights[0].finish - 100_000) < 2)
    }

    @Test("A run alone ends as it would beside one that is held, bit by bit", arguments: 1...60)
    func alone(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        func part() -> Double { Double(dice.number(in: 0...1_000)) / 1_000 }
        var weights = none
        for index in 0..<10 { weights[index] = part() - 0.3 }
        var setting = CourseSetting(high: weights, low: none, copy: copies())
        setting.slots = Double(dice.number(in: 0...3))
        setting.ambient = Pressure(sm: part(), l2: part(), dram: part())
        setting.ambientPart = part() < 0.3 ? 0 : part()
        setting.preemptsLow = part() < 0.5
        setting.isNovice = part() < 0.5
        // Some are over already, some end beyond the horizon.
        var one = flight(1, work: part() < 0.1 ? 0 : 1e13 * part() * part() * part() * part())
        one.isHigh = part() < 0.5
        one.workAfterStage = part() < 0.3 ? one.work * part() : 0
        one.pressure = Pressure(sm: part(), l2: part(), dram: part())
        var held = flight(2, work: 5_000)
        held.phase = .held
        var (alone, beside) = ([one], [one, held])
        follow(&alone, setting)
        follow(&beside, setting)
        #expect(alone[0].finish == beside[0].finish && alone[0].runEnds == beside[0].runEnds)
        #expect(alone[0].phase == beside[0].phase && alone[0].work == beside[0].work)
        #expect(alone[0].rate == beside[0].rate)
    }

    @Test("The written-out features and loss are those of the contention model", arguments: 1...20)
    func features(seed: UInt64) {
        var dice = SeededGenerator(seed: seed)
        func part() -> Double { Double(dice.number(in: 0...100)) / 100 }
        let victim = Pressure(sm: part(), l2: part(), dram: part())
        let others = Pressure(sm: part() * 2, l2: part() * 2, dram: part() * 2)
        var weights = none
        var expected = 0.0
        let features = victim.features(beside: others, count: 2)
        for index in 0..<10 {
            weights[index] = part() - 0.5
            let feature = LossContention.feature(
                index,
                of: (victim.sm, victim.l2, victim.dram),
                beside: (others.sm, others.l2, others.dram),
                count: 2
            )
            #expect(abs(feature - features[index]) < 1e-12, "seed \(seed), feature \(index)")
            expected += weights[index] * feature
        }
        let loss = victim.loss(beside: others, count: 2, weights: weights)
        #expect(abs(loss - expected) < 1e-12, "seed \(seed)")
    }

    @Test("A calibration finds set-up, bandwidth, both ways and the shared link")
    func calibration() throws {
        var probes: [CopyCalibration.Probe] = []
        for power in 12...26 {
            let bytes = Int64(1) << Int64(power)
            let alone = 12_000 + Double(bytes) / 12
            let spans = [(alone, false, Int32(0)), (12_000 + Double(bytes) / 9.6, true, 0)]
            for (span, both, count) in spans + [(12_000 + Double(bytes) / 8, false, 1)] {
                probes.append(
                    CopyCalibration.Probe(
                        bytes: bytes,
                        span: TimeSpan(nanoseconds: Int64(span)),
                        bothWays: both,
                        neighbours: count
                    )
                )
            }
        }
        let found = try #require(CopyCalibration(probes, uplink: 3))
        #expect(abs(found.copy.setup.nanoseconds - 12_000) < 100)
        #expect(abs(Double(found.copy.bytesPerSecond) / 12e9 - 1) < 0.01)
        #expect(abs(found.copy.bothWaysMilli - 800) <= 5)
        #expect(abs(Double(found.copy.uplinkBytesPerSecond) / 16e9 - 1) < 0.02)
        #expect(found.copy.uplink == 3 && found.worstError < 0.01)
        #expect(CopyCalibration([]) == nil)
        #expect(CopyCalibration(Array(repeating: probes[0], count: 9)) == nil)
    }

    @Test("Copies that were timed move the bandwidth slowly, nonsense does not")
    func refresh() {
        var copy = copies()
        let isTaken = copy.learn(bytes: 2 << 20, span: .microseconds(2_000), inward: true)
        #expect(isTaken)
        #expect(copy.inward > 1 && copy.inward < 1.1 && copy.outward == 1)
        let known = copy
        for span in [TimeSpan.zero, .microseconds(-5), .microseconds(5), .seconds(60)] {
            let isTaken = copy.learn(bytes: 2 << 20, span: span, inward: true)
            #expect(!isTaken)
        }
        let isSmallTaken = copy.learn(bytes: 1 << 10, span: .microseconds(11), inward: true)
        #expect(!isSmallTaken)
        #expect(copy == known)
    }
}
