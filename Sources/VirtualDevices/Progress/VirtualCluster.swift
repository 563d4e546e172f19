public import ServingDomain

/// Devices that exist as arithmetic: copies, runs and memory, event by event.
///
/// A stage that begins is a job: its copy in, its run and its copy out follow each other. While
/// it runs, its rate of progress depends on what else runs on the device, and changes whenever
/// that set does; the work itself is conserved, so a batch that needs 10 ms alone and meets a
/// co-runner that halves its rate after 4 ms takes 16 ms.
///
/// Cost per change: O(stages on the device) and one question to its truth; no allocation in
/// steady state. Times are whole nanoseconds, rounded up.
public struct VirtualCluster: ~Copyable, Sendable {
    /// No job.
    public static let none: Int32 = -1

    /// The devices.
    public let devices: [DeviceSpec]
    /// Memory, by device.
    public internal(set) var memories: [VirtualMemory]

    let truths: [any TrueContention]
    var models: [ModelTruth]
    var noises: [LatencyNoise]
    let seed: UInt64
    var rows: [VirtualRow] = []
    var jobs: [VirtualJob] = []
    var free: [Int32] = []
    var engines: [VirtualEngine]
    var fabric: CopyFabric
    var points: Tournament

    /// Creates idle devices.
    ///
    /// - Parameters:
    ///   - devices: In order of their identifiers.
    ///   - models: In order of theirs.
    ///   - truths: One per device: what really happens when stages run side by side.
    ///   - seed: Of the noise.
    public init(
        devices: [DeviceSpec],
        models: [ModelTruth],
        truths: [any TrueContention],
        seed: UInt64
    ) {
        precondition(truths.count == devices.count)
        self.devices = devices
        self.models = models
        self.seed = seed
        self.truths = truths
        memories = devices.map { VirtualMemory(of: $0, models: models.count) }
        noises = models.enumerated().map { place, model in
            Self.noise(of: model, at: place, seed: seed)
        }
        engines = devices.map { _ in VirtualEngine() }
        fabric = CopyFabric(devices: devices)
        points = Tournament(sources: devices.count + fabric.linkCount)
    }

    /// Makes another model known, for devices whose models come and go.
    ///
    /// - Returns: Its number.
    public mutating func add(_ model: ModelTruth) -> ModelID {
        noises.append(Self.noise(of: model, at: models.count, seed: seed))
        models.append(model)
        for device in memories.indices { memories[device].addModel() }
        return ModelID(Int32(models.count - 1))
    }

    /// How many models are known.
    public var modelCount: Int { models.count }

    package static func noise(of model: ModelTruth, at place: Int, seed: UInt64) -> LatencyNoise {
        LatencyNoise(
            seed: seed &+ UInt64(place &+ 1) &* 0xD134_2543_DE82_EF95,
            spread: model.spread
        )
    }

    // MARK: Questions

    /// When something ends or changes next; `distantFuture` = never.
    public var next: Instant { points.earliest }

    /// What `job` is and how far it has come.
    public func job(_ job: Int32) -> VirtualJob { jobs[Int(job)] }

    /// The busy time of `device` up to `now`.
    public func usage(of device: DeviceID, at now: Instant) -> DeviceUsage {
        engines[device.position].usage(at: now)
    }

    /// How a batch of `items` on `row` is cut into stages.
    public func stagePlan(row: Int32, items: Int32, on device: DeviceID) -> StagePlan {
        let model = models[rows[Int(row)].model.position]
        return StagePlan(
            inputBytes: model.inputBytes * Int64(items),
            outputBytes: model.outputBytes * Int64(items),
            segments: rows[Int(row)].segments,
            copyEngines: devices[device.position].copyEngines
        )
    }

    /// What a run of `items` takes alone and without noise; nil beyond the profile.
    public func latency(row: Int32, items: Int32) -> TimeSpan? {
        guard items >= 1, Int(items) < rows[Int(row)].base.count else { return nil }
        let base = rows[Int(row)].base[Int(items)]
        return base < 0 ? nil : TimeSpan(nanoseconds: Int64(base))
    }

    // MARK: Rows (may allocate)

    /// The row of `model` on `units` of `device`, looked up once; nil where it can't run.
    public mutating func row(of model: ModelID, on device: DeviceID, units: Int32) -> Int32? {
        let spec = devices[device.position]
        let known = rows.firstIndex {
            $0.model == model && $0.units == units && $0.kind == spec.kind
        }
        if let known { return Int32(known) }
        guard let profile = models[model.position].profile(on: spec.kind),
            let row = VirtualRow(model, profile, units: units, of: spec)
        else { return nil }
        rows.append(row)
        return Int32(rows.count - 1)
    }

    /// Takes memory for an instance; false where it doesn't fit.
    public mutating func reserve(_ model: ModelID, on device: DeviceID, batch: Int32) -> Bool {
        let need = footprint(model, device)
        return memories[device.position].reserve(model, need, batch: batch)
    }

    /// Gives an instance's memory back.
    public mutating func release(_ model: ModelID, on device: DeviceID, batch: Int32) {
        memories[device.position].release(model, footprint(model, device), batch: batch)
    }

    /// How long an instance takes to load and warm, by whether the weights are there already.
    public func startTime(of model: ModelID, on device: DeviceID, warm: Bool) -> TimeSpan {
        let profile = models[model.position].profile(on: devices[device.position].kind)
        guard let profile else { return .zero }
        return warm ? profile.warmStart : profile.coldStart
    }

    private func footprint(_ model: ModelID, _ device: DeviceID) -> MemoryFootprint {
        let kind = devices[device.position].kind
        return models[model.position].profile(on: kind)?.memory ?? MemoryFootprint()
    }

    // MARK: Jobs

    /// Begins a stage.
    ///
    /// - Returns: Its number, in use until its end is told or it is aborted; nil where the batch
    ///   lies beyond the profile, and nothing begins.
    public mutating func begin(_ order: StageOrder, at now: Instant) -> Int32? {
        let row = Int(order.row)
        guard order.items >= 1, Int(order.items) < rows[row].base.count,
            rows[row].base[Int(order.items)] >= 0
        else { return nil }
        var job = VirtualJob(order, model: rows[row].model, at: now)
        job.work = work(order, row)
        let number: Int32
        if let place = free.popLast() {
            number = place
            jobs[Int(place)] = job
        } else {
            number = Int32(jobs.count)
            jobs.append(job)
            free.reserveCapacity(jobs.count)
        }
        switch order.stage {
        case .whole, .copyIn: copy(number, out: false, at: now)
        case .run: run(number, at: now)
        case .copyOut: copy(number, out: true, at: now)
        }
        return number
    }

    /// Takes a job off its device, however far it has come.
    public mutating func abort(_ job: Int32, at now: Instant) {
        let device = Int(jobs[Int(job)].device)
        switch jobs[Int(job)].phase {
        case .copyIn, .copyOut:
            fabric.cancel(job, device: device, at: now)
            settleLink(of: device)
            copiesChanged(device, at: now)
        case .run:
            engines[device].advance(to: now)
            engines[device].remove(job)
            settle(device)
        case .ended: return
        }
        jobs[Int(job)].phase = .ended
        free.append(job)
    }

    /// The next stage that has ended by `now`, in the order of time; nil = none.
    public mutating func finish(at now: Instant) -> EndedStage? {
        while points.earliest <= now {
            let when = points.earliest
            let source = points.source
            if source < engines.count {
                engines[source].advance(to: when)
                let job = engines[source].removeFirst()
                settle(source)
                if let ended = runEnded(job, at: when) { return ended }
            } else if let ended = linkDue(source - engines.count, at: when) {
                return ended
            }
        }
        return nil
    }

    /// From now on everything on `device` takes `milli` thousandths of its time.
    public mutating func slow(_ device: DeviceID, milli: Int32, at now: Instant) {
        precondition(milli >= 1)
        engines[device.position].advance(to: now)
        engines[device.position].speed = 1_000 / Double(milli)
        settle(device.position)
    }
}

// MARK: - How a job goes on

extension VirtualCluster {
    private func work(_ order: StageOrder, _ row: Int) -> Double {
        guard !order.hangs else { return .infinity }
        let whole: Double
        let noise = noises[rows[row].model.position]
        if noise.spread > 0 {
            whole = rows[row].base[Int(order.items)] * noise.factor(draw: order.draw)
        } else {
            whole = rows[row].base[Int(order.items)]
        }
        guard case .run(let part) = order.stage else { return whole }
        let count = max(1, rows[row].segments)
        return whole * Double(max(0, min(count, part.upperBound) - part.lowerBound)) / Double(count)
    }

    private func copyBytes(_ model: ModelID, _ items: Int32, _ device: Int, out: Bool) -> Int64 {
        guard fabric.moves(device) else { return 0 }
        let one = out ? models[model.position].outputBytes : models[model.position].inputBytes
        return one * Int64(items)
    }

    private mutating func copy(_ job: Int32, out: Bool, at now: Instant) {
        let record = jobs[Int(job)]
        let device = Int(record.device)
        var bytes = copyBytes(record.model, record.items, device, out: out)
        switch record.stage {
        case .copyIn(let chunk), .copyOut(let chunk):
            bytes = min(
                StagePlan.chunkBytes,
                max(0, bytes - Int64(chunk) * StagePlan.chunkBytes)
            )
        case .whole, .run: break
        }
        guard bytes > 0 else { return skipCopy(job, out: out, at: now) }
        jobs[Int(job)].phase = out ? .copyOut : .copyIn
        fabric.enqueue(job, device: device, out: out, bytes: bytes, at: now)
        settleLink(of: device)
        copiesChanged(device, at: now)
    }

    /// Nothing to copy. A stage that is nothing but a copy ends as soon as it is looked for.
    private mutating func skipCopy(_ job: Int32, out: Bool, at now: Instant) {
        switch jobs[Int(job)].stage {
        case .whole: run(job, at: now)
        case .run, .copyIn, .copyOut:
            jobs[Int(job)].work = 0
            jobs[Int(job)].phase = .run
            run(job, at: now)
        }
    }

    private mutating func run(_ job: Int32, at now: Instant) {
        let record = jobs[Int(job)]
        let device = Int(record.device)
        jobs[Int(job)].phase = .run
        jobs[Int(job)].copyInEnded = now
        let row = Int(record.row)
        let load = ContentionLoad(
            model: record.model,
            batch: record.items,
            utilization: rows[row].utilization[Int(record.items)],
            fraction: rows[row].fraction,
            priority: record.priority
        )
        let stage = RunningStage(
            load: load,
            lane: record.lane,
            knowsSiblings: rows[row].knowsSiblings
        )
        engines[device].advance(to: now)
        engines[device].add(job, stage, row: record.row, work: record.work)
        settle(device)
    }

    /// A run has ended: the copy out follows, or the stage ends.
    private mutating func runEnded(_ job: Int32, at now: Instant) -> EndedStage? {
        jobs[Int(job)].runEnded = now
        let record = jobs[Int(job)]
        if case .whole = record.stage,
            copyBytes(record.model, record.items, Int(record.device), out: true) > 0
        {
            copy(job, out: true, at: now)
            return nil
        }
        return ended(job, at: now)
    }

    private mutating func linkDue(_ link: Int, at now: Instant) -> EndedStage? {
        let job = fabric.finish(link, at: now)
        points.set(engines.count + link, at: fabric.next(of: link))
        guard let job else { return nil }
        copiesChanged(Int(jobs[Int(job)].device), at: now)
        switch (jobs[Int(job)].phase, jobs[Int(job)].stage) {
        case (.copyIn, .whole):
            run(job, at: now)
            return nil
        case (.copyIn, _):
            jobs[Int(job)].copyInEnded = now
            jobs[Int(job)].runEnded = now
            return ended(job, at: now)
        default: return ended(job, at: now)
        }
    }

    private mutating func ended(_ job: Int32, at now: Instant) -> EndedStage {
        jobs[Int(job)].phase = .ended
        let record = jobs[Int(job)]
        free.append(job)
        return EndedStage(
            job: job,
            batch: record.batch,
            at: now,
            began: record.began,
            copyInEnded: record.copyInEnded,
            runEnded: record.runEnded
        )
    }

    // MARK: Rates

    private mutating func settleLink(of device: Int) {
        let link = fabric.link(of: device)
        points.set(engines.count + link, at: fabric.next(of: link))
    }

    private mutating func copiesChanged(_ device: Int, at now: Instant) {
        guard truths[device].feelsCopies, engines[device].count > 0 else { return }
        engines[device].advance(to: now)
        settle(device)
    }

    /// Asks the truth for the rates of what runs on `device`, and notes what ends first.
    private mutating func settle(_ device: Int) {
        engines[device].judge(truths[device], copies: fabric.active(on: device), rows)
        points.set(device, at: engines[device].next)
    }
}
