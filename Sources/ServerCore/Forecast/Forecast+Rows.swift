package import ServingDomain

/// What a row takes from a model's profile, and what it says about one batch by itself.
extension Forecast {
    /// Makes room for what is learned about a device.
    mutating func open(_ device: DeviceSpec, _ contention: [PlanInputs.KindContention]) {
        let kind: Int
        if let known = kinds.firstIndex(of: device.kind) {
            kind = known
        } else {
            kind = kinds.count
            kinds.append(device.kind)
            let known = contention.first { $0.kind == device.kind }?.model
            let learner = known.map { LossLearner($0) } ?? .prior
            learners += [learner, learner]
            for target in [options.highTarget, options.lowTarget] {
                margins += Array(
                    repeating: QuantileMargin(target: target, value: 0.1 * target),
                    count: 4
                )
            }
            watches.append(UnderPrediction())
        }
        traffic.append(DeviceTraffic(device, kind: kind))
    }

    /// Takes over what `spec` says about the model on the row's kind and units. Control only.
    func fill(_ row: inout Row, _ spec: ModelSpec) {
        row.base = []
        row.tail = []
        row.pressures = []
        row.inputBytes = spec.inputBytes
        row.outputBytes = spec.outputBytes
        row.weight = max(0.001, Double(spec.weightMilli) / 1_000)
        let profile = spec.profile(on: row.kind)
        row.segments = max(1, profile?.segments ?? 1)
        guard let surface = spec.surface(on: row.kind),
            let largest = surface.largestBatch(units: row.units)
        else { return }
        let device = kinds.firstIndex(of: row.kind).flatMap { kind in
            traffic.first { $0.kind == kind }
        }
        let fraction = min(1, Double(row.units) / Double(max(1, device?.units ?? row.units)))
        row.base.append(-1)
        row.tail.append(-1)
        row.pressures.append(.none)
        for batch in 1...max(1, min(largest, spec.maxBatch)) {
            let latency = surface.latency(batch: batch, units: row.units)
            row.base.append(latency?.nanoseconds ?? -1)
            row.tail.append(surface.p99(batch: batch, units: row.units)?.nanoseconds ?? -1)
            let busy = profile?.utilization(batch: batch)
            row.pressures.append(busy.map { Pressure($0, fraction: fraction) } ?? .none)
        }
        if options.keepsTimes, row.recent == nil {
            row.recent = RecentTimes(largest: row.base.count - 1)
        }
    }

    // MARK: Questions (no allocation)

    /// Nanoseconds that a run of `items` on `row` takes alone; nil where nothing was profiled.
    package func solo(row: Int32, items: Int32) -> Double? {
        guard row >= 0, items >= 1, Int(items) < rows[Int(row)].base.count else { return nil }
        let base = rows[Int(row)].base[Int(items)]
        return base < 0 ? nil : Double(base) * rows[Int(row)].alone
    }

    /// The most items, at most `limit`, whose run takes at most `span` nanoseconds alone; 0 if
    /// none do.
    package func largestAlone(row: Int32, within span: Double, limit: Int32) -> Int32 {
        guard row >= 0 else { return 0 }
        let alone = rows[Int(row)].alone
        var items = min(Int(limit), rows[Int(row)].base.count - 1)
        while items > 0 {
            let base = rows[Int(row)].base[items]
            if base >= 0, Double(base) * alone <= span { return Int32(items) }
            items -= 1
        }
        return 0
    }

    /// Nanoseconds that one item of `model` needs on `device` beside others; nil where nothing
    /// is known.
    package func need(
        of model: ModelID,
        on device: DeviceID,
        beside pressure: Pressure,
        _ company: Int
    ) -> Double? {
        let row = fastest[model.position]
        guard row >= 0, let solo = solo(row: row, items: 1) else { return nil }
        let learner = traffic[device.position].kind * 2
        let loss =
            options.hasInterference
            ? rows[Int(row)].pressures[1].loss(
                beside: pressure,
                count: Double(company),
                weights: learners[learner].weights
            ) : 0
        let copy = traffic[device.position].copy
        return solo / min(1, max(0.2, 1 - loss))
            + copy.time(bytes: Double(rows[Int(row)].inputBytes), inward: true)
            + copy.time(bytes: Double(rows[Int(row)].outputBytes), inward: false)
    }

    /// What a model on `row` counts beside others of its class; 1 is usual.
    package func weight(row: Int32) -> Double { row < 0 ? 1 : rows[Int(row)].weight }

    /// Pieces that a run on `row` can be cut into.
    package func segments(row: Int32) -> Int32 { row < 0 ? 1 : rows[Int(row)].segments }

    /// How a batch of `items` on `row` goes over `device`.
    package func stagePlan(row: Int32, items: Int32, device: DeviceID) -> StagePlan {
        let engines = traffic[device.position].copy.engines
        guard row >= 0 else {
            return StagePlan(inputBytes: 0, outputBytes: 0, segments: 1, copyEngines: engines)
        }
        return StagePlan(
            inputBytes: rows[Int(row)].inputBytes * Int64(items),
            outputBytes: rows[Int(row)].outputBytes * Int64(items),
            segments: rows[Int(row)].segments,
            copyEngines: engines
        )
    }

    /// The least time from launch to finish of `items` on `row` of `device`, copies included,
    /// with nothing else under way.
    package func bestCase(row: Int32, items: Int32, device: DeviceID) -> TimeSpan? {
        guard let run = solo(row: row, items: items) else { return nil }
        let copy = traffic[device.position].copy
        let bytes = Double(items)
        let span =
            run + copy.time(bytes: Double(rows[Int(row)].inputBytes) * bytes, inward: true)
            + copy.time(bytes: Double(rows[Int(row)].outputBytes) * bytes, inward: false)
        return TimeSpan(nanoseconds: Int64(min(span, 9e18).rounded()))
    }

    /// The best case of `items` of `model` on its fastest units; nil where nothing is known or
    /// nothing has been confirmed lately.
    package func bestCase(model: ModelID, items: Int32, at now: Instant) -> TimeSpan? {
        let row = fastest[model.position]
        guard isConfirmed(row: row, at: now) else { return nil }
        guard let kind = kinds.firstIndex(of: rows[Int(row)].kind),
            let device = traffic.firstIndex(where: { $0.kind == kind })
        else { return latency(row: row, items: items, at: now) }
        return bestCase(row: row, items: items, device: DeviceID(Int32(device)))
    }

    /// The largest of the last ten times of `items` on `row`, else the profile's 99th
    /// percentile, else its median (the rule of `clockwork`).
    package func worstOfLast(row: Int32, items: Int32, at now: Instant) -> TimeSpan? {
        guard row >= 0, items >= 1, Int(items) < rows[Int(row)].base.count else { return nil }
        if let worst = rows[Int(row)].recent?.worst(items: items) { return worst }
        let tail = rows[Int(row)].tail[Int(items)]
        if tail >= 0 { return TimeSpan(nanoseconds: tail) }
        return latency(row: row, items: items, at: now)
    }

    /// The same on the model's fastest units.
    package func worstOfLast(model: ModelID, items: Int32, at now: Instant) -> TimeSpan? {
        let row = fastest[model.position]
        return isConfirmed(row: row, at: now) ? worstOfLast(row: row, items: items, at: now) : nil
    }
}
