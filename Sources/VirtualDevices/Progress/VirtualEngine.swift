import ServingDomain

/// What runs on one device, and how far each stage is.
struct VirtualEngine: Sendable {
    private var jobs: [Int32] = []
    private var stages: [RunningStage] = []
    /// Nanoseconds that are left of each if alone.
    private var left: [Double] = []
    private var rates: [Double] = []
    /// The row of each, for what its siblings cost.
    private var rowNumbers: [Int32] = []
    private var updated = Instant.zero
    private var first = -1
    private var busy: Int64 = 0
    private var occupied = 0.0
    private var fraction = 0.0

    /// 1 = as profiled; less = slower.
    var speed = 1.0
    /// When the next stage ends; `distantFuture` = none does.
    private(set) var next = Instant.distantFuture

    /// How many stages run.
    var count: Int { jobs.count }

    /// Brings everything to `now`.
    mutating func advance(to now: Instant) {
        let passed = (now - updated).nanoseconds
        updated = now
        guard passed > 0, !jobs.isEmpty else { return }
        let span = Double(passed)
        for place in left.indices { left[place] -= span * rates[place] }
        busy += passed
        occupied += span * fraction
    }

    mutating func add(_ job: Int32, _ stage: RunningStage, row: Int32, work: Double) {
        jobs.append(job)
        stages.append(stage)
        left.append(work)
        rates.append(0)
        rowNumbers.append(row)
    }

    /// Takes the stage out that ends first.
    mutating func removeFirst() -> Int32 {
        let job = jobs[first]
        remove(at: first)
        return job
    }

    mutating func remove(_ job: Int32) {
        guard let place = jobs.firstIndex(of: job) else { return }
        remove(at: place)
    }

    /// The others keep their order, so that equal ends come in the order of begin.
    private mutating func remove(at place: Int) {
        jobs.remove(at: place)
        stages.remove(at: place)
        left.remove(at: place)
        rowNumbers.remove(at: place)
        rates.removeLast()
    }

    /// Sets all rates anew and finds what ends first.
    ///
    /// - Precondition: `advance` was called for now.
    mutating func judge(_ truth: any TrueContention, copies: Int32, _ rows: [VirtualRow]) {
        first = -1
        next = .distantFuture
        fraction = 0
        guard !jobs.isEmpty else { return }
        truth.progress(of: stages, copies: copies, into: &rates)
        var least = Double.infinity
        for place in stages.indices {
            if stages[place].knowsSiblings { judgeSiblings(place, rows) }
            fraction += stages[place].load.fraction
            let rate = min(1, rates[place]) * speed
            rates[place] = rate
            guard rate > 0 else { continue }
            let span = max(0, left[place]) / rate
            if span < least {
                least = span
                first = place
            }
        }
        fraction = min(1, fraction)
        guard first >= 0, least < 9e18 else { return }
        next = updated + TimeSpan(nanoseconds: Int64(least.rounded(.up)))
    }

    private mutating func judgeSiblings(_ place: Int, _ rows: [VirtualRow]) {
        var count: Int32 = 0
        let stage = stages[place]
        for other in stages.indices where stages[other].lane == stage.lane { count += 1 }
        guard count > 1 else { return }
        let row = Int(rowNumbers[place])
        rates[place] *= rows[row].progress(items: stage.load.batch, beside: count)
    }

    /// What has been used up to `now`.
    func usage(at now: Instant) -> DeviceUsage {
        var usage = DeviceUsage()
        let rest = jobs.isEmpty ? 0 : max(0, (now - updated).nanoseconds)
        usage.busy = TimeSpan(nanoseconds: busy + rest)
        usage.occupied = TimeSpan(
            nanoseconds: Int64((occupied + Double(rest) * fraction).rounded())
        )
        return usage
    }
}
