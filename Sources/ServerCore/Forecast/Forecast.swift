package import ServingDomain

/// What a batch will take: the profile's medians times a correction learned from what was
/// measured.
///
/// One row per (model, kind of device, units). The correction is a moving mean of measured /
/// profiled over the row's batches: each sample counts an eighth, and at most twice the present
/// correction, so one outlier can't turn a model away. Samples that are zero, negative or beyond
/// 100 times the profile are counted and ignored. A correction above 1 that nothing has
/// confirmed for a second does not count: else a model that is refused because of it could never
/// show that it is faster. What the host takes around batches is learned beside it
/// (`HostTimeLearner`), counts in the same way, and is forgotten as soon.
package struct Forecast: ~Copyable, Sendable {
    /// 1.0 as a correction.
    private static let one: Int64 = 1 << 16
    private static let largestCorrection = one << 4
    private static let smallestCorrection = one >> 4
    private static let memory = TimeSpan.seconds(1)
    private static let trust = TimeSpan.seconds(10)

    struct Row {
        var model: ModelID
        var kind: String
        var units: Int32
        var users: Int32 = 0
        var correction = Forecast.one
        var measured = Instant(nanoseconds: .min)
        /// By items; below 0 = not profiled.
        var base: [Int64] = []
        /// By items: the profiled 99th percentile; below 0 = not known.
        var tail: [Int64] = []
        /// What the host took around them of late, and in the long run.
        var host = HostTimeLearner(), usualHost = HostTimeLearner(memory: 1_024)
        /// Measured / profiled of runs that had the device to themselves.
        var alone = 1.0
        /// By items: what a run presses the device with.
        var pressures: [Pressure] = []
        /// The bytes of one item, and the pieces that a run can be cut into.
        var inputBytes: Int64 = 0, outputBytes: Int64 = 0
        var segments: Int32 = 1
        /// What the model counts beside others of its class.
        var weight = 1.0
        /// The last ten times of each size, where a policy wants them.
        var recent: RecentTimes?
    }

    var rows: [Row] = []
    var fastest: [Int32]
    /// What the policy wants.
    package let options: ForecastOptions
    /// What is on each device.
    package internal(set) var traffic: [DeviceTraffic] = []
    /// The kinds of devices; learned facts are per kind.
    package internal(set) var kinds: [String] = []
    /// What co-runners cost, by kind and class: 2 x kind + class.
    package internal(set) var learners: [LossLearner] = []
    /// What is added for safety, by kind, class and company: 4 x (2 x kind + class) + company.
    package internal(set) var margins: [QuantileMargin] = []
    /// Whether high priority is to run alone, by kind.
    package internal(set) var watches: [UnderPrediction] = []
    /// Who asks with high priority.
    package internal(set) var demand: HighDemand
    /// Who missed a deadline lately.
    package internal(set) var violations = ViolationMeter()
    /// Predictions against what came.
    package internal(set) var log = PredictionLog()
    /// What a simulator knows and nobody else could; nil = nothing.
    package internal(set) var truth: (any ForecastTruth)?
    /// The device of each batch that is followed; -1 = none.
    var deviceOfBatch: [Int32]
    /// Batches launched, by model: the numbers of their draws of chance in a simulation.
    var draws: [UInt64]
    /// When the margins' targets were last changed.
    var steered: Int64 = 0
    /// For the predictions of launches.
    var outlook = Outlook()
    /// Samples that could not be right.
    package internal(set) var ignoredSamples: Int64 = 0

    /// Creates a forecast that has measured nothing.
    ///
    /// - Parameters:
    ///   - models: How many models there may be.
    ///   - batches: How many batches there may be.
    ///   - devices: The devices, in order of their identifiers.
    ///   - contention: What is known beforehand of co-runners, per kind; else the prior.
    ///   - options: What the policy wants.
    package init(
        models: Int,
        batches: Int = 0,
        devices: [DeviceSpec] = [],
        contention: [PlanInputs.KindContention] = [],
        options: ForecastOptions = .plain
    ) {
        self.options = options
        fastest = Array(repeating: -1, count: models)
        deviceOfBatch = Array(repeating: -1, count: batches)
        draws = Array(repeating: 0, count: models)
        demand = HighDemand(models: models)
        for device in devices { open(device, contention) }
    }

    // MARK: Questions (no allocation)

    /// The latency of `items` on the units of `row`, from the launch until the core hears of the
    /// end; nil where nothing was profiled.
    package func latency(row: Int32, items: Int32, at now: Instant) -> TimeSpan? {
        guard row >= 0, items >= 0, Int(items) < rows[Int(row)].base.count else { return nil }
        let base = rows[Int(row)].base[Int(items)]
        guard base >= 0 else { return nil }
        let device = Self.scale(base, by: correction(of: row, at: now))
        return TimeSpan(nanoseconds: device) + hostTime(of: row, at: now).span(items: items)
    }

    /// What the host takes around batches on `row`, where that was seen lately.
    private func hostTime(of row: Int32, at now: Instant) -> HostTime {
        now > rows[Int(row)].measured + Self.memory ? .none : rows[Int(row)].host.line
    }

    /// Whether a batch on `row` has been measured within the last ten seconds.
    ///
    /// Nothing is turned away on the word of an older profile: a warm-up that ran on a busy
    /// machine would otherwise refuse a model for ever, and nothing could prove it wrong.
    package func isConfirmed(row: Int32, at now: Instant) -> Bool {
        row >= 0 && now <= rows[Int(row)].measured + Self.trust
    }

    /// The latency of `items` on the units that run `model` fastest; nil where not known or not
    /// confirmed lately.
    package func shortestLatency(
        model: ModelID,
        items: Int32,
        at now: Instant
    ) -> TimeSpan? {
        let row = fastest[model.position]
        return isConfirmed(row: row, at: now) ? latency(row: row, items: items, at: now) : nil
    }

    /// The most items, at most `limit`, that end within `span`; 0 if none do.
    package func largestBatch(
        row: Int32,
        within span: TimeSpan,
        limit: Int32,
        at now: Instant
    ) -> Int32 {
        guard row >= 0, span >= .zero else { return 0 }
        let known = rows[Int(row)].base.count - 1
        guard known >= 1 else { return 0 }
        let correction = correction(of: row, at: now)
        let host = hostTime(of: row, at: now)
        let allowed = span.nanoseconds - host.fixed.nanoseconds
        let perItem = host.perItem.nanoseconds
        var items = min(Int(limit), known)
        while items > 0 {
            let base = rows[Int(row)].base[items]
            if base >= 0,
                Self.scale(base, by: correction) <= allowed - perItem * Int64(items)
            {
                return Int32(items)
            }
            items -= 1
        }
        return 0
    }

    func correction(of row: Int32, at now: Instant) -> Int64 {
        let present = rows[Int(row)].correction
        guard present > Self.one else { return present }
        let measured = rows[Int(row)].measured
        return now > measured + Self.memory ? Self.one : present
    }

    static func scale(_ base: Int64, by correction: Int64) -> Int64 {
        let (product, overflow) = base.multipliedReportingOverflow(by: correction)
        return overflow ? (base >> 16) &* correction : product >> 16
    }

    // MARK: Learning (no allocation)

    /// Takes note that `items` took `span` on `row`.
    package mutating func learn(row: Int32, items: Int32, span: TimeSpan, at now: Instant) {
        guard row >= 0, items >= 0, Int(items) < rows[Int(row)].base.count else { return }
        let base = rows[Int(row)].base[Int(items)]
        guard base > 0 else { return }
        guard span.nanoseconds > 0, span.nanoseconds / 100 <= base,
            span.nanoseconds < Int64.max >> 16
        else {
            ignoredSamples += 1
            return
        }
        let present = rows[Int(row)].correction
        let sample = min((span.nanoseconds << 16) / base, present * 2)
        let next = present + (sample - present) / 8
        rows[Int(row)].correction = min(
            max(next, Self.smallestCorrection),
            Self.largestCorrection
        )
        rows[Int(row)].measured = now
        rows[Int(row)].recent?.note(items: items, span: span)
    }

    /// Takes note that the host took `span` around a batch of `items` on `row`.
    package mutating func learnHost(row: Int32, items: Int32, span: TimeSpan) {
        guard row >= 0, Int(row) < rows.count else { return }
        rows[Int(row)].host.learn(items: items, span: span)
        rows[Int(row)].usualHost.learn(items: items, span: span)
    }

    // MARK: Control (may allocate)

    /// The row of `model` on `units` of a device of `kind`, made if need be; one more lane
    /// uses it.
    package mutating func claimRow(
        model: ModelID,
        kind: String,
        units: Int32,
        spec: ModelSpec
    ) -> Int32 {
        if let place = rows.firstIndex(where: {
            $0.users > 0 && $0.model == model && $0.units == units && $0.kind == kind
        }) {
            rows[place].users += 1
            return Int32(place)
        }
        var row = Row(model: model, kind: kind, units: units)
        row.users = 1
        fill(&row, spec)
        // The host does the same for every share.
        if let sibling = rows.first(where: {
            $0.users > 0 && $0.model == model && $0.kind == kind
        }) {
            row.host = sibling.host
            row.usualHost = sibling.usualHost
        }
        if let place = rows.firstIndex(where: { $0.users == 0 }) {
            rows[place] = row
            return Int32(place)
        }
        rows.append(row)
        return Int32(rows.count - 1)
    }

    /// One lane less uses `row`.
    package mutating func releaseRow(_ row: Int32) {
        rows[Int(row)].users -= 1
        let model = rows[Int(row)].model
        if rows[Int(row)].users == 0, fastest[model.position] == row {
            fastest[model.position] = -1
        }
    }

    /// Takes over what `spec` says now about its model; corrections stay.
    package mutating func refresh(_ spec: ModelSpec) {
        for place in rows.indices where rows[place].users > 0 && rows[place].model == spec.id {
            var row = rows[place]
            fill(&row, spec)
            rows[place] = row
        }
    }

    /// Says which of `candidates` (rows of lanes that can run) is the fastest for one item.
    package mutating func chooseFastest(model: ModelID, among candidates: [Int32]) {
        var best: Int32 = -1
        var least = Int64.max
        for row in candidates where rows[Int(row)].base.count > 1 {
            let base = rows[Int(row)].base[1]
            if base >= 0, base < least {
                least = base
                best = row
            }
        }
        fastest[model.position] = best
    }
}
