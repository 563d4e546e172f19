package import ServingDomain

/// What is learned from a batch that has ended, and how good its prediction was.
extension Forecast {
    /// Predicts a launch, to be held against what comes of it.
    mutating func predict(_ place: Int, _ device: Int, _ stage: Stage, at now: Instant) {
        switch stage {
        case .whole: break
        case .run(let part): guard part.lowerBound == 0 else { return }
        case .copyIn, .copyOut: return
        }
        let id = DeviceID(Int32(device))
        outlook.load(traffic, at: device, setting(of: id), at: now)
        outlook.see()
        let future = outlook.future[place]
        var pressure = Pressure.none
        var company = 0
        for other in traffic[device].flights.indices
        where other != place
            && traffic[device].flights[other].presses(future.isHigh, traffic[device].preemptsLow)
        {
            pressure += traffic[device].flights[other].pressure
            company += 1
        }
        let snapshot = future.pressure.features(beside: pressure, count: Double(company))
        traffic[device].flights[place].margin = safety(
            of: future,
            on: id,
            company: company,
            snapshot
        )
        traffic[device].logs[place].predictedAt = now.nanoseconds
        traffic[device].logs[place].runBegins = now.nanoseconds + Self.whole(future.runBegins)
        traffic[device].logs[place].runEnds = now.nanoseconds + Self.whole(future.runEnds)
        traffic[device].logs[place].finish = now.nanoseconds + Self.whole(future.finish)
        traffic[device].logs[place].company = min(3, company)
        traffic[device].logs[place].snapshot = snapshot
    }

    private static func whole(_ span: Double) -> Int64 {
        span.isFinite ? Int64(min(max(0, span), 1e15).rounded()) : 0
    }

    /// Takes note that a batch ended with results; learns from it unless its times can't be.
    ///
    /// - Returns: What all its stages took together; nil where it was not followed.
    package mutating func ended(batch: Int32, _ times: StageTimes, at now: Instant) -> TimeSpan? {
        guard let (device, place) = find(batch) else { return nil }
        advance(device, to: now)
        let flight = traffic[device].flights[place]
        learnCopy(flight, traffic[device].logs[place], times, device)
        count(times, at: place, on: device)
        let log = traffic[device].logs[place]
        traffic[device].remove(at: place)
        deviceOfBatch[Int(batch)] = -1
        let run = Double(log.running)
        if run > 0, run < flight.solo * 100, flight.solo > 0 {
            learnRun(flight, log, run: run, kind: traffic[device].kind, at: now)
        }
        compare(flight, log, times, kind: traffic[device].kind, at: now)
        return TimeSpan(nanoseconds: log.busy)
    }

    private mutating func learnCopy(
        _ flight: Flight,
        _ log: FlightLog,
        _ times: StageTimes,
        _ device: Int
    ) {
        guard !flight.isStaged, !log.hadRivalCopy, traffic[device].copy.engines > 1 else { return }
        _ = traffic[device].copy.learn(
            bytes: rows[Int(flight.row)].inputBytes * Int64(flight.items),
            span: times.copyInEnded - times.copyInBegan,
            inward: true
        )
    }

    /// A run alone tells how far the profile is off; a run in company, what company costs.
    private mutating func learnRun(
        _ flight: Flight,
        _ log: FlightLog,
        run: Double,
        kind: Int,
        at now: Instant
    ) {
        let row = Int(flight.row)
        guard log.ran > 0, let solo = solo(row: flight.row, items: flight.items) else { return }
        var mean = Features(repeating: 0)
        for index in mean.indices { mean[index] = log.integrals[index] / log.ran }
        guard mean.magnitude >= 1e-3 else {
            let alone = rows[row].alone
            let sample = min(run / solo * alone, alone * 2)
            rows[row].alone = min(16, max(1.0 / 16, alone + (sample - alone) / 8))
            return
        }
        let learner = kind * 2 + (flight.isHigh ? 0 : 1)
        let floor = learners[learner].floor(beside: mean[9])
        let learned = solo / max(floor, min(1, 1 - learners[learner].loss(mean)))
        // What a fit made off line says: neither weights nor the profile follow.
        let base = Double(rows[row].base[Int(flight.items)])
        let fixed = base / max(0.2, min(1, 1 - learners[learner].initial.dot(mean)))
        let snapshot = solo / max(floor, min(1, 1 - learners[learner].loss(log.snapshot)))
        let isPredicted = log.predictedAt >= 0
        self.log.note(at: now.nanoseconds) { window in
            window.learned.note(predicted: learned, actual: run)
            window.fixed.note(predicted: fixed, actual: run)
            window.solo.note(predicted: solo, actual: run)
            if isPredicted { window.snapshot.note(predicted: snapshot, actual: run) }
        }
        learners[learner].learn(mean, loss: 1 - solo / run)
    }

    /// Holds the prediction made at launch against what came.
    private mutating func compare(
        _ flight: Flight,
        _ log: FlightLog,
        _ times: StageTimes,
        kind: Int,
        at now: Instant
    ) {
        guard log.predictedAt >= 0 else { return }
        let actual = Double(times.copyOutEnded.nanoseconds &- log.predictedAt)
        let predicted = Double(log.finish - log.predictedAt)
        guard predicted > 0, actual > 0, actual < predicted * 100 else {
            ignoredSamples += 1
            return
        }
        let error = (actual - predicted) / predicted
        let isHigh = flight.isHigh
        margins[(kind * 2 + (isHigh ? 0 : 1)) * 4 + log.company].learn(error)
        if isHigh { watches[kind].note(isShort: 1 + error > (1 + flight.margin) * 1.1) }
        let begun = Double(times.runBegan.nanoseconds &- log.predictedAt)
        let run = Double(log.running)
        let isWhole = !flight.isStaged
        self.log.note(at: now.nanoseconds) { window in
            if isHigh {
                window.high.note(predicted: predicted, actual: actual)
            } else {
                window.low.note(predicted: predicted, actual: actual)
            }
            if isWhole, begun > 0 {
                let predictedBegin = Double(log.runBegins - log.predictedAt)
                window.transfer.note(predicted: predictedBegin, actual: begun)
            }
            window.run.note(predicted: Double(log.runEnds - log.runBegins), actual: run)
        }
    }

    // MARK: Arrivals and ends

    /// Takes note of an arrival.
    mutating func arrived(_ arrival: Arrival, at now: Instant) {
        let allowance = arrival.deadline.map { ($0 - now).nanoseconds } ?? 0
        demand.note(arrival.model, arrival.priority, allowance: allowance, at: now.nanoseconds)
    }

    /// Takes note how a request ended that had been admitted.
    mutating func ended(_ request: RequestRecord, isViolation: Bool) {
        guard request.deadline != .distantFuture else { return }
        violations.note(request.priority, isViolation: isViolation)
    }

    /// Raises the safety of high forecasts while high priority misses more than it may, and
    /// lowers it slowly while not; at most four times a second.
    mutating func steer(at now: Instant) {
        guard options.isAsked, options.isSteered, now.nanoseconds - steered >= 250_000_000 else {
            return
        }
        steered = now.nanoseconds
        let isMissing = violations.high > options.missTarget
        for place in margins.indices where place / 4 % 2 == 0 {
            let target = margins[place].target + (isMissing ? 0.01 : -0.002)
            margins[place].target = min(0.98, max(0.90, target))
        }
    }
}
