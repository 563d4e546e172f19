package import ServingDomain

/// Priority and deadlines with a forecast of what a batch will really take beside others.
///
/// High goes first: of the three most urgent queues the one with the least slack, with the largest
/// batch whose safe finish keeps its first deadline and pushes no high batch past its own. Low
/// takes what is left, unless that would keep a slot from high work that is to be expected, or
/// its copies from getting through; waiting earns it credit to be served all the same. With copy
/// engines low work goes in chunks and stages, so that high waits for one chunk at most.
///
/// Source: notes on Strait (arXiv 2604.28175), section 2(c), which is our own design; with
/// `StraitOptions.confluence` also section 5. Cost: at most 12 forecasts per decision.
package struct StraitPolicy: DispatchPolicy {
    package let order = QueueOrder.deadline
    /// The settings.
    package let options: StraitOptions

    /// The devices looked at in this decision; the first `viewCount` are loaded.
    var views: [DeviceView]
    var viewCount = 0
    /// Forecasts that this decision may still make.
    var budget = 0
    /// Nanoseconds of slot time that low priority has earned, and since when.
    var credit: Int64 = 0
    private var creditSince: Int64 = 0
    /// What the cheapest batch that only credit could start still lacks; `max` = there is none.
    var wanted = Int64.max
    /// What it earns per thousand nanoseconds of waiting.
    private(set) var lowShare: Int64 = 100
    private var steered: Int64 = 0

    /// Devices that one decision looks at, and forecasts that it makes.
    static let deviceLimit = 3
    static let forecastLimit = 12
    /// Queues of a class that one decision looks at on a device.
    static let queueLimit = 3
    private static let creditLimit: Int64 = 30_000_000
    private static let steeringSpan: Int64 = 250_000_000

    /// Creates the policy.
    package init(_ options: StraitOptions = .strait) {
        self.options = options
        views = (0..<Self.deviceLimit).map { _ in DeviceView() }
    }

    package var forecastOptions: ForecastOptions {
        var forecast = options.forecast
        forecast.isAsked = true
        forecast.missTarget = options.target
        return forecast
    }

    package func refuses(
        _ arrival: Arrival,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Refusal? {
        guard let deadline = arrival.deadline,
            let least = forecast.bestCase(model: arrival.model, items: arrival.items, at: now)
        else { return nil }
        return now + least > deadline ? .hopeless : nil
    }

    package func lastStart(
        of request: RequestRecord,
        at now: Instant,
        using forecast: borrowing Forecast
    ) -> Instant {
        guard request.deadline != .distantFuture else { return .distantFuture }
        var least = forecast.bestCase(model: request.model, items: request.items, at: now)
        if options.dropsEarly, request.priority == .low {
            least = forecast.shortestLatency(
                model: request.model,
                items: request.items,
                at: now
            )
        }
        return request.deadline - (least ?? .zero)
    }

    package mutating func next(
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Choice {
        earn(at: now, in: state)
        steer(at: now, using: forecast)
        budget = Self.forecastLimit
        viewCount = 0
        wanted = .max
        switch high(at: now, in: state, using: forecast) {
        case .act(let choice): return choice
        case .wait: return .hold(until: nil)
        case .nothing: break
        }
        if let choice = resumed(at: now, in: state, using: forecast) { return choice }
        if let pick = low(at: now, in: state, using: forecast) {
            credit -= pick.credit
            return .start(pick.launch)
        }
        guard wanted < .max else { return .hold(until: nil) }
        // Low work waits for credit, which no event will announce.
        return .hold(until: now + TimeSpan(nanoseconds: wanted * 1_000 / lowShare + 1_000))
    }

    // MARK: Credit and price

    /// Waiting low work earns a part of the time; what it has is kept up to a limit.
    private mutating func earn(at now: Instant, in state: borrowing DispatchState) {
        let passed = now.nanoseconds - creditSince
        creditSince = now.nanoseconds
        guard options.hasCredit, passed > 0, state.waitsLow else { return }
        let earned = min(passed, Self.creditLimit * 10) * lowShare / 1_000
        credit = min(Self.creditLimit, credit + earned)
    }

    /// Where high priority misses more than the operator allows, low earns less, else slowly more.
    private mutating func steer(at now: Instant, using forecast: borrowing Forecast) {
        guard now.nanoseconds - steered >= Self.steeringSpan else { return }
        steered = now.nanoseconds
        if forecast.violations.high > options.target {
            lowShare = max(10, lowShare * 7 / 10)
        } else {
            lowShare = min(300, lowShare + 10)
        }
    }

    // MARK: Devices

    /// The view of a device, loaded if need be.
    mutating func view(
        of device: DeviceID,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Int {
        for place in 0..<viewCount where views.span[place].device == device.index {
            return place
        }
        let place = min(viewCount, views.count - 1)
        viewCount = place + 1
        var setting = forecast.setting(of: device)
        if options.expectsArrivals { forecast.expect(&setting, on: device, in: state) }
        views[place].load(device, setting, at: now, using: forecast)
        return place
    }

    /// Whether a gpulet is busy and its most urgent high request makes its deadline, by forecast,
    /// when it waits until all that runs on the device is through. Who can't wait starts beside
    /// others: late is what waiting would make it for sure.
    private func canWaitAlone(
        on gpulet: GpuletID,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> Bool {
        let node = state.firstReady(gpulet, .high)
        guard state.gpulets[gpulet.position].running > 0, node >= 0 else { return false }
        let lane = state.lanes[Int(node >> 1)]
        let head = state.head(of: QueueID(lane.model, .high))
        let device = state.gpulets[gpulet.position].device
        guard head >= 0, state.requests[Int(head)].deadline != .distantFuture,
            let alone = forecast.solo(row: lane.row, items: state.requests[Int(head)].items)
        else { return true }
        let wait = min(1e15, forecast.traffic[device.position].backlog + alone)
        return now + TimeSpan(nanoseconds: Int64(wait)) <= state.requests[Int(head)].deadline
    }

    /// Up to three gpulets that have a free slot and a ready lane of a class, those whose devices
    /// have the least to do first; -1 = no more.
    func gpulets(
        for priority: PriorityClass,
        at now: Instant,
        in state: borrowing DispatchState,
        using forecast: borrowing Forecast
    ) -> InlineArray<3, Int32> {
        var found = InlineArray<3, Int32>(repeating: -1)
        var loads = InlineArray<3, Double>(repeating: .infinity)
        var gpulet = state.candidate(from: 0)
        while let present = gpulet {
            gpulet = state.candidate(from: present.index + 1)
            guard state.firstReady(present, priority) >= 0 else { continue }
            let device = state.gpulets[present.position].device
            // Where high priority is to run alone, it waits for that, and low waits behind it.
            if forecast.isSafeMode(on: device),
                canWaitAlone(on: present, at: now, in: state, using: forecast)
            {
                continue
            }
            var load = forecast.traffic[device.position].backlog
            var id = present.index
            for place in 0..<3 where load < loads[place] || found[place] < 0 {
                (load, loads[place]) = (loads[place], load)
                (id, found[place]) = (found[place], id)
                if id < 0 { break }
            }
        }
        return found
    }
}

/// A batch that could start.
struct Pick {
    var launch: Launch
    /// From its safe finish to its first deadline, in nanoseconds; the least goes first.
    var slack: Double
    /// When it should be through, safely.
    var safe = Instant.distantFuture
    /// What it costs high batches.
    var harm = 0.0
    /// The credit that it takes.
    var credit: Int64 = 0
    /// Requests in time per second of a slot.
    var value = 0.0
}

/// What is to be done about high priority.
enum HighMove {
    case act(Choice)
    /// Every choice would harm high work in flight: keep the slot.
    case wait
    case nothing
}
