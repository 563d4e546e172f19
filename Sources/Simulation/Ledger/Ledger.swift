public import ServingDomain

/// What came out of a run: how every request ended, when, and what the devices did meanwhile.
///
/// Requests that came during the warm-up, or never came to an end of the load, do not count.
/// Times are from the begin of the load.
public struct Ledger: Sendable {
    /// Requests of one model and class.
    public struct Row: Sendable {
        /// The model.
        public let model: ModelID
        /// The class.
        public let priority: PriorityClass
        /// How they ended.
        public internal(set) var counts = OutcomeCounts()
        /// From arrival to answer, of those that got a result or were late.
        public internal(set) var latency = LatencyHistogram()
    }

    /// Requests of one application, each from its first stage to its last.
    public struct GraphRow: Sendable {
        /// The application's name.
        public let name: String
        /// Its class.
        public let priority: PriorityClass
        /// How they ended.
        public internal(set) var counts = OutcomeCounts()
        /// From arrival to the last answer.
        public internal(set) var latency = LatencyHistogram()
    }

    /// Batches of one model.
    public struct BatchRow: Sendable {
        /// Batches that ended with results after the warm-up.
        public internal(set) var count: Int64 = 0
        /// Their items.
        public internal(set) var items: Int64 = 0
        /// How many batches there were of each size; the place is the number of items.
        public internal(set) var sizes: [Int64] = []

        /// Items per batch; 0 without batches.
        public var mean: Double { count == 0 ? 0 : Double(items) / Double(count) }
    }

    /// What happened to the requests of one row that came within one window.
    public struct Window: Hashable, Sendable {
        /// Requests that came.
        public internal(set) var submitted: Int32 = 0
        /// Those of them that were served in time, and that were violations.
        public internal(set) var served: Int32 = 0, violated: Int32 = 0
    }

    /// A stage on a device, for pictures.
    public struct Span: Hashable, Sendable {
        /// Where.
        public let device: DeviceID, gpulet: GpuletID
        /// Whose, and how many items.
        public let model: ModelID, items: Int32
        /// From the launch to the end.
        public let began: Instant, ended: Instant
    }

    /// How the devices were split from some point on.
    public struct Layout: Hashable, Sendable {
        /// Since when.
        public let at: Instant
        /// Devices and gpulets with at least one instance.
        public let devices: Int32, gpulets: Int32
        /// The units that they have together.
        public let units: Int32
    }

    /// A plan that a planner gave.
    public struct Answer: Sendable {
        /// When.
        public let at: Instant
        /// Which.
        public let epoch: Epoch
        /// The rates it was made for, in thousandths of a request per second, by model.
        public let milliRates: [Int64]
        /// The plan; nil = there was none.
        public let plan: Plan?
    }

    /// By model, then class; models and classes that nobody asked for are there too.
    public internal(set) var rows: [Row]
    /// By application.
    public internal(set) var graphs: [GraphRow]
    /// By model.
    public internal(set) var batches: [BatchRow]
    /// By row, then by window from the begin of the load, the warm-up included.
    public internal(set) var windows: [[Window]] = []
    /// The same in one piece while the run goes on: `windowCount` places per row.
    private var running: [Window]
    private let windowCount: Int
    /// The same for applications.
    public internal(set) var graphWindows: [[Window]]
    /// The length of a window.
    public let window: TimeSpan
    /// The first stages after the warm-up, as many as the setup allows.
    public internal(set) var timeline: [Span] = []
    /// Stages that found no place in it.
    public internal(set) var untold: Int64 = 0
    /// How the split changed, the first entry at the begin of the load or before.
    public internal(set) var layouts: [Layout] = []
    /// All plans.
    public internal(set) var answers: [Answer] = []
    /// How much of each device was used between warm-up and the load's end.
    public internal(set) var usage: [DeviceUsageRow] = []
    /// The time that counts: the load without its warm-up.
    public internal(set) var measured = TimeSpan.zero
    /// When everything had ended.
    public internal(set) var finished = Instant.zero
    /// Events that the core was told.
    public internal(set) var events: Int64 = 0
    /// All requests handed to the core or refused at the table, warm-up included.
    public internal(set) var requests: Int64 = 0
    /// A hash over all orders and their times: equal runs, equal digest.
    public internal(set) var digest: UInt64 = 0
    /// What the auditor found; empty when all is well.
    public internal(set) var complaints: [String] = []

    /// How much of one device was used.
    public struct DeviceUsageRow: Hashable, Sendable {
        /// The part of the time in which anything ran, 0...1.
        public let busy: Double
        /// The same, each stage counted by its gpulet's part of the device.
        public let occupied: Double
        /// The most memory that was ever taken, in KiB.
        public let peakKiB: Int64
    }

    init(_ setup: SimulationSetup) {
        rows = setup.models.flatMap { model in
            PriorityClass.allCases.map { Row(model: model.spec.id, priority: $0) }
        }
        graphs = setup.graphs.map { GraphRow(name: $0.graph.name, priority: $0.graph.priority) }
        batches = setup.models.map { _ in BatchRow() }
        window = setup.window
        let count = Int(min(1 << 20, setup.duration.nanoseconds / setup.window.nanoseconds + 1))
        let empty = Array(repeating: Window(), count: count)
        windowCount = count
        running = Array(repeating: Window(), count: rows.count * count)
        graphWindows = graphs.map { _ in empty }
        measured = setup.duration - setup.warmUp
        timeline.reserveCapacity(min(1 << 16, setup.timelineLimit))
    }

    // MARK: Sums

    /// All rows together.
    public var total: OutcomeCounts {
        rows.reduce(into: OutcomeCounts()) { $0.add($1.counts) }
    }

    /// The row of `model` and `priority`.
    public func row(_ model: ModelID, _ priority: PriorityClass) -> Row {
        rows[Self.place(model, priority)]
    }

    /// Both classes of `model` together.
    public func counts(of model: ModelID) -> OutcomeCounts {
        var counts = row(model, .high).counts
        counts.add(row(model, .low).counts)
        return counts
    }

    /// All models together, for one class.
    public func counts(of priority: PriorityClass) -> OutcomeCounts {
        rows.reduce(into: OutcomeCounts()) { if $1.priority == priority { $0.add($1.counts) } }
    }

    /// Items per batch over all models; 0 without batches.
    public var meanBatch: Double {
        let count = batches.reduce(0) { $0 + $1.count }
        let items = batches.reduce(0) { $0 + $1.items }
        return count == 0 ? 0 : Double(items) / Double(count)
    }

    /// Requests served in time per second.
    public var goodput: Double {
        measured > .zero ? Double(total.served) / measured.inSeconds : 0
    }

    static func place(_ model: ModelID, _ priority: PriorityClass) -> Int {
        model.position * 2 + Int(priority.rawValue)
    }

    // MARK: Entries

    /// What came before the load is as old as the load itself: until now there was no origin to
    /// count from.
    mutating func beginLoad() {
        layouts = layouts.suffix(1).map { last in
            Layout(at: .zero, devices: last.devices, gpulets: last.gpulets, units: last.units)
        }
        answers = answers.map { answer in
            Answer(
                at: .zero,
                epoch: answer.epoch,
                milliRates: answer.milliRates,
                plan: answer.plan
            )
        }
    }

    mutating func arrived(row: Int, window: Int, counts: Bool) {
        if counts { rows[row].counts.submitted += 1 }
        guard window < windowCount else { return }
        running[row * windowCount + window].submitted += 1
    }

    /// Puts the windows of each row together.
    mutating func close() {
        windows = rows.indices.map {
            Array(running[$0 * windowCount..<($0 + 1) * windowCount])
        }
        running = []
    }

    mutating func ended(_ ticket: Ticket, _ outcome: Outcome, at now: Instant) {
        let row = Int(ticket.row)
        let hasDeadline = ticket.deadline != .distantFuture
        if ticket.counts {
            rows[row].counts.add(outcome, hasDeadline: hasDeadline)
            if outcome == .served || outcome == .late {
                rows[row].latency.add(now - ticket.arrival)
            }
        }
        let window = Int(ticket.window)
        guard window < windowCount else { return }
        let place = row * windowCount + window
        if outcome == .served {
            running[place].served += 1
        } else if outcome.isViolation, hasDeadline {
            running[place].violated += 1
        }
    }

    mutating func graphArrived(_ graph: Int, window: Int, counts: Bool) {
        if counts { graphs[graph].counts.submitted += 1 }
        guard window < graphWindows[graph].count else { return }
        graphWindows[graph][window].submitted += 1
    }

    mutating func graphEnded(_ run: GraphRun, _ outcome: Outcome, at now: Instant) {
        let graph = Int(run.graph)
        let hasDeadline = run.deadline != .distantFuture
        if run.counts {
            graphs[graph].counts.add(outcome, hasDeadline: hasDeadline)
            if outcome == .served || outcome == .late {
                graphs[graph].latency.add(now - run.arrival)
            }
        }
        let window = Int(run.window)
        guard window < graphWindows[graph].count else { return }
        if outcome == .served {
            graphWindows[graph][window].served += 1
        } else if outcome.isViolation, hasDeadline {
            graphWindows[graph][window].violated += 1
        }
    }

    mutating func batchEnded(_ model: ModelID, items: Int32) {
        batches[model.position].count += 1
        batches[model.position].items += Int64(items)
        while batches[model.position].sizes.count <= Int(items) {
            batches[model.position].sizes.append(0)
        }
        batches[model.position].sizes[Int(items)] += 1
    }
}
