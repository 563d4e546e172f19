/// Follows batches on one device from event to event: copies in order, runs that slow each other
/// down, copies back.
///
/// Same-direction copies go one after the other; a device with one engine has one queue for both.
/// A run's rate of progress is 1 - loss, at least a fifth. Between two events all rates are
/// constant, so each step goes to the next end. Source: notes on Strait, section 2(a), 2(b).
///
/// Cost: O(flights) per step, at most three steps and one per chunk for each flight; no
/// allocation.
package enum Course {
    /// Whose copies move, how many run, and what they press the device with.
    private struct Moment {
        var headIn = -1, headOut = -1
        var running = 0.0
        var pressure = Pressure.none
        /// The same of class high alone.
        var runningHigh = 0.0
        var pressureHigh = Pressure.none
        var rateIn = 0.0, rateOut = 0.0
        var active = 0

        /// How many runs press a run, and with what.
        @inline(__always)
        func others(
            of flight: borrowing Flight,
            _ setting: borrowing CourseSetting
        ) -> (count: Double, pressure: Pressure) {
            guard flight.isHigh else { return (running - 1, pressure - flight.pressure) }
            guard setting.preemptsLow else { return (running - 1, pressure - flight.pressure) }
            return (runningHigh - 1, pressureHigh - flight.pressure)
        }
    }

    /// Follows `flights` from `start` to `end`, or until all have landed.
    ///
    /// - Parameters:
    ///   - order: The number of the next copy that queues.
    ///   - isForecast: Whether batches in stages go on by themselves, and runs that should have
    ///     ended are over. Else they wait for the event that says so.
    /// - Returns: How many steps it took.
    @discardableResult
    package static func follow(
        _ flights: inout [Flight],
        _ setting: borrowing CourseSetting,
        order: inout Int64,
        from start: Double,
        to end: Double,
        isForecast: Bool
    ) -> Int {
        if isForecast, flights.count == 1, landAlone(&flights[0], setting, from: start, to: end) {
            return 1
        }
        var noIntegrals: [FlightLog] = []
        return follow(
            &flights,
            &noIntegrals,
            setting,
            order: &order,
            from: start,
            to: end,
            isForecast: isForecast
        )
    }

    /// Lands a run that is alone on its device in closed form, to the last bit as the steps would:
    /// most forecasts of a device that has little to do.
    ///
    /// - Returns: Whether it has landed; else nothing has changed.
    private static func landAlone(
        _ flight: inout Flight,
        _ setting: borrowing CourseSetting,
        from start: Double,
        to end: Double
    ) -> Bool {
        let left = flight.work - flight.workAfterStage
        guard flight.phase == .run, left > 0, flight.outBytes <= 0, setting.truth == nil else {
            return false
        }
        var moment = Moment()
        (moment.running, moment.pressure) = (1, flight.pressure)
        if flight.isHigh { (moment.runningHigh, moment.pressureHigh) = (1, flight.pressure) }
        let rate = rate(flight, moment, setting)
        guard left / rate < end - start else { return false }
        flight.rate = rate
        flight.work = flight.workAfterStage
        flight.runEnds = start + left / rate
        flight.phase = .landed
        flight.finish = flight.runEnds
        return true
    }

    /// The same, adding up the features of contention of every run in `logs` unless it is empty.
    @discardableResult
    static func follow(
        _ array: inout [Flight],
        _ logs: inout [FlightLog],
        _ setting: borrowing CourseSetting,
        order: inout Int64,
        from start: Double,
        to end: Double,
        isForecast: Bool
    ) -> Int {
        var flights = array.mutableSpan
        var notes = logs.mutableSpan
        var rivals = setting.rivals
        var now = start
        var steps = 0
        while now < end, steps < CourseSetting.stepLimit {
            steps += 1
            let moment = look(flights, setting, rivals)
            if moment.active == 0 {
                // What should have ended still runs until its event says otherwise.
                if !notes.isEmpty { integrate(flights, &notes, moment, setting, end - now) }
                break
            }
            if let truth = setting.truth {
                ask(truth, &flights)
            } else {
                for place in flights.indices where flights[place].phase == .run {
                    flights[place].rate = rate(flights[place], moment, setting)
                }
            }
            let step = min(end - now, nextEnd(flights, moment, setting, rivals))
            guard step.isFinite else { break }
            if !notes.isEmpty { integrate(flights, &notes, moment, setting, step) }
            now += step
            advance(&flights, moment, setting, by: step)
            rivals.pass(step)
            for place in flights.indices {
                turn(&flights[place], setting, order: &order, at: now, isForecast: isForecast)
            }
        }
        return steps
    }

    private static func look(
        _ flights: borrowing MutableSpan<Flight>,
        _ setting: borrowing CourseSetting,
        _ rivals: CourseSetting.Rivals
    ) -> Moment {
        var moment = Moment()
        for place in flights.indices {
            switch flights[place].phase {
            case .run:
                moment.running += 1
                moment.pressure += flights[place].pressure
                if flights[place].isHigh {
                    moment.runningHigh += 1
                    moment.pressureHigh += flights[place].pressure
                }
                if flights[place].work > flights[place].workAfterStage { moment.active += 1 }
            case .copyIn where flights[place].isCopying:
                moment.active += 1
                if moment.headIn < 0 || flights[place].order < flights[moment.headIn].order {
                    moment.headIn = place
                }
            case .copyOut where flights[place].isCopying:
                moment.active += 1
                if moment.headOut < 0 || flights[place].order < flights[moment.headOut].order {
                    moment.headOut = place
                }
            default: break
            }
        }
        let copy = setting.copy
        if copy.engines == 1, setting.hasTransfers, moment.headIn >= 0, moment.headOut >= 0 {
            if flights[moment.headIn].order < flights[moment.headOut].order {
                moment.headOut = -1
            } else {
                moment.headIn = -1
            }
        }
        let isBoth = setting.hasTransfers && moment.headIn >= 0 && moment.headOut >= 0
        let kept = isBoth ? copy.bothWays : 1
        moment.rateIn = UplinkShare.rate(
            copy.inward * kept,
            beside: rivals.inward,
            wanting: rivals.rate,
            capacity: setting.hasTransfers ? copy.uplink : 0
        )
        moment.rateOut = UplinkShare.rate(
            copy.outward * kept,
            beside: rivals.outward,
            wanting: rivals.rate,
            capacity: setting.hasTransfers ? copy.uplink : 0
        )
        return moment
    }

    /// The rate of progress of a run.
    @inline(__always)
    private static func rate(
        _ flight: borrowing Flight,
        _ moment: Moment,
        _ setting: borrowing CourseSetting
    ) -> Double {
        guard setting.hasInterference else { return 1 }
        var (count, others) = moment.others(of: flight, setting)
        let vacant = setting.slots - moment.running
        if setting.ambientPart > 0, vacant > 0 {
            count += vacant * setting.ambientPart
            others += setting.ambient * (vacant * setting.ambientPart)
        }
        guard count > 0 else { return 1 }
        let loss =
            flight.isHigh
            ? flight.pressure.loss(beside: others, count: count, weights: setting.high)
            : flight.pressure.loss(beside: others, count: count, weights: setting.low)
        let floor = setting.isNovice ? max(0.2, 1 / (count + 1)) : 0.2
        return min(1, max(floor, 1 - loss))
    }

    /// Lets a simulator say how fast everything runs; allocates.
    private static func ask(_ truth: any ForecastTruth, _ flights: inout MutableSpan<Flight>) {
        var stages: [TrueStage] = []
        for place in flights.indices where flights[place].phase == .run {
            let flight = flights[place]
            stages.append(
                TrueStage(model: flight.model, items: flight.items, isHigh: flight.isHigh)
            )
        }
        var rates = Array(repeating: 1.0, count: stages.count)
        truth.progress(of: stages, into: &rates)
        var next = 0
        for place in flights.indices where flights[place].phase == .run {
            flights[place].rate = min(1, max(0.01, rates[next]))
            next += 1
        }
    }

    private static func isMoving(
        _ place: Int,
        _ flight: borrowing Flight,
        _ moment: Moment,
        _ setting: borrowing CourseSetting
    ) -> Bool {
        guard flight.isCopying else { return false }
        return !setting.hasTransfers || place == moment.headIn || place == moment.headOut
    }

    /// From now until something ends.
    private static func nextEnd(
        _ flights: borrowing MutableSpan<Flight>,
        _ moment: Moment,
        _ setting: borrowing CourseSetting,
        _ rivals: CourseSetting.Rivals
    ) -> Double {
        var least = Double.infinity
        for place in flights.indices {
            if flights[place].phase == .run {
                let left = flights[place].work - flights[place].workAfterStage
                if left > 0 {
                    least = min(least, left / flights[place].rate)
                }
            } else if isMoving(place, flights[place], moment, setting) {
                let rate = flights[place].phase == .copyIn ? moment.rateIn : moment.rateOut
                least = min(least, flights[place].setup + flights[place].bytes / rate)
            }
        }
        if moment.headIn >= 0, rivals.inward > 0 {
            least = min(least, rivals.bytesIn / (rivals.inward * rivals.rate))
        }
        if moment.headOut >= 0, rivals.outward > 0 {
            least = min(least, rivals.bytesOut / (rivals.outward * rivals.rate))
        }
        return least
    }

    private static func integrate(
        _ flights: borrowing MutableSpan<Flight>,
        _ logs: inout MutableSpan<FlightLog>,
        _ moment: Moment,
        _ setting: borrowing CourseSetting,
        _ step: Double
    ) {
        let isAlone = moment.running <= 1
        for place in flights.indices where flights[place].phase == .run {
            logs[place].ran += step
            if isAlone { continue }
            let others = moment.others(of: flights[place], setting)
            let features = flights[place].pressure.features(
                beside: others.pressure,
                count: others.count
            )
            for index in features.indices {
                logs[place].integrals[index] += step * features[index]
            }
        }
    }

    private static func advance(
        _ flights: inout MutableSpan<Flight>,
        _ moment: Moment,
        _ setting: borrowing CourseSetting,
        by step: Double
    ) {
        for place in flights.indices {
            if flights[place].phase == .run {
                let left = flights[place].work - step * flights[place].rate
                // What is less than a nanosecond away is there.
                let floor = flights[place].workAfterStage
                flights[place].work = left < floor + 1 ? floor : left
            } else if isMoving(place, flights[place], moment, setting) {
                let rate = flights[place].phase == .copyIn ? moment.rateIn : moment.rateOut
                let start = min(step, flights[place].setup)
                flights[place].setup -= start
                let left = flights[place].bytes - (step - start) * rate
                if left < rate, flights[place].setup < 1 {
                    flights[place].setup = 0
                    flights[place].bytes = 0
                } else {
                    flights[place].bytes = left
                }
            }
        }
    }

    /// Sends a flight whose present phase is over into the next one.
    private static func turn(
        _ flight: inout Flight,
        _ setting: borrowing CourseSetting,
        order: inout Int64,
        at now: Double,
        isForecast: Bool
    ) {
        // In stages, what follows is for the policy to say, and the driver tells it.
        if flight.isStaged, !isForecast { return }
        if flight.phase == .copyIn, !flight.isCopying {
            if flight.ahead > 0 {
                order += 1
                flight.beginCopy(flight.ahead, setup: setting.copy.setup, order: order)
            } else {
                flight.phase = .run
                flight.runBegins = now
            }
        }
        if flight.phase == .run, flight.work <= flight.workAfterStage {
            // Without a copy back only the driver's event says that a run has really ended.
            guard isForecast || flight.outBytes > 0 else { return }
            flight.runEnds = now
            if flight.outBytes > 0 {
                order += 1
                flight.phase = .copyOut
                flight.beginCopy(flight.outBytes, setup: setting.copy.setup, order: order)
            } else {
                flight.phase = .landed
                flight.finish = now
            }
            return
        }
        if flight.phase == .copyOut, !flight.isCopying {
            if flight.ahead > 0 {
                order += 1
                flight.beginCopy(flight.ahead, setup: setting.copy.setup, order: order)
            } else {
                flight.phase = .landed
                flight.finish = now
            }
        }
    }
}
