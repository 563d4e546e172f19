import ServingDomain
import Testing

@testable import ServerRuntime

/// Batches that others give way to get cores of their own, as far as there are any.
@Suite("Cores for batches", .enabled(if: ClassUrgency.mayTakeBack, "nobody gives way here"))
struct CoreSeatsTests {
    /// Seats on a machine where low work gives way.
    private static func seats() -> CoreSeats {
        let urgency = ClassUrgency(isWanted: true)
        urgency.sawHigh()
        return CoreSeats(urgency)
    }

    private static func take(
        _ seats: inout CoreSeats,
        _ width: Int,
        of cores: [Int32],
        last: ArraySlice<Int32> = [],
        isHigh: Bool = true
    ) -> CoreSeat {
        seats.seat((cores, width, last), isHigh: isHigh, overtakes: !isHigh)
    }

    @Test("High batches sit apart until every core has one, and the next where the fewest sit")
    func apart() {
        var seats = Self.seats()
        let cores: [Int32] = [4, 5, 6]
        var taken = (0..<3).map { _ in Self.take(&seats, 1, of: cores) }
        #expect(taken.map { Array($0.cores) } == [[4], [5], [6]])
        seats.giveBack(&taken[1])
        #expect(taken[1].cores.isEmpty)
        #expect(Array(Self.take(&seats, 1, of: cores).cores) == [5])
        #expect(Array(Self.take(&seats, 1, of: cores).cores) == [4])
        #expect(Array(Self.take(&seats, 1, of: cores).cores) == [5])
    }

    @Test("A batch stays on the cores of the one before where others have no less to do")
    func keeps() {
        var seats = Self.seats()
        var first = Self.take(&seats, 1, of: [0, 1], last: [1])
        #expect(Array(first.cores) == [1])
        #expect(Array(Self.take(&seats, 1, of: [0, 1], last: [1]).cores) == [0])
        seats.giveBack(&first)
        #expect(Array(Self.take(&seats, 1, of: [0, 1], last: [0]).cores) == [1])
    }

    @Test("Of cores with equally little to do a batch gets one that its caller does not go on on")
    func caller() {
        var seats = Self.seats()
        seats.callerGoesOn(true)
        let here = seats.caller
        let cores = [here, here + 1]
        #expect(HostCores.available().contains(here))
        var batch = Self.take(&seats, 1, of: cores, last: [here])
        #expect(Array(batch.cores) == [here + 1])
        #expect(Array(Self.take(&seats, 1, of: cores, last: [here]).cores) == [here])
        seats.giveBack(&batch)
        seats.callerGoesOn(false)
        #expect(Array(Self.take(&seats, 1, of: [here + 1, here + 2]).cores) == [here + 1])
    }

    @Test("Many low batches on a core are less than one that overtakes, and those than a high one")
    func classes() {
        var seats = Self.seats()
        for _ in 0..<9 { _ = seats.seat(([0], 1, []), isHigh: false, overtakes: false) }
        _ = Self.take(&seats, 1, of: [1], isHigh: false)
        #expect(Array(Self.take(&seats, 1, of: [0, 1], isHigh: false).cores) == [0])
        for _ in 0..<9 { _ = Self.take(&seats, 1, of: [0], isHigh: false) }
        _ = Self.take(&seats, 1, of: [1])
        #expect(Array(Self.take(&seats, 1, of: [0, 1]).cores) == [0])
    }

    @Test("High batches stay on their cores, low ones only begin there")
    func stays() {
        var seats = Self.seats()
        #expect(Self.take(&seats, 1, of: [0, 1]).stays)
        let low = Self.take(&seats, 1, of: [0, 1], isHigh: false)
        #expect(Array(low.cores) == [1] && !low.stays)
    }

    @Test("Wider batches sit on neighbours")
    func width() {
        var seats = Self.seats()
        let cores: [Int32] = [0, 1, 2, 3, 4]
        _ = Self.take(&seats, 1, of: cores)
        #expect(Array(Self.take(&seats, 2, of: cores).cores) == [2, 3])
        #expect(Array(Self.take(&seats, 2, of: cores).cores) == [0, 1])
    }

    @Test("Nobody is told its cores where no work gives way, or where a lane runs on all of them")
    func nobody() {
        var seats = Self.seats()
        #expect(seats.seat(nil, isHigh: true, overtakes: false).cores.isEmpty)
        var calm = CoreSeats(ClassUrgency(isWanted: true))
        #expect(calm.seat(([0, 1], 1, []), isHigh: true, overtakes: false).cores.isEmpty)
        var off = CoreSeats(ClassUrgency(isWanted: false))
        #expect(off.seat(([0, 1], 1, []), isHigh: true, overtakes: false).cores.isEmpty)
    }

    @Test("A low batch that goes before others counts like one that overtook them, once")
    func hastens() {
        var seats = Self.seats()
        var first = seats.seat(([0], 1, []), isHigh: false, overtakes: false)
        seats.hasten(&first)
        seats.hasten(&first)
        for _ in 0..<9 { _ = seats.seat(([1], 1, []), isHigh: false, overtakes: false) }
        #expect(Array(Self.take(&seats, 1, of: [0, 1], isHigh: false).cores) == [1])
        seats.giveBack(&first)
        #expect(Array(Self.take(&seats, 1, of: [0, 1], isHigh: false).cores) == [0])
        var high = Self.take(&seats, 1, of: [2])
        seats.hasten(&high)
        #expect(Array(Self.take(&seats, 1, of: [2, 3]).cores) == [3])
    }

    @Test("Whoever is due before one that overtakes, on a core that it may want, goes first, too")
    func dues() {
        func due(_ ms: Int64) -> Instant { .zero + .milliseconds(ms) }
        var lows = LowRuns()
        lows.begins(InstanceID(1), on: [0, 1], due: due(10))
        lows.begins(InstanceID(2), on: [0, 1], due: due(30))
        lows.begins(InstanceID(3), on: [2], due: due(10))
        lows.begins(InstanceID(4), on: [1, 2], due: due(20))
        let both = [InstanceID(1), InstanceID(4)]
        #expect(lows.instances(dueBy: due(20), on: [0, 1]) == both)
        lows.ends(InstanceID(1))
        lows.ends(InstanceID(1))
        #expect(lows.instances(dueBy: due(99), on: [0]) == [InstanceID(2)])
        #expect(lows.instances(dueBy: due(9), on: [0, 1, 2]).isEmpty)
    }
}
