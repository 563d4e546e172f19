import Planning
import ServerCore
import ServingDomain
import Workloads

/// One new row of a library of latencies completed, for those who measure what it costs.
public struct CompletionWork: Sendable {
    /// The two methods that use a library as a whole.
    public enum Method: String, Sendable, CaseIterable {
        /// Smallest nuclear norm, as published.
        case nuclearNorm = "nuclear norm"
        /// Rank-2 alternating least squares with scaled rows.
        case rankTwo = "rank 2"
    }

    private let library: LatencyLibrary
    private let probes: [Double?]
    private let method: CompletionMethod

    /// A library of `networks` rows at `settings` levels, drawn from `seed`, and a network of which
    /// two levels are known.
    public init(_ method: Method, networks: Int, settings: Int, seed: UInt64 = 1) {
        precondition(networks >= 3 && settings >= 3)
        var dice = SeededGenerator(seed: seed)
        let rows = (0..<networks).map { number in
            let (host, device) = (
                10 + 90 * Double.random(in: 0..<1, using: &dice),
                1 + 19 * Double.random(in: 0..<1, using: &dice)
            )
            let latencies: [Double?] = (1...settings).map { level in
                max(host, Double(level) * device)
                    * (0.97 + 0.06 * Double.random(in: 0..<1, using: &dice))
            }
            return LatencyLibrary.Row(name: "\(number)", device: "p40", latencies: latencies)
        }
        library = LatencyLibrary(
            device: "p40",
            settings: (1...Int32(settings)).map { $0 },
            rows: rows
        )
        var probes = [Double?](repeating: nil, count: settings)
        probes[0] = 40
        probes[settings * 3 / 4] = 40 + 4 * Double(settings)
        self.probes = probes
        self.method = method == .nuclearNorm ? .nuclearNorm : .rankTwo(isScaled: true)
    }

    /// Completes the row; its sum, so that nothing is optimised away. 0 = could not be done.
    public func run() -> Double {
        ((try? method.estimate(probes, from: library)) ?? []).reduce(0, +)
    }
}

/// What the forecast learns from one run in company, for those who measure what it costs.
public struct LearnerWork: Sendable {
    private var learner = LossLearner.prior
    private var place = 0

    /// Creates a learner that begins with the prior.
    public init() {}

    /// One update by recursive least squares.
    public mutating func learn() {
        place = (place + 1) % 7
        let part = 0.2 + 0.1 * Double(place)
        let own = Pressure(sm: part, l2: 0.5 * part, dram: 0.8 - part)
        let rival = Pressure(sm: 0.7 - part, l2: 0.3, dram: part)
        learner.learn(own.features(beside: rival, count: 1), loss: 0.2 + 0.05 * part)
    }

    /// Runs that it learned from.
    public var samples: Int64 { learner.samples }
}
