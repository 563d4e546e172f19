public import ServerRuntime
public import ServingDomain

/// Measures several instances of one model at once, each busy all the time: what multi-tenancy
/// costs and gives.
public struct CrowdProfiler: Sendable {
    /// What was measured of one batch size and number of instances.
    public struct Crowd: Hashable, Sendable {
        /// Items in each batch.
        public var batch: Int32
        /// Batches that ran at once.
        public var instances: Int32
        /// Latencies of batches over all instances.
        public var samples: LatencySamples
        /// Items per second over all instances.
        public var itemsPerSecond: Double
    }

    /// The numbers of the cores, as the system calls them.
    public let cores: [Int32]
    /// How long a cell is measured; one batch of each instance is always run.
    public let time: TimeSpan
    private let stopwatch: Stopwatch

    /// Sets up measurements.
    public init(cores: [Int32], time: TimeSpan, stopwatch: Stopwatch = .system) {
        precondition(!cores.isEmpty && time > .zero)
        self.cores = cores
        self.time = time
        self.stopwatch = stopwatch
    }

    /// Measures `instances` instances with batches of `batch`. Blocks for about `time`, longer
    /// where one batch takes longer.
    ///
    /// Cores are dealt as a server deals them: max(1, cores / instances) to each, in turn.
    public func measure(
        _ subject: Subject,
        batch: Int32,
        instances: Int32
    ) throws(EngineError) -> Crowd {
        precondition(batch >= 1 && instances >= 1)
        let (time, stopwatch) = (time, stopwatch)
        let gate = StartGate(Int(instances))
        let running = (0..<Int(instances)).map { ordinal in
            let placement = placement(ordinal, of: Int(instances))
            return OwnThread.start { () throws(EngineError) -> BatchRunner.Turn in
                do throws(EngineError) {
                    let runner = try BatchRunner(subject, at: placement, by: stopwatch)
                    return try runner.turn(batch, gate, for: time)
                } catch {
                    gate.giveUp()
                    throw error
                }
            }
        }
        var crowd = Crowd(
            batch: batch,
            instances: instances,
            samples: LatencySamples(),
            itemsPerSecond: 0
        )
        var failure: EngineError?
        for lane in running {
            do throws(EngineError) {
                let turn = try lane.wait()
                crowd.samples.add(turn.spans)
                crowd.itemsPerSecond += turn.itemsPerSecond
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return crowd
    }

    private func placement(_ ordinal: Int, of instances: Int) -> Placement {
        let width = max(1, cores.count / instances)
        let own = (0..<width).map { cores[(ordinal * width + $0) % cores.count] }
        return Placement(device: ProfiledDevice.cpu(cores).spec, units: own, own: own)
    }
}

extension BatchRunner {
    /// What one instance of a crowd measured.
    struct Turn: Sendable {
        var spans: [TimeSpan]
        var itemsPerSecond: Double
    }

    /// Batches in a row for `time`, beside others that do the same until the last has measured.
    fileprivate func turn(
        _ items: Int32,
        _ gate: StartGate,
        for time: TimeSpan
    ) throws(EngineError) -> Turn {
        _ = try run(items)
        guard gate.pass() else { return Turn(spans: [], itemsPerSecond: 0) }
        let began = stopwatch.now()
        var ended = began
        var spans: [TimeSpan] = []
        var isFinished = false
        while !isFinished || !gate.isOver {
            let span = try run(items)
            let now = stopwatch.now()
            if !isFinished {
                spans.append(span)
                ended = now
            }
            if now - began >= time, !isFinished {
                isFinished = true
                gate.finish()
            }
        }
        let seconds = max(1e-9, (ended - began).inSeconds)
        return Turn(
            spans: spans,
            itemsPerSecond: Double(items) * Double(spans.count) / seconds
        )
    }
}
