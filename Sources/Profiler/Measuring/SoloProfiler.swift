public import ServerRuntime
public import ServingDomain

/// Measures a model alone, over batches and numbers of cores.
public struct SoloProfiler: Sendable {
    /// One measured point.
    public struct Point: Hashable, Sendable {
        /// Items in the batch.
        public var batch: Int32
        /// Cores that it ran on.
        public var units: Int32
        /// What was measured.
        public var samples: LatencySamples
    }

    /// How far it has come, for people.
    public struct Progress: Hashable, Sendable {
        /// The model.
        public var model: String
        /// Which round it is, and how many points of all are measured well enough.
        public var round: Int, done: Int, points: Int
        /// The point that was measured last.
        public var last: Point
    }

    /// The numbers of the cores, as the system calls them.
    public let cores: [Int32]
    /// When a point is measured well enough.
    public let patience: Patience
    private let stopwatch: Stopwatch

    /// Sets up measurements on the given cores.
    public init(cores: [Int32], patience: Patience = Patience(), stopwatch: Stopwatch = .system) {
        precondition(!cores.isEmpty)
        self.cores = cores
        self.patience = patience
        self.stopwatch = stopwatch
    }

    /// Numbers of cores to measure: doublings, and all.
    public var sizes: [Int32] {
        var sizes: [Int32] = []
        var next: Int32 = 1
        while next < Int32(cores.count) {
            sizes.append(next)
            next *= 2
        }
        return sizes + [Int32(cores.count)]
    }

    /// Measures every batch on every number of cores. Blocks, for about
    /// points x rounds x `roundTime`.
    ///
    /// - Parameter report: Called after each point, on a thread of the profiler's.
    /// - Returns: The points, by cores, then by batch.
    public func measure(
        _ subject: Subject,
        report: @escaping @Sendable (Progress) -> Void = { _ in }
    ) throws(EngineError) -> [Point] {
        var points = sizes.flatMap { units in
            subject.batches.map { Point(batch: $0, units: units, samples: LatencySamples()) }
        }
        for round in 1...max(1, patience.mostRounds) {
            let open = points.indices.filter {
                !patience.isContent(points[$0].samples, after: round - 1)
            }
            if open.isEmpty { break }
            for units in sizes {
                let wanted = open.filter { points[$0].units == units }
                guard !wanted.isEmpty else { continue }
                let batches = wanted.map { points[$0].batch }
                let measured = try rounds(of: batches, units, subject)
                for (place, spans) in zip(wanted, measured) {
                    points[place].samples.add(spans)
                    let content = points.count {
                        patience.isContent($0.samples, after: max(round, patience.leastRounds))
                    }
                    report(
                        Progress(
                            model: subject.name,
                            round: round,
                            done: content,
                            points: points.count,
                            last: points[place]
                        )
                    )
                }
            }
        }
        return points
    }

    /// How long it takes until an instance answers for the first time, weights in memory: made,
    /// and one item run.
    public func warmStart(_ subject: Subject) throws(EngineError) -> TimeSpan {
        let placement = placement(of: Int32(cores.count))
        let stopwatch = stopwatch
        return try OwnThread.run { () throws(EngineError) -> TimeSpan in
            let began = stopwatch.now()
            let runner = try BatchRunner(subject, at: placement, by: stopwatch)
            _ = try runner.run(1)
            return stopwatch.now() - began
        }
    }

    private func rounds(
        of batches: [Int32],
        _ units: Int32,
        _ subject: Subject
    ) throws(EngineError) -> [[TimeSpan]] {
        let placement = placement(of: units)
        let (patience, stopwatch) = (patience, stopwatch)
        return try OwnThread.run { () throws(EngineError) -> [[TimeSpan]] in
            let runner = try BatchRunner(subject, at: placement, by: stopwatch)
            var all: [[TimeSpan]] = []
            for batch in batches { all.append(try runner.round(batch, patience)) }
            return all
        }
    }

    /// The first `units` cores, as one instance has them.
    func placement(of units: Int32) -> Placement {
        Placement.cores(Array(cores.prefix(Int(units))), of: cores)
    }
}

extension Placement {
    /// One instance alone on some of a socket's cores.
    static func cores(_ own: [Int32], of all: [Int32]) -> Placement {
        let device = DeviceSpec(
            id: DeviceID(0),
            name: "cpu0",
            kind: "cpu",
            units: Int32(all.count)
        )
        return Placement(device: device, units: own, own: own)
    }
}
