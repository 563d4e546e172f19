package import ServingDomain

/// What will become of the batches on one device, with or without one more.
///
/// It is loaded once per decision and asked several times. Its storage is used again, so that
/// a policy that keeps one allocates nothing.
package struct Outlook: Sendable {
    /// The batches on the device now.
    package private(set) var present: [Flight] = []
    /// The same, and the one considered (last), when the last forecast has ended.
    package private(set) var future: [Flight] = []
    /// What holds for the device.
    package var setting: CourseSetting
    /// The time that all of it counts from.
    package private(set) var now: Int64 = 0
    private var order: Int64 = 0

    /// Forecasts end here, in nanoseconds: what takes longer counts as this.
    private static let horizon = 1e12
    /// What should be over by now is taken to need this part of its whole time more.
    private static let overdue = 0.02

    /// Creates an outlook on an empty device.
    package init() {
        let none = Features(repeating: 0)
        let device = DeviceSpec(id: DeviceID(0), name: "", kind: "", units: 1)
        setting = CourseSetting(high: none, low: none, copy: CopyEstimate(device))
        present.reserveCapacity(DeviceTraffic.capacity + 1)
        future.reserveCapacity(DeviceTraffic.capacity + 1)
    }

    /// Takes over what is on the device at `place` of `traffic`, brought up to `now`.
    ///
    /// One of many by its place, since it has much in it to copy.
    package mutating func load(
        _ traffic: [DeviceTraffic],
        at place: Int,
        _ setting: consuming CourseSetting,
        at now: Instant
    ) {
        self.setting = setting
        let clock = traffic[place].clock
        self.now = max(now.nanoseconds, clock)
        order = traffic[place].order
        present.empty()
        for flight in traffic[place].flights.indices {
            present.append(traffic[place].flights[flight])
        }
        if self.now > clock, !present.isEmpty {
            Course.follow(
                &present,
                self.setting,
                order: &order,
                from: 0,
                to: Double(self.now - clock),
                isForecast: false
            )
        }
        for place in present.indices { Self.settle(&present[place]) }
    }

    /// What should have ended or gone on ends or goes on a little later.
    private static func settle(_ flight: inout Flight) {
        let least = max(1_000, flight.solo * overdue)
        flight.runBegins = 0
        switch flight.phase {
        case .run:
            // A forecast does not stop at the end of a stage.
            flight.workAfterStage = 0
            if flight.work < least { flight.work = least }
        case .landed:
            flight.phase = .copyOut
            flight.setup = 1_000
        case .copyIn where !flight.isCopying, .copyOut where !flight.isCopying:
            flight.setup = 1_000
        case .copyIn, .copyOut, .held: break
        }
    }

    /// Forecasts what is on the device by itself.
    package mutating func see() {
        future.empty()
        for place in present.indices { future.append(present[place]) }
        follow()
    }

    /// Forecasts what is on the device with `candidate`, which begins now.
    package mutating func see(adding candidate: Flight) {
        future.empty()
        for place in present.indices { future.append(present[place]) }
        order += 1
        var candidate = candidate
        candidate.order = order
        if candidate.phase == .run { candidate.runBegins = 0 }
        future.append(candidate)
        follow()
    }

    /// Forecasts what is on the device while the batch at `slot`, which stands between two
    /// stages, runs on; nil if it is not there.
    package mutating func see(resuming slot: Int32) -> Int? {
        future.empty()
        var found: Int?
        for place in present.indices {
            future.append(present[place])
            guard present[place].batch == slot, present[place].phase == .held else { continue }
            found = place
            future[place].phase = .run
            future[place].workAfterStage = 0
            future[place].work = max(1_000, future[place].work)
        }
        if found != nil { follow() }
        return found
    }

    private mutating func follow() {
        var order = order
        Course.follow(
            &future,
            setting,
            order: &order,
            from: 0,
            to: Self.horizon,
            isForecast: true
        )
    }

    /// When the batch at `place` of `future` is through.
    package func finish(at place: Int) -> Instant { point(future[place].finish, at: place) }

    /// The same with `margin` of the time until then added.
    package func safeFinish(at place: Int, margin: Double) -> Instant {
        point(future[place].finish * (1 + margin), at: place)
    }

    /// Rounded once, here, where decisions begin.
    private func point(_ span: Double, at place: Int) -> Instant {
        let isOpen = future[place].phase != .landed
        let length = isOpen ? Self.horizon : min(max(0, span), Self.horizon)
        return Instant(nanoseconds: now) + TimeSpan(nanoseconds: Int64(length.rounded()))
    }

    /// How many batches on the device cost `candidate` something.
    package func company(of candidate: borrowing Flight) -> Int {
        var company = 0
        for place in present.indices
        where present[place].presses(candidate.isHigh, setting.preemptsLow) {
            company += 1
        }
        return company
    }

    /// The features of `candidate` if it ran beside all that is on the device.
    package func features(of candidate: borrowing Flight) -> Features {
        var pressure = Pressure.none
        var count = 0.0
        for place in present.indices
        where present[place].presses(candidate.isHigh, setting.preemptsLow) {
            pressure += present[place].pressure
            count += 1
        }
        return candidate.pressure.features(beside: pressure, count: count)
    }
}
