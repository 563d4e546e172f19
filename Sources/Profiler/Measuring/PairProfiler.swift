public import ServerRuntime
public import ServingDomain

/// Measures two models side by side: on disjoint cores, and on one shared set.
public struct PairProfiler: Sendable {
    /// One side of a pair.
    public struct Side: Hashable, Sendable {
        /// The model's name.
        public var model: String
        /// Items in each batch.
        public var batch: Int32
        /// Per cent of the cores that it may use.
        public var share: Double

        /// Creates a side.
        public init(model: String, batch: Int32, share: Double) {
            self.model = model
            self.batch = batch
            self.share = share
        }
    }

    /// How much slower one side was than alone on the same cores.
    public struct Result: Hashable, Sendable {
        /// Who was slowed down, and by whom. Shares of more than 100 % together are one set of
        /// cores that both used.
        public var victim: Side, beside: Side
        /// Median latency beside over median latency alone; the median over the rounds.
        public var slowdown: Double
        /// How many batches ran beside the other, over all rounds.
        public var samples: Int
    }

    private let device: ProfiledDevice
    private let group: GroupProfiler

    /// Sets up measurements; with one core only the shared set can be measured.
    public init(
        cores: [Int32],
        roundTime: TimeSpan = .milliseconds(600),
        rounds: Int = 3,
        stopwatch: Stopwatch = .system
    ) {
        device = .cpu(cores)
        group = GroupProfiler(roundTime: roundTime, rounds: rounds, stopwatch: stopwatch)
    }

    /// Where the two sides of a pair can sit.
    public enum Seats: String, Hashable, Sendable, CaseIterable {
        /// Each on its half of the cores.
        case disjoint
        /// Both on all cores.
        case shared
    }

    /// Measures a pair. Blocks for about `rounds` x 3 x `roundTime`.
    ///
    /// - Returns: Both sides as victims; empty where there are too few cores for the seats.
    public func measure(
        _ one: (subject: Subject, batch: Int32),
        _ other: (subject: Subject, batch: Int32),
        on seats: Seats
    ) throws(EngineError) -> [Result] {
        let all = device.spec.units
        guard seats == .shared || all >= 2 else { return [] }
        let counts = seats == .shared ? [all, all] : [all / 2, all - all / 2]
        let placements = device.placements(counts)
        let lanes = [
            GroupProfiler.Lane(subject: one.subject, batch: one.batch, placement: placements[0]),
            GroupProfiler.Lane(
                subject: other.subject,
                batch: other.batch,
                placement: placements[1]
            ),
        ]
        let sides = zip(lanes, counts).map { lane, units in
            Side(
                model: lane.subject.name,
                batch: lane.batch,
                share: 100 * Double(units) / Double(all)
            )
        }
        return try group.measure(lanes).map { cost in
            Result(
                victim: sides[cost.lane],
                beside: sides[1 - cost.lane],
                slowdown: cost.slowdown,
                samples: cost.samples
            )
        }
    }
}
