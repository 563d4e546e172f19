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

    /// The numbers of the cores, as the system calls them.
    public let cores: [Int32]
    /// The time of each of the three measurements of a round: one alone, the other alone, both.
    public let roundTime: TimeSpan
    /// Ratios of different rounds are independent of slow moments of the machine.
    public let rounds: Int
    private let stopwatch: Stopwatch

    /// Sets up measurements; with one core only the shared set can be measured.
    public init(
        cores: [Int32],
        roundTime: TimeSpan = .milliseconds(600),
        rounds: Int = 3,
        stopwatch: Stopwatch = .system
    ) {
        precondition(!cores.isEmpty && rounds >= 1 && roundTime > .zero)
        self.cores = cores
        self.roundTime = roundTime
        self.rounds = rounds
        self.stopwatch = stopwatch
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
        guard let (first, second) = placements(seats) else { return [] }
        let lanes = [
            Lane(subject: one.subject, batch: one.batch, placement: first),
            Lane(subject: other.subject, batch: other.batch, placement: second),
        ]
        var ratios: [[Double]] = [[], []]
        var samples = [0, 0]
        for _ in 0..<rounds {
            let alone = [try together([lanes[0]])[0], try together([lanes[1]])[0]]
            let beside = try together(lanes)
            for side in 0...1 {
                guard let slow = beside[side].median, let fast = alone[side].median,
                    fast > .zero
                else { continue }
                ratios[side].append(Double(slow.nanoseconds) / Double(fast.nanoseconds))
                samples[side] += beside[side].count
            }
        }
        let sides = lanes.map {
            let share = 100 * Double($0.placement.own.count) / Double(cores.count)
            return Side(model: $0.subject.name, batch: $0.batch, share: share)
        }
        return (0...1).compactMap { side in
            guard !ratios[side].isEmpty else { return nil }
            let sorted = ratios[side].sorted()
            return Result(
                victim: sides[side],
                beside: sides[1 - side],
                slowdown: sorted[sorted.count / 2],
                samples: samples[side]
            )
        }
    }

    private func placements(_ seats: Seats) -> (Placement, Placement)? {
        switch seats {
        case .shared: return (.cores(cores, of: cores), .cores(cores, of: cores))
        case .disjoint:
            let half = cores.count / 2
            guard half > 0 else { return nil }
            let (low, high) = (Array(cores.prefix(half)), Array(cores.suffix(half)))
            return (.cores(low, of: cores), .cores(high, of: cores))
        }
    }

    private struct Lane: Sendable {
        let subject: Subject
        let batch: Int32
        let placement: Placement
    }

    /// Runs lanes side by side for one round; only batches that ran beside all others count.
    private func together(_ lanes: [Lane]) throws(EngineError) -> [LatencySamples] {
        let (roundTime, stopwatch) = (roundTime, stopwatch)
        let gate = StartGate(lanes.count)
        let running = lanes.map { lane in
            OwnThread.start { () throws(EngineError) -> LatencySamples in
                do throws(EngineError) {
                    let runner = try BatchRunner(lane.subject, at: lane.placement, by: stopwatch)
                    return try runner.beside(lane.batch, gate, for: roundTime)
                } catch {
                    gate.giveUp()
                    throw error
                }
            }
        }
        var results: [LatencySamples] = []
        var failure: EngineError?
        for lane in running {
            do throws(EngineError) {
                results.append(try lane.wait())
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return results
    }
}

extension BatchRunner {
    /// Batches in a row beside other lanes, until every lane has measured for `time`.
    ///
    /// What ended within the time counts, and the first batch whatever it took: all lanes go on
    /// until the last has measured, so nobody ran alone meanwhile.
    fileprivate func beside(
        _ items: Int32,
        _ gate: StartGate,
        for time: TimeSpan
    ) throws(EngineError) -> LatencySamples {
        _ = try run(items)
        guard gate.pass() else { return LatencySamples() }
        let end = stopwatch.now() + time
        var spans: [TimeSpan] = []
        var isFinished = false
        while !isFinished || !gate.isOver {
            let span = try run(items)
            let isLate = stopwatch.now() >= end
            if !isLate || spans.isEmpty { spans.append(span) }
            if isLate && !isFinished {
                isFinished = true
                gate.finish()
            }
        }
        var samples = LatencySamples()
        samples.add(spans)
        return samples
    }
}
