package import ServingDomain

/// A stage that begins, as the forecast is told.
package struct Takeoff: Sendable {
    /// The batch's place in the core, and its lane's row.
    package var batch: Int32, row: Int32
    /// Where it runs.
    package var device: DeviceID, gpulet: GpuletID
    /// Its items.
    package var items: Int32
    /// Its class.
    package var priority: PriorityClass
    /// The least deadline among its requests.
    package var deadline: Instant
    /// What of it runs now.
    package var stage: Stage
}

/// Following batches from stage to stage.
extension Forecast {
    // MARK: Settings and questions (no allocation)

    /// What holds on `device` now: weights, copies, and what its link's other devices copy.
    package func setting(of device: DeviceID) -> CourseSetting {
        let kind = traffic[device.position].kind * 2
        let uplink = traffic[device.position].uplink
        var setting = CourseSetting(
            high: learners[kind].weights,
            low: learners[kind + 1].weights,
            copy: traffic[device.position].copy
        )
        setting.truth = truth
        setting.preemptsLow = traffic[device.position].preemptsLow
        setting.isNovice = learners[kind].samples + learners[kind + 1].samples < 50
        setting.hasInterference = options.hasInterference
        setting.hasTransfers = options.hasTransfers
        if !options.isLearning {
            setting.high = learners[kind].initial
            setting.low = learners[kind + 1].initial
        }
        if uplink >= 0, setting.copy.uplink > 0 {
            for other in traffic.indices
            where other != device.position && traffic[other].uplink == uplink {
                let inward = traffic[other].copying(inward: true)
                let outward = traffic[other].copying(inward: false)
                if inward.count > 0 { setting.rivals.inward += 1 }
                if outward.count > 0 { setting.rivals.outward += 1 }
                setting.rivals.bytesIn += inward.bytes
                setting.rivals.bytesOut += outward.bytes
                setting.rivals.rate = traffic[other].copy.inward
            }
        }
        return setting
    }

    /// Puts what is to be expected into slots that are free: the usual batch, all of the time
    /// while low work waits, else as often as requests come.
    package func expect(
        _ setting: inout CourseSetting,
        on device: DeviceID,
        in state: borrowing DispatchState
    ) {
        var slots: Int32 = 0
        for place in state.gpulets.indices
        where state.gpulets[place].device == device && state.gpulets[place].state == .open {
            slots += state.gpulets[place].slots
        }
        let typical = traffic[device.position].typicalSolo
        let spacing = 1 / (1 / demand.highGap + 1 / demand.lowGap)
        let load = typical / (spacing * Double(max(1, slots)) * Double(max(1, traffic.count)))
        setting.slots = Double(slots)
        setting.ambient = traffic[device.position].typical
        setting.ambientPart = state.waitsLow ? 0.9 : min(0.9, load)
    }

    /// A batch that might begin on `device`, as a flight.
    package func candidate(
        row: Int32,
        items: Int32,
        priority: PriorityClass,
        device: DeviceID,
        isStaged: Bool
    ) -> Flight? {
        guard let solo = solo(row: row, items: items) else { return nil }
        let copy = traffic[device.position].copy
        var flight = Flight()
        flight.row = row
        flight.items = items
        flight.isHigh = priority == .high
        flight.isStaged = isStaged
        if isStaged { flight.chunk = Double(StagePlan.chunkBytes) }
        flight.model = rows[Int(row)].model
        flight.solo = solo
        flight.work = solo
        if let truth {
            let draw = draws[flight.model.position] + 1
            flight.work *= truth.factor(of: flight.model, draw: draw)
            flight.solo = flight.work
        }
        flight.pressure = rows[Int(row)].pressures[Int(items)]
        if copy.engines > 0 {
            flight.outBytes = Double(rows[Int(row)].outputBytes) * Double(items)
            let bytes = Double(rows[Int(row)].inputBytes) * Double(items)
            if bytes > 0 { flight.beginCopy(bytes, setup: copy.setup, order: 0) }
        }
        if !flight.isCopying { flight.phase = .run }
        return flight
    }

    /// The margin of a class on a device beside `company` others, as a part of the forecast.
    package func margin(_ priority: PriorityClass, on device: DeviceID, company: Int) -> Double {
        guard options.hasMargins else { return 0 }
        let kind = traffic[device.position].kind
        return margins[(kind * 2 + Int(priority.rawValue)) * 4 + min(3, company)].value
    }

    /// What is added to the forecast of `flight` for safety: the tracked quantile, or two
    /// standard deviations of the learner where the mix is new.
    package func safety(
        of flight: borrowing Flight,
        on device: DeviceID,
        company: Int,
        _ features: borrowing Features
    ) -> Double {
        guard options.hasMargins else { return 0 }
        let priority: PriorityClass = flight.isHigh ? .high : .low
        let tracked = margin(priority, on: device, company: company)
        guard company > 0, options.hasInterference, options.isLearning else { return tracked }
        let learner = traffic[device.position].kind * 2 + Int(priority.rawValue)
        let deviation = learners[learner].deviation(features)
        let progress = max(0.2, 1 - learners[learner].loss(features))
        // The cap keeps a learner that knows nothing from stopping all co-location.
        return max(tracked, min(0.3, 2 * deviation / progress))
    }

    /// Whether high priority is to run alone on `device`.
    package func isSafeMode(on device: DeviceID) -> Bool {
        // Where high work takes the units from low work, it is alone already.
        options.hasMargins && !traffic[device.position].preemptsLow
            && watches[traffic[device.position].kind].isSafeMode
    }

    // MARK: Events (no allocation)

    /// Takes note that a stage of a batch was launched.
    package mutating func launched(_ takeoff: Takeoff, at now: Instant) {
        guard Int(takeoff.batch) < deviceOfBatch.count, takeoff.device.position < traffic.count
        else { return }
        let device = takeoff.device.position
        advance(device, to: now)
        if traffic[device].place(of: takeoff.batch) == nil {
            let isFollowed = traffic[device].hasRoom && add(takeoff)
            if takeoff.row >= 0 { draws[rows[Int(takeoff.row)].model.position] &+= 1 }
            guard isFollowed else { return }
        }
        guard let place = traffic[device].place(of: takeoff.batch) else { return }
        begin(takeoff.stage, at: place, on: device)
        if options.isAsked { predict(place, device, takeoff.stage, at: now) }
    }

    private mutating func add(_ takeoff: Takeoff) -> Bool {
        guard
            var flight = candidate(
                row: takeoff.row,
                items: takeoff.items,
                priority: takeoff.priority,
                device: takeoff.device,
                isStaged: takeoff.stage != .whole
            )
        else { return false }
        let device = takeoff.device.position
        flight.batch = takeoff.batch
        flight.gpulet = takeoff.gpulet.index
        flight.deadline = takeoff.deadline.nanoseconds
        traffic[device].order += 1
        flight.order = traffic[device].order
        traffic[device].add(flight)
        deviceOfBatch[Int(takeoff.batch)] = takeoff.device.index
        return true
    }

    /// Sets a flight to the beginning of `stage`.
    private mutating func begin(_ stage: Stage, at place: Int, on device: Int) {
        let flight = traffic[device].flights[place]
        let plan = stagePlan(
            row: flight.row,
            items: flight.items,
            device: DeviceID(Int32(device))
        )
        switch stage {
        case .whole: break
        case .copyIn, .copyOut:
            let bytes = Double(plan.bytes(of: stage))
            traffic[device].order += 1
            let isIn = if case .copyIn = stage { true } else { false }
            traffic[device].flights[place].phase = isIn ? .copyIn : .copyOut
            traffic[device].flights[place].order = traffic[device].order
            traffic[device].flights[place].setup = traffic[device].copy.setup
            traffic[device].flights[place].bytes = bytes
            let rest = Self.rest(after: stage, of: plan)
            traffic[device].flights[place].ahead = rest
        case .run(let part):
            let whole = Double(plan.segments)
            let left = Double(plan.segments - min(part.upperBound, plan.segments)) / whole
            let begun = Double(plan.segments - max(0, part.lowerBound)) / whole
            traffic[device].flights[place].phase = .run
            traffic[device].flights[place].work = flight.solo * begun
            traffic[device].flights[place].workAfterStage = flight.solo * left
        }
        let isCopying = traffic[device].flights[place].phase == .copyIn
        if isCopying {
            let rivals = traffic[device].copying(inward: true).count > 1
            if rivals { traffic[device].logs[place].hadRivalCopy = true }
            for other in traffic[device].flights.indices
            where other != place && traffic[device].flights[other].phase == .copyIn {
                traffic[device].logs[other].hadRivalCopy = true
            }
        }
    }

    /// The bytes of the same direction that are copied after `stage`.
    private static func rest(after stage: Stage, of plan: StagePlan) -> Double {
        switch stage {
        case .copyIn(let chunk):
            Double(max(0, plan.inputBytes - (Int64(chunk) + 1) * StagePlan.chunkBytes))
        case .copyOut(let chunk):
            Double(max(0, plan.outputBytes - (Int64(chunk) + 1) * StagePlan.chunkBytes))
        case .whole, .run: 0
        }
    }

    /// Takes note that a stage ended that was not its batch's last.
    package mutating func stageEnded(batch: Int32, _ times: StageTimes, at now: Instant) {
        guard let (device, place) = find(batch) else { return }
        advance(device, to: now)
        traffic[device].flights[place].phase = .held
        traffic[device].flights[place].setup = 0
        traffic[device].flights[place].bytes = 0
        traffic[device].flights[place].work = traffic[device].flights[place].workAfterStage
        count(times, at: place, on: device)
    }

    /// Takes note that a batch is not on its device any more, and that nothing is to be learned.
    package mutating func gone(batch: Int32, at now: Instant) {
        guard let (device, place) = find(batch) else { return }
        advance(device, to: now)
        traffic[device].remove(at: place)
        deviceOfBatch[Int(batch)] = -1
    }

    /// Where a batch is followed.
    func find(_ batch: Int32) -> (device: Int, place: Int)? {
        guard batch >= 0, Int(batch) < deviceOfBatch.count else { return nil }
        let device = Int(deviceOfBatch[Int(batch)])
        guard device >= 0, let place = traffic[device].place(of: batch) else { return nil }
        return (device, place)
    }

    /// Adds what a stage took to what the batch has taken so far.
    mutating func count(_ times: StageTimes, at place: Int, on device: Int) {
        let total = times.total.nanoseconds
        let run = (times.runEnded - times.runBegan).nanoseconds
        guard total >= 0, run >= 0, total < 1 << 50 else { return }
        traffic[device].logs[place].busy += total
        traffic[device].logs[place].running += run
    }

    /// Brings one device up to now.
    mutating func advance(_ device: Int, to now: Instant) {
        guard now.nanoseconds > traffic[device].clock else { return }
        let setting =
            traffic[device].flights.isEmpty ? idle : self.setting(of: DeviceID(Int32(device)))
        traffic[device].advance(to: now.nanoseconds, setting)
    }

    /// A setting for devices on which nothing is.
    private var idle: CourseSetting { outlook.setting }
}
