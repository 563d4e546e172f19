public import ServerRuntime
public import ServingDomain

/// Measures models side by side against each of them alone on the same units.
public struct GroupProfiler: Sendable {
    /// One model on its part of the device.
    public struct Lane: Sendable {
        /// The model.
        public let subject: Subject
        /// Items in each batch.
        public let batch: Int32
        /// Where it runs.
        public let placement: Placement

        /// Creates a lane.
        public init(subject: Subject, batch: Int32, placement: Placement) {
            self.subject = subject
            self.batch = batch
            self.placement = placement
        }
    }

    /// What the others cost one lane.
    public struct Cost: Hashable, Sendable {
        /// The lane's place among those that were measured.
        public var lane: Int
        /// Median latency beside over median latency alone; the median over the rounds.
        public var slowdown: Double
        /// How many batches ran beside the others, over all rounds.
        public var samples: Int
    }

    /// The time of each measurement of a round: every lane alone, then all together.
    public let roundTime: TimeSpan
    /// Ratios of different rounds are independent of slow moments of the machine.
    public let rounds: Int
    private let stopwatch: Stopwatch

    /// Sets up measurements.
    public init(
        roundTime: TimeSpan = .milliseconds(600),
        rounds: Int = 3,
        stopwatch: Stopwatch = .system
    ) {
        precondition(rounds >= 1 && roundTime > .zero)
        self.roundTime = roundTime
        self.rounds = rounds
        self.stopwatch = stopwatch
    }

    /// How long so many lanes take, about.
    public func time(lanes: Int) -> TimeSpan { roundTime * Int64(rounds * (lanes + 1)) }

    /// Measures the lanes. Blocks for about `time(lanes:)`.
    public func measure(_ lanes: [Lane]) throws(EngineError) -> [Cost] {
        precondition(lanes.count >= 2)
        var ratios = [[Double]](repeating: [], count: lanes.count)
        var samples = [Int](repeating: 0, count: lanes.count)
        for _ in 0..<rounds {
            var alone: [LatencySamples] = []
            for lane in lanes { alone += try together([lane]) }
            let beside = try together(lanes)
            for place in lanes.indices {
                guard let slow = beside[place].median, let fast = alone[place].median,
                    fast > .zero
                else { continue }
                ratios[place].append(Double(slow.nanoseconds) / Double(fast.nanoseconds))
                samples[place] += beside[place].count
            }
        }
        return lanes.indices.compactMap { place in
            guard !ratios[place].isEmpty else { return nil }
            let sorted = ratios[place].sorted()
            return Cost(
                lane: place,
                slowdown: sorted[sorted.count / 2],
                samples: samples[place]
            )
        }
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
