import ServerCore
public import Simulation

/// `reproduce strait`: what is known of Strait (arXiv 2604.28175), held against our stand-in.
///
/// The paper's models, deadlines, traces and baselines could not be obtained; only its headline
/// (1.02 to 11.18 percentage points fewer high-priority violations) is known. Everything here is
/// the stand-in of the notes, section 3.2: six networks on an L4 preset, paired seeds.
public enum StraitReproduction {
    /// How much is run.
    public enum Effort: Hashable, Sendable {
        /// A few cells and two seeds, about a minute.
        case quick
        /// All axes, ten seeds of 20 seconds.
        case standard
        /// The same and a grid, ten seeds of 120 seconds.
        case full

        /// Seeds, seconds and seconds of warm-up.
        var size: (seeds: UInt64, seconds: Int64, warmUp: Int64) {
            switch self {
            case .quick: (2, 10, 5)
            case .standard: (10, 20, 5)
            case .full: (10, 120, 30)
            }
        }
    }

    /// The published reduction of high-priority violations, in percentage points.
    public static let published = (low: 1.02, high: 11.18)

    /// Everything to run, each by itself: a driver may run them in any order, or side by side.
    public static func jobs(_ effort: Effort, seed: UInt64) -> [StraitJob] {
        var plan: [(cells: [StraitCell], cases: [StraitPolicyCase], seeds: UInt64)] = []
        let (seeds, seconds, warmUp) = effort.size
        let axes = StraitCell.axes
        let loaded = axes.filter { $0.name == "base" || $0.name == "load 1.1" }
        switch effort {
        case .quick:
            let few = axes.filter { ["base", "load 1.1", "slots 4"].contains($0.name) }
            plan.append((few, StraitPolicyCase.main, seeds))
            plan.append((StraitCell.drifts, [.strait], 1))
        case .standard, .full:
            plan.append((axes, StraitPolicyCase.main, seeds))
            if effort == .full { plan.append((StraitCell.grid, StraitPolicyCase.main, seeds)) }
            plan.append((loaded, StraitPolicyCase.thresholds, seeds))
            let parts = StraitPolicyCase.ablations + StraitPolicyCase.additions
            plan.append((loaded, parts, effort == .full ? 30 : seeds))
            plan.append((StraitCell.workloads, disbCases, seeds))
            plan.append((StraitCell.inputs, inputCases, max(2, seeds / 2)))
            plan.append((StraitCell.drifts, [.strait], max(2, seeds / 2)))
        }
        return plan.flatMap { part in
            part.cells.flatMap { cell in
                part.cases.flatMap { policy in
                    (0..<part.seeds).map { index in
                        var length = seconds
                        if cell.drift != nil { length = max(seconds, 60) }
                        return StraitJob(
                            cell,
                            policy,
                            seed: seed &+ index,
                            seconds: length,
                            warmUp: warmUp
                        )
                    }
                }
            }
        }
    }

    /// What DISB's mixtures are run with.
    static let disbCases: [StraitPolicyCase] = [
        .strait, .confluence, .fifo, .triton, .edf, .preemptive,
    ]
    /// What the sweep of input sizes is run with.
    static let inputCases: [StraitPolicyCase] = [.strait, .edf] + transferOff
    static let transferOff = StraitPolicyCase.ablations.filter { $0.name.contains("transfer") }

    /// Runs everything, one after the other.
    ///
    /// - Parameter progress: Called after each run with how many are done and how many there are.
    /// - Throws: `SimulationError` where a run can't be made.
    public static func run(
        _ effort: Effort,
        seed: UInt64 = 1,
        progress: (Int, Int) -> Void = { _, _ in }
    ) throws(SimulationError) -> (result: ExperimentResult, samples: StraitSamples) {
        let jobs = jobs(effort, seed: seed)
        var samples: [StraitSample] = []
        samples.reserveCapacity(jobs.count)
        for (place, job) in jobs.enumerated() {
            samples.append(try job.run())
            progress(place + 1, jobs.count)
        }
        let all = StraitSamples(samples, seed: seed)
        return (try result(of: all), all)
    }

    /// Rows and checks from runs that were made before.
    ///
    /// - Throws: `SimulationError` where one of the two runs that gates need can't be made.
    public static func result(
        of samples: StraitSamples
    ) throws(SimulationError) -> ExperimentResult {
        var result = ExperimentResult(experiment: "strait", seed: samples.seed)
        result.rows = rows(of: samples)
        result.checks = try gates(samples) + claims(samples)
        return result
    }

    // MARK: Gates

    private static func gates(
        _ samples: StraitSamples
    ) throws(SimulationError) -> [ResultCheck] {
        var job = StraitJob(.base, .strait, seed: samples.seed, seconds: 5, warmUp: 1)
        job.isAudited = true
        let first = try job.run()
        let second = try job.run()
        var checks = [
            ResultCheck(
                "same orders",
                kind: .gate,
                goal: "two runs of one seed have one digest",
                value: nil,
                holds: first.digest == second.digest
            ),
            ResultCheck(
                "audit",
                kind: .gate,
                goal: "nothing to complain about after any event of the base cell",
                value: Double(first.complaints.count),
                holds: first.complaints.isEmpty,
                note: first.complaints.first ?? ""
            ),
        ]
        let runs = samples.runs(.base, .strait)
        for isHigh in [true, false] {
            let coverages = runs.map { isHigh ? $0.forecast.high : $0.forecast.low }
            let count = Double(coverages.reduce(0) { $0 + $1.count })
            guard count > 0 else { continue }
            let sum = coverages.reduce(0.0) { $0 + ($1.covered - $1.target) * Double($1.count) }
            checks.append(
                ResultCheck(
                    "coverage of the margins, \(isHigh ? "high" : "low"), base cell",
                    kind: .gate,
                    goal: "within 2 points of the target",
                    value: 100 * sum / count,
                    holds: abs(100 * sum / count) <= 2
                )
            )
        }
        return checks
    }
}
