import ServingDomain

/// One device as a policy sees it during one decision: its outlook, and who must not be harmed.
struct DeviceView: Sendable {
    /// What one more batch would mean.
    struct Verdict {
        /// When it would be through: as forecast, and safely.
        var finish = Instant.distantFuture, safe = Instant.distantFuture
        /// Whether a high batch that makes its deadline now would not.
        var harms = false
        /// Lost slack over slack, summed over the high batches on the device.
        var harm = 0.0
        /// Nanoseconds until a slot of the gpulet is free again.
        var firstFree = 0.0
        /// How many batches on the device cost it something.
        var company = 0
    }

    /// The device; -1 = none loaded.
    var device: Int32 = -1
    /// What is on it.
    var outlook = Outlook()
    /// The end of each batch on it without one more, safely; only those of class high count.
    private var safe: [Instant] = []
    private var isJudged = false
    /// Nanoseconds that a high request of each active model could wait, and its mean gap.
    private(set) var rooms: [(model: ModelID, room: Double, gap: Double)] = []
    /// The least of those rooms; infinite without high requests.
    private(set) var leastRoom = Double.infinity
    private var hasRooms = false

    init() {
        safe.reserveCapacity(DeviceTraffic.capacity + 1)
        rooms.reserveCapacity(64)
    }

    /// Takes over a device.
    mutating func load(
        _ device: DeviceID,
        _ setting: consuming CourseSetting,
        at now: Instant,
        using forecast: borrowing Forecast
    ) {
        self.device = device.index
        outlook.load(forecast.traffic, at: device.position, setting, at: now)
        isJudged = false
        hasRooms = false
    }

    /// Forecasts the device as it is, once per decision.
    private mutating func judge() {
        guard !isJudged else { return }
        isJudged = true
        safe.empty()
        var hasHigh = false
        for place in outlook.present.indices where outlook.present[place].isHigh { hasHigh = true }
        guard hasHigh else {
            for _ in outlook.present.indices { safe.append(.distantFuture) }
            return
        }
        outlook.see()
        for place in outlook.present.indices {
            safe.append(outlook.safeFinish(at: place, margin: outlook.present[place].margin))
        }
    }

    /// Weighs a batch that would begin now on `gpulet`.
    ///
    /// One question for all of it: a view has much in it to copy, which a call that changes
    /// nothing may do.
    mutating func weigh(
        _ candidate: Flight,
        on gpulet: GpuletID,
        using forecast: borrowing Forecast
    ) -> Verdict {
        let company = outlook.company(of: candidate)
        // The part of its time that its forecast may be short of beside them.
        let safety = forecast.safety(
            of: candidate,
            on: DeviceID(device),
            company: company,
            outlook.features(of: candidate)
        )
        judge()
        outlook.see(adding: candidate)
        var verdict = verdict(of: outlook.future.count - 1, on: gpulet, safety: safety)
        verdict.company = company
        return verdict
    }

    /// Weighs the rest of a batch that stands between two stages.
    mutating func weigh(resuming slot: Int32, on gpulet: GpuletID) -> Verdict? {
        judge()
        guard let place = outlook.see(resuming: slot) else { return nil }
        return verdict(of: place, on: gpulet, safety: outlook.present[place].margin)
    }

    private func verdict(of place: Int, on gpulet: GpuletID, safety: Double) -> Verdict {
        var verdict = Verdict()
        verdict.finish = outlook.finish(at: place)
        verdict.safe = outlook.safeFinish(at: place, margin: safety)
        verdict.firstFree = outlook.future[place].finish
        for other in outlook.present.indices where other != place {
            let flight = outlook.present[other]
            if flight.phase != .held, flight.gpulet == gpulet.index {
                verdict.firstFree = min(verdict.firstFree, outlook.future[other].finish)
            }
            guard flight.isHigh, flight.deadline != .max else { continue }
            let deadline = Instant(nanoseconds: flight.deadline)
            guard safe[other] <= deadline else { continue }
            let then = outlook.safeFinish(at: other, margin: flight.margin)
            if then > deadline { verdict.harms = true }
            let slack = Double(max(1, (deadline - safe[other]).nanoseconds))
            verdict.harm += Double(max(0, (then - safe[other]).nanoseconds)) / slack
        }
        return verdict
    }

    /// How long a high request of each model that has some could wait for a slot of this device
    /// and still make its deadline, beside what is on it.
    mutating func findRooms(at now: Instant, using forecast: borrowing Forecast) {
        guard !hasRooms else { return }
        hasRooms = true
        rooms.empty()
        leastRoom = .infinity
        let id = DeviceID(device)
        var pressure = Pressure.none
        var company = 0
        for place in outlook.present.indices
        where outlook.present[place].presses(true, outlook.setting.preemptsLow) {
            pressure += outlook.present[place].pressure
            company += 1
        }
        let margin = forecast.margin(.high, on: id, company: company)
        for index in forecast.demand.active.indices where rooms.count < rooms.capacity {
            let model = forecast.demand.active[index]
            let allowance = forecast.demand.entries[Int(model)].allowance
            guard allowance != .max,
                let need = forecast.need(of: ModelID(model), on: id, beside: pressure, company)
            else { continue }
            let gap = forecast.demand.gap(of: model, at: now.nanoseconds)
            let room = Double(allowance) - need * (1 + margin)
            rooms.append((ModelID(model), room, gap))
            leastRoom = min(leastRoom, max(0, room))
        }
    }
}
