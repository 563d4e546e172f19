public import ServerRuntime
public import ServingDomain

/// Measures a model alone, over batches and shares of a device.
public struct SoloProfiler: Sendable {
    /// One measured point.
    public struct Point: Hashable, Sendable {
        /// Items in the batch.
        public var batch: Int32
        /// Units that it ran on.
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

    /// The device.
    public let device: ProfiledDevice
    /// When a point is measured well enough.
    public let patience: Patience
    private let stopwatch: Stopwatch

    /// Sets up measurements on the given cores of a CPU.
    public init(cores: [Int32], patience: Patience = Patience(), stopwatch: Stopwatch = .system) {
        precondition(!cores.isEmpty)
        self.init(device: .cpu(cores), patience: patience, stopwatch: stopwatch)
    }

    /// Sets up measurements on a device.
    public init(
        device: ProfiledDevice,
        patience: Patience = Patience(),
        stopwatch: Stopwatch = .system
    ) {
        self.device = device
        self.patience = patience
        self.stopwatch = stopwatch
    }

    /// Numbers of units to measure: doublings, and all.
    public var sizes: [Int32] { device.sizes }

    /// Measures every batch on every share. Blocks, for about
    /// points x rounds x `roundTime`.
    ///
    /// - Parameter report: Called after each point, on a thread of the profiler's.
    /// - Returns: The points, by units, then by batch.
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
        try settle(&points, subject)
        return points
    }

    /// Measures anew what can't be true: a batch that takes more than twice as long as a larger one
    /// on the same units met a slow moment of the machine. One that stays so is taken to be as long
    /// as the larger one, since it could be padded to that.
    private func settle(_ points: inout [Point], _ subject: Subject) throws(EngineError) {
        for _ in 0..<max(1, patience.mostRounds) {
            let doubtful = points.indices.filter { Self.isDoubtful($0, among: points) }
            guard !doubtful.isEmpty else { return }
            for place in doubtful {
                let point = points[place]
                points[place].samples = LatencySamples()
                for spans in try rounds(of: [point.batch], point.units, subject) {
                    points[place].samples.add(spans)
                }
            }
        }
        for place in points.indices.reversed() where Self.isDoubtful(place, among: points) {
            points[place].samples = points[place + 1].samples
        }
    }

    /// Whether the point after this one, of a larger batch, took less than half of its time.
    private static func isDoubtful(_ place: Int, among points: [Point]) -> Bool {
        guard place + 1 < points.count, points[place].units == points[place + 1].units,
            let own = points[place].samples.median, let larger = points[place + 1].samples.median
        else { return false }
        return own > larger * 2
    }

    /// How long it takes until an instance answers for the first time, weights in memory: made,
    /// and one item run.
    public func warmStart(_ subject: Subject) throws(EngineError) -> TimeSpan {
        let placement = device.placement(device.spec.units)
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
        let placement = device.placement(units)
        let (patience, stopwatch) = (patience, stopwatch)
        return try OwnThread.run { () throws(EngineError) -> [[TimeSpan]] in
            let runner = try BatchRunner(subject, at: placement, by: stopwatch)
            var all: [[TimeSpan]] = []
            for batch in batches { all.append(try runner.round(batch, patience)) }
            return all
        }
    }
}
